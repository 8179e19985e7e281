//! Fetching an encoder: every way a download can go wrong leaves a clear message and no file that is not right.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use linocut::ctx::{Cancel, Progress, Silent};
use linocut::models::{
    Arrived, ClipFiles, Endpoint, Fetched, Lock, Manifest, ModelError, ModelFiles, PinnedFile, SearchPath, Verdict,
    fetch, fetch_manifest, verify,
};
use sha2::{Digest as _, Sha256};

use super::models::tiny_safetensors;
use super::models_hub::{Hub, Reply, Request};

const REVISION: &str = "0123456789abcdef0123456789abcdef01234567";

fn weights() -> Vec<u8> {
    tiny_safetensors(300_000)
}

fn bytes_of(path: &str) -> Option<Vec<u8>> {
    match path.strip_prefix(&format!("/studio/encoder/resolve/{REVISION}/"))? {
        "config.json" => Some(b"{}".to_vec()),
        "tokenizer.json" => Some(b"{\"version\":\"1.0\"}".to_vec()),
        "model.safetensors" => Some(weights()),
        _ => None,
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn manifest() -> Manifest {
    let pinned = |path: &str| {
        let bytes = bytes_of(&format!("/studio/encoder/resolve/{REVISION}/{path}")).unwrap();
        let (size, sha256) = (Some(bytes.len() as u64), Some(sha256(&bytes)));
        PinnedFile { path: path.to_owned(), size, sha256, revision: None }
    };
    Manifest {
        name: "studio/encoder".to_owned(),
        aliases: Vec::new(),
        repository: "studio/encoder".to_owned(),
        revision: REVISION.to_owned(),
        licence: "MIT".to_owned(),
        terms: None,
        note: None,
        files: ModelFiles::Clip(ClipFiles {
            config: pinned("config.json"),
            weights: pinned("model.safetensors"),
            tokenizer: pinned("tokenizer.json"),
            preprocessor: None,
        }),
    }
}

/// The pins of [`manifest`], to be changed.
fn pins(manifest: &mut Manifest) -> &mut ClipFiles<PinnedFile> {
    match &mut manifest.files {
        ModelFiles::Clip(files) => files,
        ModelFiles::Diffusion(_) => panic!("the manifest is an encoder's"),
    }
}

pub(super) fn honest(request: &Request) -> Reply {
    bytes_of(&request.path).map_or(Reply::status(404), |bytes| Reply::ranged(request, &bytes))
}

/// Honest, but the weights are cut after `bytes` bytes of the first `times` answers.
fn cutting(bytes: usize, times: usize) -> Hub {
    let cuts = AtomicUsize::new(0);
    Hub::start(move |request| {
        let reply = honest(request);
        let cut = request.path.ends_with(".safetensors") && cuts.fetch_add(1, Ordering::SeqCst) < times;
        if cut { reply.cut(bytes) } else { reply }
    })
}

pub(super) fn endpoint(hub: &Hub, retries: u32) -> Endpoint {
    Endpoint { retries, pause: Duration::ZERO, ..Endpoint::at(&hub.url) }
}

pub(super) fn bring(folder: &Path, endpoint: &Endpoint, manifest: &Manifest) -> Result<Fetched, ModelError> {
    fetch_manifest(manifest, folder, endpoint, &|_| panic!("nothing to accept"), &Silent, &Cancel::default())
}

fn target(folder: &Path, file: &str) -> PathBuf {
    folder.join("studio--encoder").join(file)
}

fn assert_no_weights(folder: &Path) {
    assert!(!target(folder, "model.safetensors").exists(), "a file that is not whole has no final name");
}

#[test]
fn an_encoder_arrives_whole_and_is_not_fetched_twice() {
    let (folder, hub) = (tempfile::tempdir().unwrap(), Hub::start(honest));
    let fetched = bring(folder.path(), &endpoint(&hub, 0), &manifest()).unwrap();
    assert!(fetched.files.iter().all(|(_, _, arrived)| *arrived == Arrived::Published), "{fetched:?}");
    assert_eq!(std::fs::read(target(folder.path(), "model.safetensors")).unwrap(), weights());
    let again = bring(folder.path(), &endpoint(&hub, 0), &manifest()).unwrap();
    assert!(again.files.iter().all(|(_, _, arrived)| *arrived == Arrived::AlreadyThere), "{again:?}");
    assert_eq!(hub.requests().len(), 3, "the second fetch asks for nothing");
    let left: Vec<_> = std::fs::read_dir(target(folder.path(), "")).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!(left.len(), 4, "three files and the record, nothing temporary: {left:?}");
}

#[test]
fn a_broken_transfer_goes_on_where_it_stopped() {
    let (folder, hub) = (tempfile::tempdir().unwrap(), cutting(100_000, 1));
    let error = bring(folder.path(), &endpoint(&hub, 0), &manifest()).unwrap_err();
    assert!(matches!(error, ModelError::Network { .. }), "{error}");
    assert!(error.to_string().contains("goes on from there"), "{error}");
    assert_no_weights(folder.path());
    bring(folder.path(), &endpoint(&hub, 0), &manifest()).unwrap();
    let start = hub.requests().last().unwrap().start().expect("the second run asks for a range");
    assert!(start > 0 && start <= 100_000, "continues at byte {start}");
    assert_eq!(std::fs::read(target(folder.path(), "model.safetensors")).unwrap(), weights());
}

#[test]
fn a_line_that_breaks_often_but_brings_bytes_gets_there_without_the_user() {
    let (folder, hub) = (tempfile::tempdir().unwrap(), cutting(70_000, 4));
    bring(folder.path(), &endpoint(&hub, 1), &manifest()).unwrap();
    assert_eq!(std::fs::read(target(folder.path(), "model.safetensors")).unwrap(), weights());
}

#[test]
fn a_server_that_ignores_ranges_does_not_spoil_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(|request| Reply::whole(&bytes_of(&request.path).unwrap()));
    std::fs::create_dir_all(target(folder.path(), "")).unwrap();
    std::fs::write(target(folder.path(), "model.safetensors.part"), &weights()[..5000]).unwrap();
    bring(folder.path(), &endpoint(&hub, 0), &manifest()).unwrap();
    assert_eq!(std::fs::read(target(folder.path(), "model.safetensors")).unwrap(), weights());
}

#[test]
fn a_partial_file_of_something_else_is_fetched_again_from_the_start() {
    let (folder, hub) = (tempfile::tempdir().unwrap(), Hub::start(honest));
    std::fs::create_dir_all(target(folder.path(), "")).unwrap();
    for garbage in [vec![7; 5000], vec![7; weights().len()], vec![7; weights().len() + 10]] {
        let _ = std::fs::remove_file(target(folder.path(), "model.safetensors"));
        std::fs::write(target(folder.path(), "model.safetensors.part"), &garbage).unwrap();
        bring(folder.path(), &endpoint(&hub, 0), &manifest()).unwrap();
        assert_eq!(std::fs::read(target(folder.path(), "model.safetensors")).unwrap(), weights());
    }
}

#[test]
fn wrong_bytes_are_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(|request| {
        let mut bytes = bytes_of(&request.path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        Reply::ranged(request, &bytes)
    });
    let mut manifest = manifest();
    pins(&mut manifest).config.sha256 = None;
    pins(&mut manifest).tokenizer.sha256 = None;
    let error = bring(folder.path(), &endpoint(&hub, 0), &manifest).unwrap_err();
    assert!(matches!(error, ModelError::WrongDownload { .. }) && error.is_missing_or_wrong(), "{error}");
    assert!(error.to_string().contains(&sha256(&weights())), "the message names the expected hash: {error}");
    assert_no_weights(folder.path());
    assert!(!target(folder.path(), "model.safetensors.part").exists(), "nor a partial one to go on from");
}

#[test]
fn a_file_of_another_size_is_refused_before_it_is_downloaded() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(|request| Reply::whole(&[bytes_of(&request.path).unwrap(), vec![0; 9]].concat()));
    let error = bring(folder.path(), &endpoint(&hub, 0), &manifest()).unwrap_err();
    assert!(matches!(error, ModelError::WrongSize { .. }), "{error}");
    assert!(!target(folder.path(), "config.json").exists() && !target(folder.path(), "config.json.part").exists());
}

