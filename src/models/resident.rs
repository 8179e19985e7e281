//! The process-wide table of models.
//!
//! Input: a name or folder. Output: a [`Choice`]: its hash at once, one shared [`Encoder`] when it is asked for. What
//! was made before needs the hash alone. Invariants and cost: as [`Residency`]; files that are mapped take no memory
//! that the system could not use otherwise, and count for nothing.

use super::{Kind, Located, ModelBytes, ModelError, Residency, Resident, SearchPath, Weighs, budget, load, locate};
use crate::ctx::Cancel;
use crate::encoder::{Encoder, EncoderError};
use crate::fault::Fault;
use std::sync::Arc;

static RESIDENT: Residency = Residency::new();

/// The models that this process holds.
pub fn resident() -> Vec<Resident> {
    RESIDENT.list()
}

impl Weighs for ModelBytes {
    fn bytes(&self) -> u64 {
        self.read_bytes()
    }
}

impl Weighs for Encoder {
    fn bytes(&self) -> u64 {
        self.weight_bytes()
    }
}

/// Why an encoder could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A plan asks an encoder and none was chosen.
    #[error("the plan has prompts but no encoder was chosen; name one with --encoder")]
    None,
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

impl LoadError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::None => Fault::Usage,
            Self::Model(error) => error.fault(),
            Self::Encoder { .. } => Fault::Model,
        }
    }
}

/// An encoder whose files were found and checked.
#[derive(Clone, Debug)]
pub struct Choice {
    located: Located,
    bytes: Arc<ModelBytes>,
}

/// Finds and checks the encoder called `name_or_folder`, at most once a process.
///
/// # Errors
/// [`LoadError::Model`].
pub fn choose(name_or_folder: &str, search: &SearchPath, cancel: &Cancel) -> Result<Choice, LoadError> {
    let located = locate(name_or_folder, search)?;
    let key = format!("files of {}", located.residency_key());
    let bytes = RESIDENT.get_or_load(Kind::Clip, &key, budget()?, || load(&located, cancel))?;
    Ok(Choice { located, bytes })
}

impl Choice {
    /// Name for reports.
    pub fn name(&self) -> &str {
        self.bytes.name()
    }

    /// What the encoder is known by in plans.
    pub fn hash(&self) -> &str {
        self.bytes.hash()
    }

    /// The encoder itself, loaded at most once a process.
    ///
    /// # Errors
    /// [`LoadError::Encoder`] for files that make none.
    pub fn encoder(&self) -> Result<Arc<Encoder>, LoadError> {
        RESIDENT.get_or_load(Kind::Clip, &self.located.residency_key(), budget()?, || {
            Encoder::from_bytes(self.name(), self.bytes.as_files())
                .map_err(|error| LoadError::Encoder { name: self.name().to_owned(), error })
        })
    }
}
