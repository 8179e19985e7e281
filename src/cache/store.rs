//! The folder of a cache: names, atomic writes, eviction.
//!
//! Input: keys and artifacts. Output: files `v2/AB/KEY.artifact`. Invariants: only files of that form, and
//! temporary files of this store, are ever removed; a reader never sees half an entry. Determinism: eviction is by
//! time of last use, ties by name. Cost: eviction looks at every entry's size and time.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::envelope::{VERSION, artifact_from_entry, entry_from_artifact};
use super::{CacheError, Usage};
use crate::whole_file;

/// Largest entry that is read, in bytes; far above any artifact, far below what would hurt.
const MAX_ENTRY_BYTES: u64 = 1 << 30;
const SUFFIX: &str = ".artifact";
const TEMPORARY: &str = ".part-";
/// A temporary file this old belongs to a process that died.
const STALE: Duration = Duration::from_secs(3600);

#[derive(Clone, Debug)]
pub(super) struct Store {
    folder: PathBuf,
    root: PathBuf,
    cap_bytes: u64,
}

struct Stored {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl Store {
    pub(super) fn open(folder: &Path, cap_bytes: u64) -> Result<Self, CacheError> {
        let root = folder.join(format!("v{VERSION}"));
        let made = std::fs::create_dir_all(&root);
        match made {
            // A read-only folder serves hits; what it lacks is a miss.
            Err(_) if folder.is_dir() => {}
            Err(reason) => return Err(CacheError::Folder { folder: folder.to_owned(), reason }),
            Ok(()) => {}
        }
        Ok(Self { folder: folder.to_owned(), root, cap_bytes })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn path_of(&self, key: &blake3::Hash) -> PathBuf {
        let name = key.to_hex();
        self.root.join(name.get(..2).unwrap_or_default()).join(format!("{name}{SUFFIX}"))
    }

    pub(super) fn get(&self, key: &blake3::Hash) -> Option<Vec<u8>> {
        let path = self.path_of(key);
        let file = File::open(&path).ok()?;
        let size = file.metadata().ok().filter(|meta| meta.is_file() && meta.len() <= MAX_ENTRY_BYTES)?.len();
        let mut bytes = Vec::with_capacity(usize::try_from(size).ok()?);
        (&file).take(MAX_ENTRY_BYTES).read_to_end(&mut bytes).ok()?;
        let artifact = artifact_from_entry(key, &bytes).ok()?.to_vec();
        // Best effort: where the folder is read-only, entries merely look older than they are.
        let _ = touch(&path, &file);
        Some(artifact)
    }

    pub(super) fn put(&self, key: &blake3::Hash, artifact: &[u8]) -> Result<(), CacheError> {
        let bytes = entry_from_artifact(key, artifact);
        let size = bytes.len() as u64;
        if size > self.cap_bytes.min(MAX_ENTRY_BYTES) {
            return Err(CacheError::TooLarge { bytes: size, cap_bytes: self.cap_bytes.min(MAX_ENTRY_BYTES) });
        }
        let path = self.path_of(key);
        let failed = |reason| CacheError::Write { path: path.clone(), reason };
        let shard = path.parent().unwrap_or(&self.root);
        std::fs::create_dir_all(shard).map_err(failed)?;
        let temporary = whole_file::in_folder(shard, TEMPORARY).map_err(failed)?;
        whole_file::finish(temporary, &path, &bytes).map_err(failed)?;
        self.evict(&path);
        Ok(())
    }

    /// Removes the least recently used entries until the rest fits; `kept` stays. Entries that another process
    /// removes meanwhile are no concern.
    fn evict(&self, kept: &Path) {
        let mut stored = self.stored();
        let mut total: u64 = stored.iter().map(|entry| entry.bytes).sum();
        if total <= self.cap_bytes {
            return;
        }
        stored.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
        for entry in stored.iter().filter(|entry| entry.path != kept) {
            if total <= self.cap_bytes {
                break;
            }
            let _ = std::fs::remove_file(&entry.path);
            total = total.saturating_sub(entry.bytes);
        }
        self.remove_stale();
    }

    pub(super) fn size(&self) -> Usage {
        let stored = self.stored();
        Usage { entries: stored.len() as u64, bytes: stored.iter().map(|entry| entry.bytes).sum() }
    }

    pub(super) fn purge(&self) -> Result<Usage, CacheError> {
        let mut freed = Usage::default();
        for Stored { path, bytes, .. } in self.stored() {
            match std::fs::remove_file(&path) {
                Ok(()) => freed = Usage { entries: freed.entries + 1, bytes: freed.bytes + bytes },
                Err(reason) if reason.kind() == std::io::ErrorKind::NotFound => {}
                Err(reason) => return Err(CacheError::Write { path, reason }),
            }
        }
        self.remove_stale();
        Ok(freed)
    }

    /// Every entry, in no particular order.
    fn stored(&self) -> Vec<Stored> {
        let shards = files_of(&self.root).filter(|shard| is_hex(&name_of(shard), 2));
        let files = shards.flat_map(|shard| files_of(&shard));
        let entries = files.filter(|path| name_of(path).strip_suffix(SUFFIX).is_some_and(|name| is_hex(name, 64)));
        entries
            .filter_map(|path| {
                let meta = path.symlink_metadata().ok().filter(std::fs::Metadata::is_file)?;
                let used = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                Some(Stored { path, bytes: meta.len(), used })
            })
            .collect()
    }

    /// Removes temporary files that processes left behind when they died.
    fn remove_stale(&self) {
        let shards = files_of(&self.root).filter(|shard| is_hex(&name_of(shard), 2));
        for path in shards.flat_map(|shard| files_of(&shard)).filter(|path| name_of(path).starts_with(TEMPORARY)) {
            let age = path.metadata().and_then(|meta| meta.modified()).ok().and_then(|time| time.elapsed().ok());
            if age.is_some_and(|age| age > STALE) {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

/// Marks a file as used now. Some systems allow that through a handle for reading, others want one for writing.
fn touch(path: &Path, file: &File) -> std::io::Result<()> {
    let now = SystemTime::now();
    file.set_modified(now).or_else(|_| File::options().append(true).open(path)?.set_modified(now))
}

fn files_of(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
