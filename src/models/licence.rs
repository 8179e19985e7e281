//! The record that somebody accepted the terms of a model's licence.
//!
//! Input: a manifest with terms. Output: `linocut-licence.json` beside the model. Invariants: what was accepted is one licence
//! under one address; where either changes, it is asked for again. Determinism: no clock. Cost: one small file.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::disk::{read_bounded, write_json};
use super::error::ModelError;
use super::manifest::Manifest;

/// File name of the record.
pub const LICENCE_FILE: &str = "linocut-licence.json";

/// A licence whose terms have to be accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Name of the model.
    pub name: String,
    /// Name of the licence.
    pub licence: String,
    /// Address of its text.
    pub terms: String,
}

impl Terms {
    /// The terms of a model; none where there is nothing to accept.
    pub(super) fn of(manifest: &Manifest) -> Option<Self> {
        let terms = manifest.terms.clone()?;
        Some(Self { name: manifest.name.clone(), licence: manifest.licence.clone(), terms })
    }

    /// Whether the record in `folder` says that they were accepted.
    pub(super) fn are_accepted(&self, folder: &Path) -> bool {
        let record = read_bounded(&folder.join(LICENCE_FILE), 1 << 16).ok();
        record.and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok()).is_some_and(|record| record == *self)
    }

    /// Records in `folder` that they were accepted.
    pub(super) fn record(&self, folder: &Path) -> Result<(), ModelError> {
        write_json(&folder.join(LICENCE_FILE), self)
    }

    /// The error of terms that were not accepted.
    pub(super) fn refused(&self) -> ModelError {
        let Self { name, licence, terms } = self.clone();
        ModelError::NotAccepted { name, licence, terms }
    }
}
