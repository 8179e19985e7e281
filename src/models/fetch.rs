//! Fetching: the one place that goes online, called by `linocut models fetch` and by nothing else.
//!
//! Input: a known name, a folder, an [`Endpoint`]. Output: the model's files in that folder and the record of
//! their hashes. Invariants: pinned revisions only; nothing is asked for under a licence whose terms nobody has accepted; a file gets its final name when its size and SHA-256 are right,
//! so what is there is whole; an interrupted transfer goes on where it stopped. Determinism: same revision, same
//! bytes. Cost: the download, one SHA-256 pass while it arrives.
//!
//! `hf-hub` gives addresses, token file and cache layout. The transfer itself is ours: `hf-hub` 0.5 appends to a
//! partial file without looking whether the server honoured the range, checks neither size nor hash, cannot be
//! cancelled, and panics where it finds no home folder.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::builtin::has_builtin;
use super::disk::{hex, io, read_bounded, sha256_of_file};
use super::error::ModelError;
use super::kind::Kind;
use super::licence::Terms;
use super::lock::{Lock, LockedFile};
use super::manifest::{self, AUTO, DEFAULT, Manifest, PinnedFile, SMALL, STABLE_DIFFUSION};
use super::search::{Environment, folder_name};
use crate::ctx::{Cancel, Progress};

/// Where models come from and how to ask.
#[derive(Clone)]
pub struct Endpoint {
    /// Address of the hub, without a slash at the end.
    pub url: String,
    /// Access token, for repositories that ask for one.
    pub token: Option<String>,
    /// Whether going online is forbidden.
    pub offline: bool,
    /// How often in a row a transfer that brings nothing is tried again before the fetch gives up; 0: a broken one
    /// is not taken up at all.
    pub retries: u32,
    /// Wait before the first retry; doubles each time.
    pub pause: Duration,
    /// Certificates to trust instead of Mozilla's, as a PEM file: what a studio's proxy needs.
    pub certificates: Option<PathBuf>,
}

impl Endpoint {
    /// The Hugging Face hub.
    pub const HUB: &str = "https://huggingface.co";

    /// An endpoint at `url` without token.
    pub fn at(url: &str) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        let pause = Duration::from_secs(1);
        Self { url, token: None, offline: false, retries: 3, pause, certificates: None }
    }

    /// The endpoint of this process: `HF_ENDPOINT`, `HF_TOKEN` or the token file of the hub's own tools,
    /// `HF_HUB_OFFLINE`, `SSL_CERT_FILE`.
    pub fn of_process() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        let cache = Environment::of_process(None).hub_cache();
        let stored = || hf_hub::Cache::new(cache?).token();
        let no = |value: &String| matches!(value.to_lowercase().as_str(), "0" | "false" | "no" | "off");
        let offline = set("HF_HUB_OFFLINE").is_some_and(|value| !no(&value));
        let certificates = set("SSL_CERT_FILE").map(PathBuf::from);
        let token = set("HF_TOKEN").or_else(stored);
        Self { token, offline, certificates, ..Self::at(set("HF_ENDPOINT").as_deref().unwrap_or(Self::HUB)) }
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let token = self.token.as_ref().map(|_| "(set)");
        f.debug_struct("Endpoint").field("url", &self.url).field("token", &token).finish_non_exhaustive()
    }
}

/// How a file got into its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrived {
    /// It was there and is right.
    AlreadyThere,
    /// Downloaded; its SHA-256 is the one of the manifest.
    Published,
    /// Downloaded; the manifest knows no SHA-256, so this one was recorded.
    Recorded,
}

/// A fetched model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fetched {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Each file, its SHA-256 and how it got there.
    pub files: Vec<(String, String, Arrived)>,
}

