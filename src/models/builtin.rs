//! The models that are compiled in.
//!
//! Input: `models/default`, `models/diffusion`. Output: their bytes, as if they had been read. Invariants: an encoder is always
//! there. Determinism: constant data. Cost: none; the system loads the pages that are used.

use super::bytes::{Bytes, ModelBytes};
use super::files::{ClipFiles, ModelFiles};
use super::kind::Kind;
use super::manifest::DEFAULT;

const CONFIG: &[u8] = include_bytes!("../../models/default/config.json");
const WEIGHTS: &[u8] = include_bytes!("../../models/default/model.safetensors");
const TOKENIZER: &[u8] = include_bytes!("../../models/default/tokenizer.json");
const PREPROCESSOR: &[u8] = include_bytes!("../../models/default/preprocessor_config.json");

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

/// The diffusion model that is compiled in: none, until `models/diffusion` has weights.
///
/// What it needs then: a constant for each file of `models/diffusion`, and [`WEIGHTS`] and [`TOKENIZER`] for the text tower, to
/// which that folder refers; from them `ModelBytes::built_in(SMALL, ModelFiles::Diffusion(..))`. Nothing else asks whether there
/// is one.
pub fn builtin_diffusion() -> Option<ModelBytes> {
    None
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
