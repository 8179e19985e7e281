//! Encoders' files: which are known, where they are, whether they are the published bytes, and how they get here.
//!
//! Input: a name (`default`, `openai/clip-vit-base-patch32`, …) or a folder with `config.json`,
//! `model.safetensors` and `tokenizer.json`. Output: [`ModelBytes`], from which `encoder` builds a network.
//! Invariants: the built-in encoder needs nothing; only [`fetch()`] goes online, and only the command line calls it;
//! bytes that do not have the expected SHA-256 are refused. Determinism: the hash of an encoder depends on its bytes
//! alone. Cost: one pass over the weights when an encoder is opened by name.
//!
//! ```
//! use linocut::ctx::Cancel;
//! use linocut::models::{self, SearchPath};
//!
//! let bytes = models::open("default", &SearchPath::default(), &Cancel::default())?;
//! assert!(bytes.as_files().config.starts_with(b"{"));
//! # Ok::<(), models::ModelError>(())
//! ```

mod bytes;
mod disk;
mod error;
#[cfg(feature = "fetch")]
mod fetch;
mod kind;
mod lock;
mod manifest;
mod report;
mod residency;
mod resident;
mod search;

pub use bytes::{ModelBytes, builtin, load, open};
pub use error::ModelError;
#[cfg(feature = "fetch")]
pub use fetch::{Arrived, Endpoint, Fetched, fetch, fetch_manifest};
pub use kind::Kind;
pub use lock::{LOCK_FILE, Lock, LockedFile};
pub use manifest::{DEFAULT, Manifest, PinnedFile, PinnedFiles, find, known};
pub use report::{FileCheck, Listed, PlaceReport, Verdict, Verified, list, path, search_path_report, verify};
pub use residency::{BUDGET, Residency, Resident, Weighs, budget};
pub use resident::{Choice, LoadError, choose, resident};
pub use search::{Environment, FilePaths, Located, MODEL_PATH, Place, SearchPath, Source, folder_name, locate};
