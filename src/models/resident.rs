//! The process-wide table of models.
//!
//! Input: a name or folder. Output: a [`Choice`] or [`DiffusionChoice`]: its hash at once, one shared model when it is asked
//! for. What was made before needs the hash alone. Invariants and cost: as [`Residency`]; files that are mapped take no memory
//! that the system could not use otherwise, and count for nothing.

use super::search::locate_kind;
use super::{Kind, Located, ModelBytes, ModelError, Residency, Resident, SearchPath, Weighs, budget, load};
use crate::ctx::Cancel;
use crate::diffuse::{self, DiffuseError, Diffusion};
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

impl Weighs for Diffusion {
    fn bytes(&self) -> u64 {
        self.weight_bytes()
    }
}

/// Why a model could not be loaded.
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
    /// Its files make no diffusion model.
    #[error("diffusion model '{name}': {error}")]
    Diffusion {
        /// Name or folder as given.
        name: String,
        /// What is wrong.
        error: Box<DiffuseError>,
    },
}

impl LoadError {
    /// What kind of fault it is. What fails while a model is loaded is the model's.
    pub fn fault(&self) -> Fault {
        match self {
            Self::None => Fault::Usage,
            Self::Model(error) => error.fault(),
            Self::Encoder { .. } => Fault::Model,
            Self::Diffusion { error, .. } => match error.fault() {
                Fault::Work => Fault::Model,
                fault => fault,
            },
        }
    }
}

/// A model whose files were found and checked.
#[derive(Clone, Debug)]
struct Chosen {
    located: Located,
    bytes: Arc<ModelBytes>,
}

impl Chosen {
    /// Finds and checks a model of `kind`, at most once a process; `check` may refuse its files.
    fn find(
        kind: Kind,
        name_or_folder: &str,
        search: &SearchPath,
        cancel: &Cancel,
        check: impl FnOnce(&ModelBytes) -> Result<(), LoadError>,
    ) -> Result<Self, LoadError> {
        let located = locate_kind(kind, name_or_folder, search)?;
        let key = format!("files of {}", located.residency_key());
        let bytes = RESIDENT.get_or_load(kind, &key, budget()?, || {
            let bytes = load(&located, cancel)?;
            check(&bytes).map(|()| bytes)
        })?;
        Ok(Self { located, bytes })
    }

    /// What `make` makes of the files, at most once a process.
    fn model<M: Weighs>(
        &self,
        make: impl FnOnce(&str, &ModelBytes) -> Result<M, LoadError>,
    ) -> Result<Arc<M>, LoadError> {
        RESIDENT.get_or_load(self.located.kind, &self.located.residency_key(), budget()?, || {
            make(self.bytes.name(), &self.bytes)
        })
    }
}

/// An encoder whose files were found and checked.
#[derive(Clone, Debug)]
pub struct Choice(Chosen);

/// Finds and checks the encoder called `name_or_folder`, at most once a process.
///
/// # Errors
/// [`LoadError::Model`].
pub fn choose(name_or_folder: &str, search: &SearchPath, cancel: &Cancel) -> Result<Choice, LoadError> {
    Chosen::find(Kind::Clip, name_or_folder, search, cancel, |_| Ok(())).map(Choice)
}

impl Choice {
    /// Name for reports.
    pub fn name(&self) -> &str {
        self.0.bytes.name()
    }

    /// What the encoder is known by in plans.
    pub fn hash(&self) -> &str {
        self.0.bytes.hash()
    }

    /// The encoder itself, loaded at most once a process.
    ///
    /// # Errors
    /// [`LoadError::Encoder`] for files that make none.
    pub fn encoder(&self) -> Result<Arc<Encoder>, LoadError> {
        self.0.model(|name, bytes| {
            let error = |error| LoadError::Encoder { name: name.to_owned(), error };
            Encoder::from_bytes(name, bytes.as_clip()?).map_err(error)
        })
    }
}

/// A diffusion model whose files were found and checked.
#[derive(Clone, Debug)]
pub struct DiffusionChoice(Chosen);

/// Finds and checks the diffusion model called `name_or_folder`, at most once a process: [`super::AUTO`], [`super::SMALL`], a
/// known name or a folder. A model of another family is refused here, before its weights are hashed for a plan.
///
/// # Errors
/// [`LoadError::Model`], as [`locate_kind`] and [`load`]; [`LoadError::Diffusion`] for configurations that cannot be.
pub fn choose_diffusion(
    name_or_folder: &str,
    search: &SearchPath,
    cancel: &Cancel,
) -> Result<DiffusionChoice, LoadError> {
    let check = |bytes: &ModelBytes| {
        let error = |error| LoadError::Diffusion { name: bytes.name().to_owned(), error: Box::new(error) };
        diffuse::Config::parse(bytes.as_diffusion()?).map(|_| ()).map_err(error)
    };
    Chosen::find(Kind::Diffusion, name_or_folder, search, cancel, check).map(DiffusionChoice)
}

impl DiffusionChoice {
    /// Name for reports; for [`super::AUTO`] the model that it stands for.
    pub fn name(&self) -> &str {
        self.0.bytes.name()
    }

    /// What the model is known by in plans. Cost: one pass over the weights at the first call of a process.
    pub fn hash(&self) -> &str {
        self.0.bytes.hash()
    }

    /// The model itself, loaded at most once a process.
    ///
    /// # Errors
    /// [`LoadError::Diffusion`] for files that make none.
    pub fn model(&self) -> Result<Arc<Diffusion>, LoadError> {
        self.0.model(|name, bytes| {
            let error = |error| LoadError::Diffusion { name: name.to_owned(), error: Box::new(error) };
            Diffusion::from_files(bytes.as_diffusion()?).map_err(error)
        })
    }
}
