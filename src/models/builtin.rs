//! The models that are compiled in.
//!
//! Input: `models/default`, `models/diffusion`. Output: their bytes, as if they had been read. Invariants: an encoder is always
//! there. Determinism: constant data. Cost: none; the system loads the pages that are used.

use super::bytes::{Bytes, ModelBytes};
use super::files::{ClipFiles, DiffusionFolder, ModelFiles, NetworkFiles, TokenizerForm};
use super::kind::Kind;
use super::manifest::{DEFAULT, SMALL};

const CONFIG: &[u8] = include_bytes!("../../models/default/config.json");
const WEIGHTS: &[u8] = include_bytes!("../../models/default/model.safetensors");
const TOKENIZER: &[u8] = include_bytes!("../../models/default/tokenizer.json");
const PREPROCESSOR: &[u8] = include_bytes!("../../models/default/preprocessor_config.json");
const UNET_CONFIG: &[u8] = include_bytes!("../../models/diffusion/unet/config.json");
const UNET_WEIGHTS: &[u8] = include_bytes!("../../models/diffusion/unet/diffusion_pytorch_model.safetensors");
const VAE_CONFIG: &[u8] = include_bytes!("../../models/diffusion/vae/config.json");
const VAE_WEIGHTS: &[u8] = include_bytes!("../../models/diffusion/vae/diffusion_pytorch_model.safetensors");
const TEXT_CONFIG: &[u8] = include_bytes!("../../models/diffusion/text_encoder/config.json");
const SCHEDULER: &[u8] = include_bytes!("../../models/diffusion/scheduler/scheduler_config.json");

/// The encoder that is compiled in.
pub fn builtin() -> ModelBytes {
    let files = ClipFiles {
        config: Bytes::BuiltIn(CONFIG),
        weights: Bytes::BuiltIn(WEIGHTS),
        tokenizer: Bytes::BuiltIn(TOKENIZER),
        preprocessor: Some(Bytes::BuiltIn(PREPROCESSOR)),
    };
    ModelBytes::built_in(DEFAULT, ModelFiles::Clip(files))
}

/// The diffusion model that is compiled in. Its text tower is the encoder's.
pub fn builtin_diffusion() -> Option<ModelBytes> {
    let network = |config, weights| NetworkFiles { config: Bytes::BuiltIn(config), weights: Bytes::BuiltIn(weights) };
    let files = DiffusionFolder {
        unet: network(UNET_CONFIG, UNET_WEIGHTS),
        vae: network(VAE_CONFIG, VAE_WEIGHTS),
        text: network(TEXT_CONFIG, WEIGHTS),
        tokenizer: TokenizerForm::Json(Bytes::BuiltIn(TOKENIZER)),
        scheduler: Bytes::BuiltIn(SCHEDULER),
    };
    Some(ModelBytes::built_in(SMALL, ModelFiles::Diffusion(files)))
}

/// The built-in model of a kind.
pub(super) fn builtin_of(kind: Kind) -> Option<ModelBytes> {
    match kind {
        Kind::Clip => Some(builtin()),
        Kind::Diffusion => builtin_diffusion(),
    }
}

/// Whether there is a built-in model of a kind.
pub(super) fn has_builtin(kind: Kind) -> bool {
    builtin_of(kind).is_some()
}
