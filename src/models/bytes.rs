//! The bytes of an encoder: mapped, checked and hashed, or compiled in.
//!
//! Input: [`Located`] files. Output: [`ModelBytes`]. Invariants: the weight file is as long as its own header says;
//! where a manifest or the record of a first fetch knows a SHA-256, the bytes have it, except in a folder that the
//! user names explicitly. Determinism: the hash depends on the bytes alone, not on names or paths.
//! Cost: one pass of SHA-256 where there is a name to check, none for a given folder and the built-in encoder; the
//! weights are mapped, so several processes share one copy.

use std::fs::File;
use std::path::Path;
use std::sync::OnceLock;

use memmap2::Mmap;
use sha2::{Digest as _, Sha256};

use super::disk::{hex, io, read_bounded};
use super::error::ModelError;
use super::lock::expected_hashes;
use super::manifest::DEFAULT;
use super::search::{FilePaths, Located, SearchPath, Source, locate};
use crate::ctx::Cancel;
use crate::encoder::Files;

/// Largest accepted `config.json` and `preprocessor_config.json`, in bytes.
const MAX_CONFIG: u64 = 1 << 20;
/// Largest accepted `tokenizer.json`, in bytes.
const MAX_TOKENIZER: u64 = 64 << 20;
/// Largest accepted weight file, in bytes.
const MAX_WEIGHTS: u64 = 16 << 30;

/// An encoder's files in memory.
#[derive(Debug)]
pub struct ModelBytes {
    name: String,
    source: Source,
    hash: OnceLock<String>,
    weights: Bytes,
    config: Bytes,
    tokenizer: Bytes,
    preprocessor: Option<Bytes>,
}

#[derive(Debug)]
enum Bytes {
    BuiltIn(&'static [u8]),
    Read(Vec<u8>),
    Mapped(Mmap),
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::BuiltIn(bytes) => bytes,
            Self::Read(bytes) => bytes,
            Self::Mapped(bytes) => bytes,
        }
    }
}

impl ModelBytes {
    /// Name for reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rule that found it.
    pub fn source(&self) -> Source {
        self.source
    }

    /// [`Files::hash`], taken on the first call.
    pub fn hash(&self) -> &str {
        self.hash.get_or_init(|| self.as_files().hash())
    }

    /// Bytes that were read into memory; what is mapped or compiled in is not among them.
    pub(super) fn read_bytes(&self) -> u64 {
        let all = [Some(&self.weights), Some(&self.config), Some(&self.tokenizer), self.preprocessor.as_ref()];
        let read = all.into_iter().flatten().map(|bytes| match bytes {
            Bytes::Read(bytes) => bytes.len() as u64,
            Bytes::BuiltIn(_) | Bytes::Mapped(_) => 0,
        });
        read.sum()
    }

    /// The bytes of each file.
    pub fn as_files(&self) -> Files<'_> {
        Files {
            config: self.config.as_slice(),
            weights: self.weights.as_slice(),
            tokenizer: self.tokenizer.as_slice(),
            preprocessor: self.preprocessor.as_ref().map(Bytes::as_slice),
        }
    }
}

/// The encoder that is compiled in.
pub fn builtin() -> ModelBytes {
    let config: &'static [u8] = include_bytes!("../../models/default/config.json");
    let weights: &'static [u8] = include_bytes!("../../models/default/model.safetensors");
    let tokenizer: &'static [u8] = include_bytes!("../../models/default/tokenizer.json");
    let preprocessor: &'static [u8] = include_bytes!("../../models/default/preprocessor_config.json");
    ModelBytes {
        name: DEFAULT.to_owned(),
        source: Source::BuiltIn,
        hash: OnceLock::new(),
        config: Bytes::BuiltIn(config),
        weights: Bytes::BuiltIn(weights),
        tokenizer: Bytes::BuiltIn(tokenizer),
        preprocessor: Some(Bytes::BuiltIn(preprocessor)),
    }
}

/// Finds an encoder by name or folder, maps it and checks it.
///
/// # Errors
/// As [`locate`] and [`load`].
pub fn open(name_or_folder: &str, search: &SearchPath, cancel: &Cancel) -> Result<ModelBytes, ModelError> {
    load(&locate(name_or_folder, search)?, cancel)
}