#[test]
fn a_hash_that_nobody_published_is_recorded_and_held_against_later() {
    let (folder, hub) = (tempfile::tempdir().unwrap(), Hub::start(honest));
    let mut manifest = manifest();
    let weights_pin = &mut pins(&mut manifest).weights;
    (weights_pin.size, weights_pin.sha256) = (None, None);
    let fetched = bring(folder.path(), &endpoint(&hub, 0), &manifest).unwrap();
    assert_eq!(fetched.files.last().unwrap().2, Arrived::Recorded);
    let record = Lock::read(&fetched.folder).unwrap();
    assert_eq!(record.files["model.safetensors"].sha256, sha256(&weights()));
    let folder_text = fetched.folder.to_str().unwrap();
    let check = |search| verify(folder_text, &search, &Cancel::default()).unwrap();
    assert!(check(SearchPath::default()).files.iter().all(|file| file.verdict == Verdict::AsFetched));
    std::fs::write(fetched.folder.join("model.safetensors"), tiny_safetensors(8)).unwrap();
    let error = check(SearchPath::default()).check().unwrap_err();
    assert!(matches!(error, ModelError::WrongHash { .. }), "a later change shows: {error}");
    let again = bring(folder.path(), &endpoint(&hub, 0), &manifest).unwrap();
    assert_eq!(again.files.last().unwrap().2, Arrived::Recorded, "and the next fetch repairs it");
}

