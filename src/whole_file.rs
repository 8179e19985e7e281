//! Files that are whole or absent: written beside their target and renamed.
//!
//! Input: a folder or a target. Output: a temporary file there, to be written and persisted under the target's name.
//! Invariants: it is removed when it is dropped; it has the permissions that any new file of the user would get, where
//! temporary files are private by default. Cost: one new file.

use std::io::{self, Write as _};
use std::path::Path;
use tempfile::NamedTempFile;

/// A temporary file in the folder of `target`.
///
/// # Errors
/// The system's, where the folder cannot be written.
pub fn beside(target: &Path) -> io::Result<NamedTempFile> {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    in_folder(folder, ".linocut-")
}

/// Writes all `bytes` and gives the file its name; on failure nothing is left.
///
/// # Errors
/// The system's, such as a full disk.
pub fn finish(mut file: NamedTempFile, target: &Path, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.persist(target).map(|_| ()).map_err(|error| error.error)
}

/// A temporary file in `folder` whose name begins with `prefix`.
///
/// # Errors
/// The system's, where the folder cannot be written.
pub fn in_folder(folder: &Path, prefix: &str) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}
