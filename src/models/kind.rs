//! Which kinds of models there are.
//!
//! Input: none. Output: [`Kind`]. Invariants: a kind has one set of files ([`super::ModelFiles`]) and one value that they are
//! loaded into. Determinism and cost: none.

use serde::{Deserialize, Serialize};

/// What a model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A CLIP-architecture dual encoder in the Hugging Face format: [`crate::encoder::Encoder`].
    Clip,
    /// A latent diffusion model in the layout of Stable Diffusion 1.x: [`crate::diffuse::Diffusion`].
    Diffusion,
}

impl Kind {
    /// Word for reports and manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clip => "clip",
            Self::Diffusion => "diffusion",
        }
    }

    /// What messages call it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Clip => "encoder",
            Self::Diffusion => "diffusion model",
        }
    }

    /// What messages call one of it.
    pub(super) fn a_noun(self) -> &'static str {
        match self {
            Self::Clip => "an encoder",
            Self::Diffusion => "a diffusion model",
        }
    }

    /// What a folder of it holds, for messages.
    pub(super) fn layout(self) -> &'static str {
        match self {
            Self::Clip => "config.json, model.safetensors and tokenizer.json",
            Self::Diffusion => {
                "unet, vae and text_encoder, each with config.json and .safetensors weights, tokenizer and \
                 scheduler/scheduler_config.json, as diffusers saves Stable Diffusion 1.x"
            }
        }
    }
}