#[test]
fn a_missing_file_and_a_closed_door_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for (status, advice) in [(404, "HF_ENDPOINT"), (401, "HF_TOKEN"), (503, "later")] {
        let hub = Hub::start(move |_| Reply::status(status));
        let error = bring(folder.path(), &endpoint(&hub, 0), &manifest()).unwrap_err().to_string();
        assert!(error.contains(&status.to_string()) && error.contains(advice), "{error}");
        assert!(error.contains(REVISION), "the address names the pinned revision: {error}");
    }
    assert!(!target(folder.path(), "config.json").exists());
}

#[test]
fn no_server_and_no_tls_are_network_errors() {
    let (folder, hub) = (tempfile::tempdir().unwrap(), Hub::start(honest));
    let closed = Endpoint { retries: 2, pause: Duration::ZERO, ..Endpoint::at("http://127.0.0.1:1") };
    let error = bring(folder.path(), &closed, &manifest()).unwrap_err();
    assert!(matches!(error, ModelError::Network { .. }), "{error}");
    let tls = Endpoint { retries: 0, ..Endpoint::at(&hub.url.replace("http://", "https://")) };
    let error = bring(folder.path(), &tls, &manifest()).unwrap_err();
    assert!(matches!(error, ModelError::Network { .. }), "{error}");
    assert!(!error.to_string().contains("TLS required"), "TLS is compiled in: {error}");
    assert!(!target(folder.path(), "config.json.part").exists(), "nothing arrived, nothing is left");
}

