//! Reading files with limits, hashing them, and writing small ones.
//!
//! Input: paths. Output: bytes and SHA-256 in hexadecimal. Invariants: never more than the limit in memory; a file is
//! written to a temporary name and renamed.
//! Determinism: pure functions of the bytes. Cost: one pass over the file.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::error::ModelError;
use crate::ctx::Cancel;

/// The whole file, refused when it is longer than `limit` bytes.
pub(super) fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, ModelError> {
    let failed = |reason: std::io::Error| io("read", path, &reason);
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        let size = std::fs::metadata(path).map_or(bytes.len() as u64, |meta| meta.len());
        return Err(ModelError::TooLarge { path: path.to_owned(), size, limit });
    }
    Ok(bytes)
}

/// Writes `value` as JSON to `path`, whose folder is there.
pub(super) fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), ModelError> {
    let failed = |reason: std::io::Error| io("write", path, &reason);
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(path)).map_err(failed)?;
    serde_json::to_writer_pretty(&mut file, value).map_err(|error| failed(error.into()))?;
    file.write_all(b"\n").map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// SHA-256 of a file on disk, read in blocks.
pub(super) fn sha256_of_file(path: &Path, cancel: &Cancel) -> Result<String, ModelError> {
    let failed = |reason: std::io::Error| io("read", path, &reason);
    let mut file = File::open(path).map_err(failed)?;
    let (mut hasher, mut block) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        cancel.check()?;
        let count = file.read(&mut block).map_err(failed)?;
        if count == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(block.get(..count).unwrap_or_default());
    }
}

/// `bytes` in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The error of failing to `action` the file.
pub(super) fn io(action: &'static str, path: &Path, reason: &std::io::Error) -> ModelError {
    ModelError::Io { action, path: path.to_owned(), reason: reason.to_string() }
}
