//! The record of a fetch: which bytes a model had when it first arrived.
//!
//! Input: hashes computed while fetching. Output: `linocut-lock.json` beside the model. Invariants: a hash pinned in
//! a manifest always wins over a recorded one; the record is written to a temporary name and renamed.
//! Determinism: sorted keys. Cost: one small file.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::disk::{read_bounded, write_json};
use super::error::ModelError;
use super::manifest;
use super::search::{Located, Source};

/// File name of the record.
pub const LOCK_FILE: &str = "linocut-lock.json";

/// What one file was when it arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedFile {
    /// Size in bytes.
    pub size: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Commit it came from.
    pub revision: String,
}

/// What a model's files were when they arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Repository they came from.
    pub repository: String,
    /// By name inside the folder, such as `unet/config.json`.
    pub files: BTreeMap<String, LockedFile>,
}

impl Lock {
    /// The record in `folder`; none where there is none or it cannot be read.
    pub fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&read_bounded(&folder.join(LOCK_FILE), 1 << 20).ok()?).ok()
    }

    /// Writes the record into `folder`.
    ///
    /// # Errors
    /// [`ModelError::Io`] when the folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), ModelError> {
        write_json(&folder.join(LOCK_FILE), self)
    }
}

/// A hash to hold a file against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    /// SHA-256, hexadecimal.
    pub(super) sha256: String,
    /// From the manifest (else from the record of the first fetch).
    pub(super) pinned: bool,
}

/// The known hashes of a located model, by the name inside its folder: the manifest's, then those recorded beside it.
pub(super) fn expected_hashes(located: &Located) -> BTreeMap<String, Expected> {
    let mut hashes = BTreeMap::new();
    let folder = located.folder().filter(|_| located.source != Source::HubCache);
    if let Some(lock) = folder.and_then(Lock::read) {
        let recorded =
            lock.files.into_iter().map(|(name, file)| (name, Expected { sha256: file.sha256, pinned: false }));
        hashes.extend(recorded);
    }
    let manifest = manifest::known().iter().find(|manifest| manifest.name == located.name);
    for file in manifest.iter().flat_map(|manifest| manifest.all_files()) {
        if let Some(sha256) = &file.sha256 {
            hashes.insert(file.path.clone(), Expected { sha256: sha256.clone(), pinned: true });
        }
    }
    hashes
}