#[test]
fn a_certificate_file_that_holds_none_is_named() {
    let (folder, hub) = (tempfile::tempdir().unwrap(), Hub::start(honest));
    for (name, text) in [("empty.pem", Some("")), ("text.pem", Some("no certificate")), ("absent.pem", None)] {
        let file = folder.path().join(name);
        if let Some(text) = text {
            std::fs::write(&file, text).unwrap();
        }
        let odd = Endpoint { certificates: Some(file), ..endpoint(&hub, 0) };
        let error = bring(folder.path(), &odd, &manifest()).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
    assert!(hub.requests().is_empty());
}

#[test]
fn a_redirect_is_followed_and_does_not_carry_the_token_away() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Hub::start(honest);
    let address = storage.url.replace("127.0.0.1", "localhost");
    let hub = Hub::start(move |request| {
        let location = vec![("Location", format!("{address}{}", request.path))];
        Reply { headers: location, ..Reply::status(302) }
    });
    let with_token = Endpoint { token: Some("secret".to_owned()), ..endpoint(&hub, 0) };
    bring(folder.path(), &with_token, &manifest()).unwrap();
    assert!(hub.requests().iter().all(|request| request.header("Authorization") == Some("Bearer secret")));
    assert!(storage.requests().iter().all(|request| request.header("Authorization").is_none()), "the token stays");
}

#[test]
fn a_cancelled_fetch_leaves_no_final_file() {
    struct CancelsAt(u64, Cancel);
    impl Progress for CancelsAt {
        fn stage(&self, _name: &str, _total: u64) {}
        fn advance(&self, done: u64, _note: &str) {
            if done >= self.0 {
                self.1.cancel();
            }
        }
    }
    let (folder, hub, cancel) = (tempfile::tempdir().unwrap(), Hub::start(honest), Cancel::default());
    let progress = CancelsAt(100_000, cancel.clone());
    let error =
        fetch_manifest(&manifest(), folder.path(), &endpoint(&hub, 0), &|_| true, &progress, &cancel).unwrap_err();
    assert!(matches!(error, ModelError::Cancelled(_)), "{error}");
    assert_no_weights(folder.path());
    bring(folder.path(), &endpoint(&hub, 0), &manifest()).expect("the next fetch goes on");
}

#[test]
fn an_unwritable_destination_is_named() {
    let (folder, hub) = (tempfile::tempdir().unwrap(), Hub::start(honest));
    let file = folder.path().join("not-a-folder");
    std::fs::write(&file, "x").unwrap();
    let error = bring(&file, &endpoint(&hub, 0), &manifest()).unwrap_err().to_string();
    assert!(error.contains("not-a-folder"), "{error}");
    std::fs::create_dir_all(target(folder.path(), "model.safetensors.part")).unwrap();
    let error = bring(folder.path(), &endpoint(&hub, 0), &manifest()).unwrap_err().to_string();
    assert!(error.contains("model.safetensors.part"), "{error}");
    assert_no_weights(folder.path());
}

#[test]
fn two_fetches_of_one_file_do_not_mix() {
    let (folder, hub) = (tempfile::tempdir().unwrap(), Hub::start(honest));
    std::fs::create_dir_all(target(folder.path(), "")).unwrap();
    let other = std::fs::File::create(target(folder.path(), "model.safetensors.part")).unwrap();
    other.lock().unwrap();
    let error = bring(folder.path(), &endpoint(&hub, 0), &manifest()).unwrap_err();
    assert!(matches!(error, ModelError::Busy { .. }), "{error}");
}

#[test]
fn offline_built_in_and_unknown_names_are_answered_without_the_network() {
    let (folder, hub) = (tempfile::tempdir().unwrap(), Hub::start(honest));
    let ask = |name: &str, endpoint: &Endpoint| {
        fetch(name, folder.path(), endpoint, &|_| true, &Silent, &Cancel::default()).unwrap_err().to_string()
    };
    let offline = Endpoint { offline: true, ..endpoint(&hub, 0) };
    let error = ask("clip-vit-base-patch32", &offline);
    assert!(error.contains("HF_HUB_OFFLINE") && error.contains("openai--clip-vit-base-patch32"), "{error}");
    assert!(ask("default", &offline).contains("compiled into"));
    assert!(ask("clip-of-nobody", &offline).contains("openai/clip-vit-base-patch32"), "names the known ones");
    assert!(hub.requests().is_empty(), "no request was sent");
}