/// Maps and checks a located encoder.
///
/// # Errors
/// [`ModelError::Truncated`], [`ModelError::NotSafetensors`], [`ModelError::WrongHash`], [`ModelError::TooLarge`],
/// [`ModelError::Io`], [`ModelError::Cancelled`].
pub fn load(located: &Located, cancel: &Cancel) -> Result<ModelBytes, ModelError> {
    let Some(files) = &located.files else { return Ok(builtin()) };
    let weights = map_weights(&files.weights)?;
    check_safetensors(&weights, &files.weights)?;
    let read = |path: &Path, limit| read_bounded(path, limit).map(Bytes::Read);
    let config = read(&files.config, MAX_CONFIG)?;
    let tokenizer = read(&files.tokenizer, MAX_TOKENIZER)?;
    let preprocessor = files.preprocessor.as_ref().map(|path| read(path, MAX_CONFIG)).transpose()?;
    if located.source != Source::Given {
        let digests = [
            Some(hex(&Sha256::digest(config.as_slice()))),
            Some(sha256(&weights, cancel)?),
            Some(hex(&Sha256::digest(tokenizer.as_slice()))),
            preprocessor.as_ref().map(|bytes| hex(&Sha256::digest(bytes.as_slice()))),
        ];
        check_hashes(located, files, &digests)?;
    }
    Ok(ModelBytes {
        name: located.name.clone(),
        source: located.source,
        hash: OnceLock::new(),
        config,
        weights: Bytes::Mapped(weights),
        tokenizer,
        preprocessor,
    })
}

fn check_hashes(located: &Located, files: &FilePaths, digests: &[Option<String>; 4]) -> Result<(), ModelError> {
    let paths = [Some(&files.config), Some(&files.weights), Some(&files.tokenizer), files.preprocessor.as_ref()];
    let expected = expected_hashes(located);
    for (path, found) in paths.into_iter().zip(digests) {
        let (Some(path), Some(found)) = (path, found) else { continue };
        let known = path.file_name().and_then(|file| expected.get(file.to_str()?));
        if let Some(known) = known.filter(|known| known.sha256 != *found) {
            return Err(ModelError::WrongHash {
                name: located.name.clone(),
                path: path.clone(),
                expected: known.sha256.clone(),
                found: found.clone(),
            });
        }
    }
    Ok(())
}

/// Maps the weight file for reading.
///
/// A mapping is only as stable as its file: one that is cut in place while it is mapped ends the process. `fetch`
/// never does that (it renames a finished file over the old one, and the old one lives on while it is mapped); do
/// not copy over an encoder in use with a tool that writes in place.
#[allow(unsafe_code, reason = "memory mapping is the one way to share weights between processes")]
fn map_weights(path: &Path) -> Result<Mmap, ModelError> {
    let failed = |reason: std::io::Error| io("read", path, &reason);
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    if size > MAX_WEIGHTS {
        return Err(ModelError::TooLarge { path: path.to_owned(), size, limit: MAX_WEIGHTS });
    }
    // SAFETY: the mapping is read-only and private to this value; the file is opened for reading only and this
    // program replaces model files by renaming, never in place, so the mapped bytes do not change under us.
    let mapped = unsafe { Mmap::map(&file) }.map_err(failed)?;
    if mapped.len() as u64 != size {
        return Err(ModelError::Truncated { path: path.to_owned(), expected: size, found: mapped.len() as u64 });
    }
    Ok(mapped)
}

/// Whether the length agrees with the header: a cut copy is found here and not in the middle of a frame.
fn check_safetensors(bytes: &[u8], path: &Path) -> Result<(), ModelError> {
    let bad = |reason: String| ModelError::NotSafetensors { path: path.to_owned(), reason };
    let Some(prefix) = bytes.first_chunk::<8>() else { return Err(bad("it is shorter than a header".to_owned())) };
    let header = u64::from_le_bytes(*prefix);
    let end = header.saturating_add(8);
    if header > 100_000_000 {
        return Err(bad(format!("its header claims {header} bytes")));
    }
    let found = bytes.len() as u64;
    if end > found {
        return Err(ModelError::Truncated { path: path.to_owned(), expected: end, found });
    }
    let body = usize::try_from(header).ok().and_then(|header| bytes.get(8..8 + header)).unwrap_or_default();
    let tensors: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(body).map_err(|error| bad(error.to_string()))?;
    let last = tensors.values().filter_map(|tensor| tensor.get("data_offsets")?.get(1)?.as_u64()).max().unwrap_or(0);
    let expected = end.saturating_add(last);
    if expected == found { Ok(()) } else { Err(ModelError::Truncated { path: path.to_owned(), expected, found }) }
}

fn sha256(bytes: &[u8], cancel: &Cancel) -> Result<String, ModelError> {
    let mut hasher = Sha256::new();
    for block in bytes.chunks(16 << 20) {
        cancel.check()?;
        hasher.update(block);
    }
    Ok(hex(&hasher.finalize()))
}
