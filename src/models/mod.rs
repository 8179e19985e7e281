//! Models' files: which are known, where they are, whether they are the published bytes, and how they get here.
//!
//! Input: a name (`default`, `openai/clip-vit-base-patch32`, `small`, …) or a folder with the files of a [`Kind`]. Output: a
//! [`Choice`] or [`DiffusionChoice`], known by its hash and loaded when it is asked for.
//! Invariants: the built-in encoder needs nothing; only [`fetch()`] goes online, and only the command line calls it;
//! bytes that do not have the expected SHA-256 are refused. Determinism: the hash of a model depends on its bytes
//! alone. Cost: one pass over the weights when a model is opened by name.
//!
//! ```
//! use linocut::ctx::Cancel;
//! use linocut::models::{self, SearchPath};
//!
//! let bytes = models::open("default", &SearchPath::default(), &Cancel::default())?;
//! assert!(bytes.as_clip()?.config.starts_with(b"{"));
//! # Ok::<(), models::ModelError>(())
//! ```

mod builtin;
mod bytes;
mod disk;
mod error;
#[cfg(feature = "fetch")]
mod fetch;
mod files;
mod folder;
mod kind;
#[cfg(feature = "fetch")]
mod licence;
mod lock;
mod manifest;
mod report;
mod residency;
mod resident;
mod search;

pub use builtin::{builtin, builtin_diffusion};
pub use bytes::{ModelBytes, load, open};
pub use error::ModelError;
#[cfg(feature = "fetch")]
pub use fetch::{Arrived, Endpoint, Fetched, fetch, fetch_manifest};
pub use files::{ClipFiles, DiffusionFolder, ModelFiles, NetworkFiles, TokenizerForm};
pub use folder::Found;
pub use kind::Kind;
#[cfg(feature = "fetch")]
pub use licence::{LICENCE_FILE, Terms};
pub use lock::{LOCK_FILE, Lock, LockedFile};
pub use manifest::{AUTO, DEFAULT, Manifest, PinnedFile, SMALL, find, known};
pub use report::{FileCheck, Listed, PlaceReport, Verdict, Verified, list, path, search_path_report, verify};
pub use residency::{BUDGET, Residency, Resident, Weighs, budget};
pub use resident::{Choice, DiffusionChoice, LoadError, choose, choose_diffusion, resident};
pub use search::{Environment, Located, MODEL_PATH, Place, SearchPath, Source, folder_name, locate, locate_kind};