/// Brings the model `name` into its folder below `models`. Where its licence has terms, `accepts` is asked about them once and
/// the answer yes is kept beside the files.
///
/// # Errors
/// [`ModelError::BuiltIn`], [`ModelError::Unknown`], [`ModelError::Offline`], [`ModelError::NotAccepted`], [`ModelError::Refused`],
/// [`ModelError::Network`], [`ModelError::WrongSize`], [`ModelError::WrongDownload`], [`ModelError::Busy`],
/// [`ModelError::Io`], [`ModelError::Cancelled`]. After each of them the folder holds no file that is not right.
pub fn fetch(
    name: &str,
    models: &Path,
    endpoint: &Endpoint,
    accepts: &dyn Fn(&Terms) -> bool,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Fetched, ModelError> {
    let name = if name == AUTO { STABLE_DIFFUSION } else { name };
    if name == DEFAULT || (name == SMALL && has_builtin(Kind::Diffusion)) {
        return Err(ModelError::BuiltIn { name: name.to_owned() });
    }
    let manifest = manifest::find(name).ok_or_else(|| ModelError::Unknown {
        kind: None,
        name: name.to_owned(),
        searched: Vec::new(),
        known: manifest::known().iter().map(|manifest| manifest.name.clone()).collect(),
    })?;
    fetch_manifest(manifest, models, endpoint, accepts, progress, cancel)
}

/// As [`fetch`], for any manifest.
///
/// # Errors
/// As [`fetch`].
pub fn fetch_manifest(
    manifest: &Manifest,
    models: &Path,
    endpoint: &Endpoint,
    accepts: &dyn Fn(&Terms) -> bool,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Fetched, ModelError> {
    let folder = models.join(folder_name(&manifest.name));
    if endpoint.offline {
        return Err(ModelError::Offline { name: manifest.name.clone(), folder });
    }
    let open = Terms::of(manifest).filter(|terms| !terms.are_accepted(&folder));
    if let Some(terms) = open.as_ref().filter(|terms| !accepts(terms)) {
        // A question that was broken off is no answer.
        cancel.check()?;
        return Err(terms.refused());
    }
    create(&folder)?;
    if let Some(terms) = open {
        terms.record(&folder)?;
    }
    let mut lock = Lock::read(&folder).unwrap_or_default();
    lock.repository.clone_from(&manifest.repository);
    let courier = Courier { agent: agent(endpoint.certificates.as_deref())?, endpoint, progress, cancel };
    let mut files = Vec::new();
    for file in manifest.all_files() {
        let revision = manifest.revision_of(file);
        let recorded = lock.files.get(&file.path).filter(|recorded| recorded.revision == revision);
        let known = file.sha256.clone().or_else(|| recorded.map(|recorded| recorded.sha256.clone()));
        let target = folder.join(&file.path);
        create(target.parent().unwrap_or(&folder))?;
        let (sha256, arrived) = match already_there(&target, known.as_deref(), cancel)? {
            Some(sha256) => (sha256, Arrived::AlreadyThere),
            None => courier.bring(manifest, file, &target)?,
        };
        let size = std::fs::metadata(&target).map_err(|reason| io("read", &target, &reason))?.len();
        let record = LockedFile { size, sha256: sha256.clone(), revision: revision.to_owned() };
        lock.files.insert(file.path.clone(), record);
        lock.write(&folder)?;
        files.push((file.path.clone(), sha256, arrived));
    }
    Ok(Fetched { name: manifest.name.clone(), folder, files })
}

fn create(folder: &Path) -> Result<(), ModelError> {
    std::fs::create_dir_all(folder).map_err(|reason| io("create", folder, &reason))
}

/// The SHA-256 of `target` if it is there and is the known one.
fn already_there(target: &Path, known: Option<&str>, cancel: &Cancel) -> Result<Option<String>, ModelError> {
    let Some(known) = known.filter(|_| target.is_file()) else { return Ok(None) };
    Ok(Some(sha256_of_file(target, cancel)?).filter(|found| found == known))
}

/// TLS is rustls with Mozilla's roots; proxies come from the usual environment variables.
fn agent(certificates: Option<&Path>) -> Result<ureq::Agent, ModelError> {
    let mut tls = ureq::tls::TlsConfig::builder();
    if let Some(path) = certificates {
        tls = tls.root_certs(roots_in(path)?);
    }
    let config = ureq::Agent::config_builder()
        .tls_config(tls.build())
        .http_status_as_error(false)
        .redirect_auth_headers(ureq::config::RedirectAuthHeaders::SameHost)
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_per_read(Some(Duration::from_secs(60)))
        .user_agent(concat!("linocut/", env!("CARGO_PKG_VERSION")));
    Ok(config.build().into())
}

fn roots_in(path: &Path) -> Result<ureq::tls::RootCerts, ModelError> {
    let pem = read_bounded(path, 16 << 20)?;
    let roots: Vec<_> = ureq::tls::parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if roots.is_empty() {
        return Err(io("read", path, &std::io::Error::other("SSL_CERT_FILE names a file without certificates")));
    }
    Ok(ureq::tls::RootCerts::new_with_certs(&roots))
}

/// What every transfer of one fetch shares.
struct Courier<'a> {
    agent: ureq::Agent,
    endpoint: &'a Endpoint,
    progress: &'a dyn Progress,
    cancel: &'a Cancel,
}

impl Courier<'_> {
    /// Downloads `file`, checks it and renames it to `target`.
    fn bring(&self, manifest: &Manifest, file: &PinnedFile, target: &Path) -> Result<(String, Arrived), ModelError> {
        let url = self.address(manifest, file)?;
        let mut partial = Partial::open(target)?;
        let fresh = partial.received == 0;
        self.progress.stage(&format!("fetch {}", file.path), file.size.unwrap_or(0));
        let mut found = self.receive(&url, file, &mut partial)?;
        if !fresh && file.sha256.as_ref().is_some_and(|expected| *expected != found) {
            // What an earlier run left behind may be the wrong part: once more from the first byte.
            partial.restart()?;
            found = self.receive(&url, file, &mut partial)?;
        }
        match &file.sha256 {
            Some(expected) if *expected != found => {
                partial.discard();
                Err(ModelError::WrongDownload { url, expected: expected.clone(), found })
            }
            pinned => {
                partial.finish(target)?;
                Ok((found, if pinned.is_some() { Arrived::Published } else { Arrived::Recorded }))
            }
        }
    }

    fn address(&self, manifest: &Manifest, file: &PinnedFile) -> Result<String, ModelError> {
        let revision = manifest.revision_of(file).to_owned();
        let repository = hf_hub::Repo::with_revision(manifest.repository.clone(), hf_hub::RepoType::Model, revision);
        let hub = hf_hub::api::sync::ApiBuilder::from_cache(hf_hub::Cache::new(PathBuf::new()));
        let hub = hub.with_endpoint(self.endpoint.url.clone()).with_progress(false).build();
        let hub =
            hub.map_err(|error| ModelError::Network { url: self.endpoint.url.clone(), reason: error.to_string() })?;
        Ok(hub.repo(repository).url(&file.path))
    }

    /// Receives the whole file, taking up a broken transfer where it stopped; returns its SHA-256.
    fn receive(&self, url: &str, file: &PinnedFile, partial: &mut Partial) -> Result<String, ModelError> {
        let (mut tries_left, mut pause) = (self.endpoint.retries, self.endpoint.pause);
        loop {
            let before = partial.received;
            match self.attempt(url, file, partial) {
                Err(ModelError::Network { .. }) if tries_left > 0 => {
                    self.wait(pause)?;
                    // A line that breaks often but brings bytes each time gets there in the end.
                    let progressed = partial.received > before;
                    tries_left = if progressed { self.endpoint.retries } else { tries_left - 1 };
                    pause = if progressed { self.endpoint.pause } else { pause.saturating_mul(2) };
                }
                Err(error) => {
                    let of_no_use = partial.received == 0 || matches!(error, ModelError::WrongSize { .. });
                    if of_no_use {
                        partial.discard();
                    }
                    return Err(error);
                }
                Ok(()) => break,
            }
        }
        partial.sync()?;
        Ok(partial.sha256())
    }

    /// One request: the rest of the file from where `partial` ends.
    fn attempt(&self, url: &str, file: &PinnedFile, partial: &mut Partial) -> Result<(), ModelError> {
        if file.size == Some(partial.received) && partial.received > 0 {
            return Ok(());
        }
        let (mut body, total) = self.ask(url, partial)?;
        let wrong = |found| match file.size {
            Some(expected) if found != expected => Err(ModelError::WrongSize { url: url.to_owned(), expected, found }),
            _ => Ok(()),
        };
        total.map_or(Ok(()), wrong)?;
        let limit = total.or(file.size).unwrap_or(u64::MAX);
        let mut block = vec![0; 1 << 16];
        loop {
            self.cancel.check()?;
            let count = body.read(&mut block).map_err(|reason| network(url, &reason))?;
            if count == 0 {
                break;
            }
            if partial.received.saturating_add(count as u64) > limit {
                let expected = limit;
                return Err(ModelError::WrongSize {
                    url: url.to_owned(),
                    expected,
                    found: partial.received + count as u64,
                });
            }
            partial.append(block.get(..count).unwrap_or_default())?;
            self.progress.advance(partial.received, "");
        }
        match total.or(file.size) {
            Some(total) if partial.received < total => {
                let reason = format!("the connection ended after {} of {total} bytes", partial.received);
                Err(ModelError::Network { url: url.to_owned(), reason })
            }
            _ => Ok(()),
        }
    }

    /// Sends the request; returns the body, placed so that it continues `partial`, and the size of the whole file.
    fn ask(&self, url: &str, partial: &mut Partial) -> Result<(Box<dyn Read>, Option<u64>), ModelError> {
        let mut request = self.agent.get(url).header("Accept-Encoding", "identity");
        if partial.received > 0 {
            request = request.header("Range", format!("bytes={}-", partial.received));
        }
        if let Some(token) = &self.endpoint.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let response = request.call().map_err(|reason| network(url, &reason))?;
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let (status, range) = (response.status().as_u16(), header("Content-Range"));
        let length = header("Content-Length").and_then(|text| text.parse::<u64>().ok());
        let total = match (status, range.as_deref().and_then(parse_range)) {
            (206, Some((start, total))) if start == partial.received => total,
            (206 | 416, _) if partial.received > 0 => {
                // The answer does not continue what is here: ask again for the whole file.
                partial.restart()?;
                return self.ask(url, partial);
            }
            (200, _) => {
                partial.restart()?;
                length
            }
            _ => return Err(ModelError::Refused { url: url.to_owned(), status }),
        };
        Ok((Box::new(response.into_body().into_reader()), total))
    }

    /// Waits, but not longer than a cancel takes.
    fn wait(&self, pause: Duration) -> Result<(), ModelError> {
        let start = Instant::now();
        while start.elapsed() < pause {
            self.cancel.check()?;
            std::thread::sleep(Duration::from_millis(20).min(pause));
        }
        Ok(())
    }
}

