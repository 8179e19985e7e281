//! The files that make a model of each kind, whatever is known of each: its pin, its place, its bytes.
//!
//! Input: values of one type, one a file. Output: [`ModelFiles`]. Invariants: a kind has the same files in a manifest, on disk
//! and in memory; the small ones come first. Determinism: the order of [`ModelFiles::each`] is fixed, and hashes depend on it.
//! Cost: none.

use serde::{Deserialize, Serialize};

use super::kind::Kind;

/// The files of a model, told apart by kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ModelFiles<T> {
    /// Of [`Kind::Clip`].
    Clip(ClipFiles<T>),
    /// Of [`Kind::Diffusion`].
    Diffusion(DiffusionFolder<T>),
}

/// The files of an encoder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipFiles<T> {
    /// `config.json`: architecture, as Hugging Face writes it.
    pub config: T,
    /// `model.safetensors`.
    pub weights: T,
    /// `tokenizer.json` of the `tokenizers` library.
    pub tokenizer: T,
    /// `preprocessor_config.json`, where there is one: input size, mean and standard deviation of the image tower.
    pub preprocessor: Option<T>,
}

/// The files of a diffusion model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiffusionFolder<T> {
    /// `unet/`: the denoiser.
    pub unet: NetworkFiles<T>,
    /// `vae/`: the autoencoder.
    pub vae: NetworkFiles<T>,
    /// `text_encoder/`: the text tower.
    pub text: NetworkFiles<T>,
    /// `tokenizer/`.
    pub tokenizer: TokenizerForm<T>,
    /// `scheduler/scheduler_config.json`.
    pub scheduler: T,
}

/// The files of one network of a diffusion model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkFiles<T> {
    /// `config.json`.
    pub config: T,
    /// Weights in safetensors form.
    pub weights: T,
}

/// The two forms in which tokenizers are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum TokenizerForm<T> {
    /// `tokenizer.json`.
    Json(T),
    /// The older form.
    Pairs {
        /// `vocab.json`.
        vocab: T,
        /// `merges.txt`.
        merges: T,
    },
}

/// What a file is for; decides how it is read and how large it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A JSON file of a few lines.
    Config,
    /// Words.
    Tokenizer,
    /// Tensors.
    Weights,
}

impl<T> ModelFiles<T> {
    /// What they make.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Clip(_) => Kind::Clip,
            Self::Diffusion(_) => Kind::Diffusion,
        }
    }

    /// Every file, the small ones first: a wrong address shows before a long download starts, a wrong hash before a long pass.
    pub fn each(&self) -> impl Iterator<Item = &T> {
        let each: Vec<&T> = match self {
            Self::Clip(ClipFiles { config, weights, tokenizer, preprocessor }) => {
                [Some(config), Some(tokenizer), preprocessor.as_ref(), Some(weights)].into_iter().flatten().collect()
            }
            Self::Diffusion(DiffusionFolder { unet, vae, text, tokenizer, scheduler }) => {
                let configs = [&unet.config, &vae.config, &text.config, scheduler];
                let words = match tokenizer {
                    TokenizerForm::Json(json) => vec![json],
                    TokenizerForm::Pairs { vocab, merges } => vec![vocab, merges],
                };
                let weights = [&vae.weights, &text.weights, &unet.weights];
                configs.into_iter().chain(words).chain(weights).collect()
            }
        };
        each.into_iter()
    }

    /// The largest file.
    pub(super) fn main(&self) -> &T {
        match self {
            Self::Clip(files) => &files.weights,
            Self::Diffusion(files) => &files.unet.weights,
        }
    }

    /// Makes something of every file.
    pub(super) fn try_map<U, E>(&self, mut f: impl FnMut(Part, &T) -> Result<U, E>) -> Result<ModelFiles<U>, E> {
        Ok(match self {
            Self::Clip(ClipFiles { config, weights, tokenizer, preprocessor }) => ModelFiles::Clip(ClipFiles {
                config: f(Part::Config, config)?,
                tokenizer: f(Part::Tokenizer, tokenizer)?,
                preprocessor: preprocessor.as_ref().map(|file| f(Part::Config, file)).transpose()?,
                weights: f(Part::Weights, weights)?,
            }),
            Self::Diffusion(DiffusionFolder { unet, vae, text, tokenizer, scheduler }) => {
                let configs = (
                    f(Part::Config, &unet.config)?,
                    f(Part::Config, &vae.config)?,
                    f(Part::Config, &text.config)?,
                    f(Part::Config, scheduler)?,
                );
                let tokenizer = match tokenizer {
                    TokenizerForm::Json(json) => TokenizerForm::Json(f(Part::Tokenizer, json)?),
                    TokenizerForm::Pairs { vocab, merges } => {
                        TokenizerForm::Pairs { vocab: f(Part::Tokenizer, vocab)?, merges: f(Part::Tokenizer, merges)? }
                    }
                };
                let mut network = |config, files: &NetworkFiles<T>| {
                    Ok(NetworkFiles { config, weights: f(Part::Weights, &files.weights)? })
                };
                ModelFiles::Diffusion(DiffusionFolder {
                    vae: network(configs.1, vae)?,
                    text: network(configs.2, text)?,
                    unet: network(configs.0, unet)?,
                    tokenizer,
                    scheduler: configs.3,
                })
            }
        })
    }
}
