//! Which kinds of models there are.
//!
//! Input: none. Output: [`Kind`]. Invariants: a kind has one set of files and one value that they are loaded into.

use serde::{Deserialize, Serialize};

/// What a model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A CLIP-architecture dual encoder in the Hugging Face format: [`crate::encoder::Encoder`].
    Clip,
}

impl Kind {
    /// Word for reports and manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clip => "clip",
        }
    }
}