/// `bytes START-END/TOTAL` as (start, total where it is known).
fn parse_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes")?.trim().split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()))
}

fn network(url: &str, reason: &dyn std::fmt::Display) -> ModelError {
    ModelError::Network { url: url.to_owned(), reason: reason.to_string() }
}

/// A file that is still arriving: `NAME.part`, locked against a second fetch, hashed as it grows.
struct Partial {
    path: PathBuf,
    file: File,
    hasher: Sha256,
    received: u64,
}

impl Partial {
    /// Opens the partial file of `target` and hashes what is already there.
    fn open(target: &Path) -> Result<Self, ModelError> {
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let path = target.with_file_name(name);
        let failed = |reason: std::io::Error| io("write", &path, &reason);
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(failed(std::io::Error::other("it is not a plain file")));
        }
        match file.try_lock() {
            Err(std::fs::TryLockError::WouldBlock) => return Err(ModelError::Busy { path }),
            // A file system without locks still works; only the guard against a second fetch is missing there.
            Err(std::fs::TryLockError::Error(_)) | Ok(()) => {}
        }
        let (mut hasher, mut received, mut block) = (Sha256::new(), 0, vec![0; 1 << 20]);
        loop {
            let count = file.read(&mut block).map_err(failed)?;
            if count == 0 {
                return Ok(Self { path, file, hasher, received });
            }
            hasher.update(block.get(..count).unwrap_or_default());
            received += count as u64;
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), ModelError> {
        self.file.write_all(bytes).map_err(|reason| io("write", &self.path, &reason))?;
        self.hasher.update(bytes);
        self.received += bytes.len() as u64;
        Ok(())
    }

    /// Back to the first byte.
    fn restart(&mut self) -> Result<(), ModelError> {
        let failed = |reason: std::io::Error| io("write", &self.path, &reason);
        self.file.set_len(0).map_err(failed)?;
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        (self.hasher, self.received) = (Sha256::new(), 0);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), ModelError> {
        self.file.sync_all().map_err(|reason| io("write", &self.path, &reason))
    }

    fn sha256(&self) -> String {
        hex(&self.hasher.clone().finalize())
    }

    fn finish(self, target: &Path) -> Result<(), ModelError> {
        std::fs::rename(&self.path, target).map_err(|reason| io("write", target, &reason))
    }

    /// Removes the file; what cannot be removed is overwritten by the next fetch.
    fn discard(&mut self) {
        let _ = self.restart();
        let _ = std::fs::remove_file(&self.path);
    }
}
