//! What `models list`, `models verify`, `models path` and `doctor` print, as data.
//!
//! Input: a [`SearchPath`]. Output: serializable reports. Invariants: nothing is written; a wrong file is reported
//! with both hashes, and the other files are still checked. Determinism: manifest order, then names sorted.
//! Cost: file-system queries; [`verify`] reads every byte once.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::builtin::{builtin, builtin_diffusion};
use super::disk::{io, sha256_of_file};
use super::error::ModelError;
use super::files::ModelFiles;
use super::folder::{Found, files_in, sorted_children};
use super::kind::Kind;
use super::lock::expected_hashes;
use super::manifest;
use super::search::{Located, Place, SearchPath, Source, locate};
use crate::ctx::Cancel;

/// One known model and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The rule that found it; none if it is not on this machine.
    pub source: Option<Source>,
    /// Folder of its weights, where it is on disk.
    pub folder: Option<PathBuf>,
    /// Size on disk, else download size as far as it is known, in bytes.
    pub size: u64,
    /// Licence of the weights.
    pub licence: String,
    /// A remark for people.
    pub note: Option<String>,
}

/// Every known model, the built-in ones first.
pub fn list(search: &SearchPath) -> Vec<Listed> {
    let builtin = std::iter::once(builtin()).chain(builtin_diffusion()).map(|bytes| Listed {
        kind: bytes.kind(),
        name: bytes.name().to_owned(),
        source: Some(Source::BuiltIn),
        folder: None,
        size: bytes.size(),
        licence: env!("CARGO_PKG_LICENSE").to_owned(),
        note: Some("compiled in; needs no file and no network".to_owned()),
    });
    let others = manifest::known().iter().map(|manifest| {
        let located = locate(&manifest.name, search).ok();
        let on_disk = located.as_ref().and_then(|located| located.files.as_ref()).map(size_on_disk);
        Listed {
            kind: manifest.kind(),
            name: manifest.name.clone(),
            source: located.as_ref().map(|located| located.source),
            folder: located.as_ref().and_then(Located::folder).map(Path::to_owned),
            size: on_disk.unwrap_or_else(|| manifest.known_size()),
            licence: manifest.licence.clone(),
            note: manifest.note.clone(),
        }
    });
    builtin.chain(others).collect()
}

/// The folder of a model; none for a built-in one.
///
/// # Errors
/// As [`locate`].
pub fn path(name_or_folder: &str, search: &SearchPath) -> Result<Option<PathBuf>, ModelError> {
    Ok(locate(name_or_folder, search)?.folder().map(Path::to_owned))
}

/// What is known about the bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// They have the SHA-256 of the manifest.
    Published,
    /// They have the SHA-256 recorded when they were first fetched; the manifest knows none.
    AsFetched,
    /// Nothing to hold them against: `models fetch` would record it.
    NotRecorded,
    /// They have another SHA-256 than expected.
    Wrong {
        /// The expected one, hexadecimal.
        expected: String,
    },
}

/// One file of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileCheck {
    /// Where it is.
    pub path: PathBuf,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// What is known about it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Every file of a model, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Its name.
    pub name: String,
    /// The rule that found it.
    pub source: Source,
    /// Its files; none for a built-in model, which is part of the program.
    pub files: Vec<FileCheck>,
}

impl Verified {
    /// The first wrong file as an error.
    ///
    /// # Errors
    /// [`ModelError::WrongHash`].
    pub fn check(&self) -> Result<(), ModelError> {
        for file in &self.files {
            if let Verdict::Wrong { expected } = &file.verdict {
                let (path, found) = (file.path.clone(), file.sha256.clone());
                return Err(ModelError::WrongHash { name: self.name.clone(), path, expected: expected.clone(), found });
            }
        }
        Ok(())
    }
}

/// Hashes every file of a model and compares it with the manifest or the record of its fetch.
///
/// # Errors
/// As [`locate`]; [`ModelError::Io`] for an unreadable file. A wrong hash is a [`Verdict`], see [`Verified::check`].
pub fn verify(name_or_folder: &str, search: &SearchPath, cancel: &Cancel) -> Result<Verified, ModelError> {
    let located = locate(name_or_folder, search)?;
    let expected = expected_hashes(&located);
    let mut files = Vec::new();
    for Found { name, path } in located.files.iter().flat_map(ModelFiles::each) {
        let sha256 = sha256_of_file(path, cancel)?;
        let size = std::fs::metadata(path).map_err(|reason| io("read", path, &reason))?.len();
        let verdict = match expected.get(name) {
            None => Verdict::NotRecorded,
            Some(known) if known.sha256 != sha256 => Verdict::Wrong { expected: known.sha256.clone() },
            Some(known) if known.pinned => Verdict::Published,
            Some(_) => Verdict::AsFetched,
        };
        files.push(FileCheck { path: path.clone(), size, sha256, verdict });
    }
    Ok(Verified { name: located.name, source: located.source, files })
}

/// One folder of the search path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlaceReport {
    /// The rule and the folder.
    #[serde(flatten)]
    pub place: Place,
    /// Whether the folder exists.
    pub exists: bool,
    /// Encoders that would be found there: known names, then other folders with the files of an encoder.
    pub encoders: Vec<String>,
    /// Diffusion models that would be found there, in the same order.
    pub diffusion: Vec<String>,
}

/// The folders searched, whether they exist and what is in them.
pub fn search_path_report(search: &SearchPath) -> Vec<PlaceReport> {
    search.places.iter().map(report_place).collect()
}

fn report_place(place: &Place) -> PlaceReport {
    let alone = SearchPath { places: vec![place.clone()] };
    let found: Vec<Located> =
        manifest::known().iter().filter_map(|manifest| locate(&manifest.name, &alone).ok()).collect();
    let mut models: Vec<(Kind, String)> = found.iter().map(|located| (located.kind, located.name.clone())).collect();
    if place.source != Source::HubCache {
        let known: Vec<&Path> = found.iter().filter_map(Located::folder).collect();
        let others = sorted_children(&place.folder).into_iter().filter_map(|child| {
            let folder = place.folder.join(&child);
            let unknown = !known.contains(&folder.as_path());
            Some((files_in(&folder, None).ok().filter(|_| unknown)?.kind(), child))
        });
        models.extend(others);
    }
    let of = |kind| models.iter().filter(|model| model.0 == kind).map(|model| model.1.clone()).collect();
    let (encoders, diffusion) = (of(Kind::Clip), of(Kind::Diffusion));
    PlaceReport { place: place.clone(), exists: place.folder.is_dir(), encoders, diffusion }
}

fn size_on_disk(files: &ModelFiles<Found>) -> u64 {
    files.each().filter_map(|file| Some(std::fs::metadata(&file.path).ok()?.len())).sum()
}
