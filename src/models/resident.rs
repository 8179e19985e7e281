//! The process-wide table of loaded encoders.
//!
//! Input: a name or folder. Output: one shared [`Encoder`] for it. Invariants and cost: as [`Registry`].

use super::{ModelError, Registry, SearchPath, load, locate};
use crate::ctx::Cancel;
use crate::encoder::{Encoder, EncoderError};
use std::sync::Arc;

static RESIDENT: Registry<Encoder> = Registry::new();

/// Why an encoder could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Its files are missing or wrong.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Its files make no encoder.
    #[error("encoder '{name}': {error}")]
    Encoder {
        /// Name or folder as given.
        name: String,
        /// What is wrong.
        error: EncoderError,
    },
}

/// The encoder called `name_or_folder`, loaded at most once a process.
///
/// # Errors
/// [`LoadError`].
pub fn encoder(name_or_folder: &str, search: &SearchPath, cancel: &Cancel) -> Result<Arc<Encoder>, LoadError> {
    let located = locate(name_or_folder, search)?;
    RESIDENT.get_or_load(&located.residency_key(), || {
        let bytes = load(&located, cancel)?;
        Encoder::from_bytes(bytes.name(), bytes.as_files())
            .map_err(|error| LoadError::Encoder { name: name_or_folder.to_owned(), error })
    })
}
