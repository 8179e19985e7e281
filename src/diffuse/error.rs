//! What can go wrong between a diffusion model's files and a picture, said so that the reader can act.
//!
//! Input: none. Output: [`DiffuseError`]. Invariants: every message names the file or the value at fault and what to do
//! next. Determinism: no clock. Cost: none.

use crate::ctx::Cancelled;
use crate::fault::Fault;
use crate::nn::NnError;

/// Files that make no diffusion model, or work that it cannot do.
#[derive(Debug, thiserror::Error)]
pub enum DiffuseError {
    /// A JSON file cannot be read.
    #[error("{file} is not valid JSON ({reason}); copy or fetch the model again")]
    Json {
        /// Which of the folder's files.
        file: &'static str,
        /// The parser's words.
        reason: String,
    },
    /// A configuration value is unusable.
    #[error("{file} says {field} is {value}, but it must be {need}")]
    Config {
        /// Which of the folder's files.
        file: &'static str,
        /// Key.
        field: &'static str,
        /// What the file says.
        value: String,
        /// What would be accepted.
        need: String,
    },
    /// It is a diffusion model, and of another family.
    #[error(
        "this is {found} ({file} says {field} is {value}); what is needed is {NEEDED}, such as \
         stable-diffusion-v1-5/stable-diffusion-v1-5 or a model made from it"
    )]
    OtherFamily {
        /// What it is.
        found: &'static str,
        /// The file that shows it.
        file: &'static str,
        /// The key that shows it.
        field: &'static str,
        /// What that key says.
        value: String,
    },
    /// Two parts of the folder do not fit each other.
    #[error(
        "{first} is {first_value}, but {second} is {second_value}; the folder's parts come from different models, copy \
         all of them from one"
    )]
    Parts {
        /// File and key.
        first: &'static str,
        /// What it says.
        first_value: usize,
        /// File and key of the other part.
        second: &'static str,
        /// What that says.
        second_value: usize,
    },
    /// The weights or the computation of a layer.
    #[error(transparent)]
    Nn(#[from] NnError),
    /// The tokenizer's files cannot be used.
    #[error("the model's tokenizer fails ({0}); copy or fetch the model again")]
    Tokenizer(String),
    /// The tokenizer knows a word that the tower does not.
    #[error(
        "the tokenizer gives the id {id}, but the text tower knows only {vocabulary}; the folder's files do not belong \
         together"
    )]
    TokenId {
        /// The id.
        id: u32,
        /// Rows of the token table.
        vocabulary: usize,
    },
    /// The reference is transparent.
    #[error("nothing is seen of the reference: it is transparent everywhere; choose another picture or frame")]
    Unseen,
    /// The word to start from is none.
    #[error("the concept \"{word}\" holds no word that the model knows; say in a word what the reference shows")]
    Word {
        /// As given.
        word: String,
    },
    /// What an earlier stage made is not there, or another model's.
    #[error("what an earlier step made lacks {name}, or is another model's; remove the cache")]
    Lacks {
        /// Name of the array.
        name: &'static str,
    },
    /// The work was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// The family that the layers of this module are.
const NEEDED: &str = "a text-to-image model of the Stable Diffusion 1.x family";

impl DiffuseError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Cancelled(error) => error.fault(),
            Self::Nn(error) => error.fault(),
            Self::Word { .. } | Self::Unseen => Fault::Usage,
            Self::Lacks { .. } => Fault::Work,
            Self::Json { .. }
            | Self::Config { .. }
            | Self::OtherFamily { .. }
            | Self::Parts { .. }
            | Self::Tokenizer(_)
            | Self::TokenId { .. } => Fault::Model,
        }
    }
}
