//! Cache: a content-addressed store of artifacts, named by their keys; it knows nothing of what they hold.
//!
//! Input: a key, bytes. Output: the bytes when the same key comes again. Invariants: an entry is written
//! to a temporary name and renamed, so readers see all of it or nothing; it is verified when it is read, and one that
//! is damaged, from another version or of another key is a miss. Any number of processes may share the folder. A
//! folder that cannot be written still serves hits. Determinism: entries hold the exact bits; the clock decides only
//! which entry is thrown away first. Cost: one read or write of the entry; a write also looks at every entry's size.

mod envelope;
mod store;

pub use envelope::{EntryError, artifact_from_entry, entry_from_artifact};

use crate::fault::Fault;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// How many bytes the cache may hold where nobody says otherwise: 2 GiB.
pub const DEFAULT_CAP_BYTES: u64 = 2 << 30;
/// Environment variable with the folder, `off` for none. A farm points all machines to one.
const VARIABLE: &str = "LINOCUT_CACHE";

/// An entry that could not be stored; the render goes on without it.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The folder can neither be used nor made.
    #[error("cannot use {} as cache ({reason}); give another folder with --cache, or --cache off", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's answer.
        reason: std::io::Error,
    },
    /// An entry cannot be written or removed.
    #[error("cannot write {} ({reason}); this result is not cached", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        reason: std::io::Error,
    },
    /// The entry alone is over the cap.
    #[error("a result of {bytes} bytes does not fit a cache of {cap_bytes} bytes; it is not cached")]
    TooLarge {
        /// Size of the entry.
        bytes: u64,
        /// Size of the cache.
        cap_bytes: u64,
    },
}

impl CacheError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        Fault::Work
    }
}

/// What a cache holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Number of entries.
    pub entries: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

/// A cache in a folder, or none.
#[derive(Clone, Debug)]
pub struct Cache {
    store: Option<store::Store>,
}

impl Cache {
    /// A cache in `folder` that holds up to `cap_bytes`; the folder is made if it does not exist.
    ///
    /// # Errors
    /// [`CacheError::Folder`] when the folder neither exists nor can be made. A read-only folder is no error.
    pub fn open(folder: &Path, cap_bytes: u64) -> Result<Self, CacheError> {
        Ok(Self { store: Some(store::Store::open(folder, cap_bytes)?) })
    }

    /// A cache in `folder` of the usual size; one that cannot be opened is reported and left out, and so is none.
    pub fn open_or_off(folder: Option<&Path>) -> Self {
        let Some(folder) = folder else { return Self::off() };
        Self::open(folder, DEFAULT_CAP_BYTES).unwrap_or_else(|error| {
            tracing::warn!("going on without a cache: {error}");
            Self::off()
        })
    }

    /// A cache that holds nothing.
    pub fn off() -> Self {
        Self { store: None }
    }

    /// The cache that `asked` names, a folder or `off`; else the one that `LINOCUT_CACHE` names; else the per-user folder, where the
    /// platform has one. Off where the folder cannot be used.
    pub fn chosen(asked: Option<OsString>) -> Self {
        let named = asked.or_else(|| std::env::var_os(VARIABLE)).filter(|name| !name.is_empty());
        let folder = match named {
            Some(off) if off == "off" => None,
            Some(folder) => Some(PathBuf::from(folder)),
            None => dirs::cache_dir().map(|folder| folder.join("linocut").join("artifacts")),
        };
        Self::open_or_off(folder.as_deref())
    }

    /// Its folder; none when it is off.
    pub fn folder(&self) -> Option<&Path> {
        self.store.as_ref().map(store::Store::folder)
    }

    /// The artifact of `key`; anything that is not exactly that is a miss. A hit counts as use, where the folder can be written.
    pub fn get(&self, key: &blake3::Hash) -> Option<Vec<u8>> {
        self.store.as_ref()?.get(key)
    }

    /// Stores the artifact of `key` and throws away the least recently used ones over the cap.
    ///
    /// # Errors
    /// [`CacheError::TooLarge`], [`CacheError::Write`] (read-only folder, full disk); nothing is left half-written, and the caller
    /// reports it and goes on.
    pub fn put(&self, key: &blake3::Hash, artifact: &[u8]) -> Result<(), CacheError> {
        self.store.as_ref().map_or(Ok(()), |store| store.put(key, artifact))
    }

    /// Throws every entry away and returns what was freed; files of others in the folder are left alone.
    ///
    /// # Errors
    /// [`CacheError::Write`] for the first entry that cannot be removed.
    pub fn purge(&self) -> Result<Usage, CacheError> {
        self.store.as_ref().map_or(Ok(Usage::default()), store::Store::purge)
    }

    /// How much it holds.
    pub fn size(&self) -> Usage {
        self.store.as_ref().map_or_else(Usage::default, store::Store::size)
    }
}
