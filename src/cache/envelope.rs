//! The file format around one cached artifact.
//!
//! Input: bytes and the key they belong to. Output: a file's bytes, and back. Invariants: what is read is bit for bit what was
//! written under that key; any other sequence of bytes is an error, never a panic, and never makes the reader allocate.
//! Determinism: one byte sequence an artifact. Cost: one pass of BLAKE3 and one copy.
//!
//! Layout: magic (8), version (u32), body length (u64), BLAKE3 of the body (32), body. Body: key (32), artifact. All numbers
//! little endian.

use crate::fault::Fault;

/// First bytes of every entry; the line break shows when a transfer mangled it as text.
const MAGIC: [u8; 8] = *b"linocut\n";
/// Changes with the layout; part of the folder's name too, so that versions live side by side.
pub(super) const VERSION: u32 = 2;
const HEADER: usize = 8 + 4 + 8 + 32;
const KEY: usize = 32;

/// Bytes that are not an entry of this key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Not a cache entry at all.
    #[error("the file does not start like a cache entry")]
    Magic,
    /// Written by another version.
    #[error("the entry has format {found}, this version reads {VERSION}")]
    Version {
        /// Version found.
        found: u32,
    },
    /// Cut off, or longer than it says.
    #[error("the entry has {found} bytes where {expected} are announced")]
    Length {
        /// Length announced, in bytes.
        expected: u64,
        /// Length found, in bytes.
        found: u64,
    },
    /// A bit is wrong.
    #[error("the entry does not have the hash it was written with")]
    Hash,
    /// The entry of another key under this name.
    #[error("the entry belongs to another key")]
    OtherKey,
}

impl EntryError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        Fault::Work
    }
}

/// `artifact` as an entry of `key`.
pub fn entry_from_artifact(key: &blake3::Hash, artifact: &[u8]) -> Vec<u8> {
    let length = KEY + artifact.len();
    let mut bytes = Vec::with_capacity(HEADER + length);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(length as u64).to_le_bytes());
    let mut hasher = blake3::Hasher::new();
    bytes.extend_from_slice(hasher.update(key.as_bytes()).update(artifact).finalize().as_bytes());
    bytes.extend_from_slice(key.as_bytes());
    bytes.extend_from_slice(artifact);
    bytes
}

/// The artifact in an entry of `key`, of which nothing is assumed.
///
/// # Errors
/// [`EntryError`] says what does not fit.
pub fn artifact_from_entry<'a>(key: &blake3::Hash, bytes: &'a [u8]) -> Result<&'a [u8], EntryError> {
    let (header, body) = bytes.split_at_checked(HEADER).ok_or(EntryError::Magic)?;
    let (magic, header) = header.split_at_checked(8).ok_or(EntryError::Magic)?;
    if magic != MAGIC {
        return Err(EntryError::Magic);
    }
    let (Some((version, header)), false) = (header.split_first_chunk::<4>(), header.is_empty()) else {
        return Err(EntryError::Magic);
    };
    let found = u32::from_le_bytes(*version);
    if found != VERSION {
        return Err(EntryError::Version { found });
    }
    let (length, hash) = header.split_first_chunk::<8>().ok_or(EntryError::Magic)?;
    let (expected, found) = (u64::from_le_bytes(*length), body.len() as u64);
    if found != expected {
        return Err(EntryError::Length { expected, found });
    }
    if blake3::hash(body).as_bytes() != hash {
        return Err(EntryError::Hash);
    }
    match body.split_at_checked(KEY) {
        Some((owner, artifact)) if owner == key.as_bytes() => Ok(artifact),
        _ => Err(EntryError::OtherKey),
    }
}
