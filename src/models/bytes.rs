//! The bytes of a model: mapped, checked and hashed, or compiled in.
//!
//! Input: [`Located`] files. Output: [`ModelBytes`]. Invariants: the weight file is as long as its own header says;
//! where a manifest or the record of a first fetch knows a SHA-256, the bytes have it, except in a folder that the
//! user names explicitly. Determinism: the hash depends on the bytes alone, not on names or paths.
//! Cost: one pass of SHA-256 where there is a hash to check, none for a given folder and built-in models; the
//! weights are mapped, so several processes share one copy.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::OnceLock;

use memmap2::Mmap;
use sha2::{Digest as _, Sha256};

use super::builtin::builtin_of;
use super::disk::{hex, io, read_bounded};
use super::error::ModelError;
use super::files::{ClipFiles, ModelFiles, NetworkFiles, Part, TokenizerForm};
use super::folder::Found;
use super::kind::Kind;
use super::lock::{Expected, expected_hashes};
use super::search::{Located, SearchPath, Source, known_names, locate};
use crate::ctx::Cancel;
use crate::diffuse::{self, DiffusionFiles, TokenizerFiles};
use crate::encoder::Files;

/// Largest accepted `config.json` and `preprocessor_config.json`, in bytes.
const MAX_CONFIG: u64 = 1 << 20;
/// Largest accepted `tokenizer.json`, in bytes.
const MAX_TOKENIZER: u64 = 64 << 20;
/// Largest accepted weight file, in bytes.
const MAX_WEIGHTS: u64 = 16 << 30;

/// A model's files in memory.
#[derive(Debug)]
pub struct ModelBytes {
    name: String,
    source: Source,
    hash: OnceLock<String>,
    files: ModelFiles<Bytes>,
}

/// The bytes of one file.
#[derive(Debug)]
pub(super) enum Bytes {
    BuiltIn(&'static [u8]),
    Read(Vec<u8>),
    Mapped(Mmap),
}

impl Bytes {
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::BuiltIn(bytes) => bytes,
            Self::Read(bytes) => bytes,
            Self::Mapped(bytes) => bytes,
        }
    }
}

impl ModelBytes {
    /// A model whose files are compiled in.
    pub(super) fn built_in(name: &str, files: ModelFiles<Bytes>) -> Self {
        Self { name: name.to_owned(), source: Source::BuiltIn, hash: OnceLock::new(), files }
    }

    /// Name for reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rule that found it.
    pub fn source(&self) -> Source {
        self.source
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.files.kind()
    }

    /// blake3 of all files as hex, taken on the first call: what a model is known by in plans, under any name or path. An
    /// encoder's is [`Files::hash`]. Cost: one pass over the weights.
    pub fn hash(&self) -> &str {
        self.hash.get_or_init(|| match &self.files {
            ModelFiles::Clip(files) => clip(files).hash(),
            ModelFiles::Diffusion(_) => {
                let mut hasher = blake3::Hasher::new();
                for bytes in self.files.each().map(Bytes::as_slice) {
                    hasher.update(&(bytes.len() as u64).to_le_bytes());
                    hasher.update(bytes);
                }
                hasher.finalize().to_hex().to_string()
            }
        })
    }

    /// Size of all files, bytes.
    pub fn size(&self) -> u64 {
        self.files.each().map(|bytes| bytes.as_slice().len() as u64).sum()
    }

    /// Bytes that were read into memory; what is mapped or compiled in is not among them.
    pub(super) fn read_bytes(&self) -> u64 {
        let read = self.files.each().map(|bytes| match bytes {
            Bytes::Read(bytes) => bytes.len() as u64,
            Bytes::BuiltIn(_) | Bytes::Mapped(_) => 0,
        });
        read.sum()
    }

    /// The bytes of an encoder's files.
    ///
    /// # Errors
    /// [`ModelError::WrongKind`] for a model of another kind.
    pub fn as_clip(&self) -> Result<Files<'_>, ModelError> {
        match &self.files {
            ModelFiles::Clip(files) => Ok(clip(files)),
            ModelFiles::Diffusion(_) => Err(self.is_not(Kind::Clip)),
        }
    }

    /// The bytes of a diffusion model's files.
    ///
    /// # Errors
    /// [`ModelError::WrongKind`] for a model of another kind.
    pub fn as_diffusion(&self) -> Result<DiffusionFiles<'_>, ModelError> {
        let ModelFiles::Diffusion(files) = &self.files else { return Err(self.is_not(Kind::Diffusion)) };
        Ok(DiffusionFiles {
            unet: part(&files.unet),
            vae: part(&files.vae),
            text: part(&files.text),
            tokenizer: match &files.tokenizer {
                TokenizerForm::Json(json) => TokenizerFiles::Json(json.as_slice()),
                TokenizerForm::Pairs { vocab, merges } => {
                    TokenizerFiles::Pairs { vocab: vocab.as_slice(), merges: merges.as_slice() }
                }
            },
            scheduler: files.scheduler.as_slice(),
        })
    }

    fn is_not(&self, needed: Kind) -> ModelError {
        ModelError::WrongKind { what: format!("'{}'", self.name), found: self.kind(), needed }
    }
}

fn part(files: &NetworkFiles<Bytes>) -> diffuse::Part<'_> {
    diffuse::Part { config: files.config.as_slice(), weights: files.weights.as_slice() }
}

fn clip(files: &ClipFiles<Bytes>) -> Files<'_> {
    Files {
        config: files.config.as_slice(),
        weights: files.weights.as_slice(),
        tokenizer: files.tokenizer.as_slice(),
        preprocessor: files.preprocessor.as_ref().map(Bytes::as_slice),
    }
}

/// Finds a model of any kind by name or folder, maps it and checks it.
///
/// # Errors
/// As [`locate`] and [`load`].
pub fn open(name_or_folder: &str, search: &SearchPath, cancel: &Cancel) -> Result<ModelBytes, ModelError> {
    load(&locate(name_or_folder, search)?, cancel)
}

/// Maps and checks a located model.
///
/// # Errors
/// [`ModelError::Truncated`], [`ModelError::NotSafetensors`], [`ModelError::WrongHash`], [`ModelError::TooLarge`],
/// [`ModelError::Io`], [`ModelError::Cancelled`]; [`ModelError::Unknown`] for a model that this program was built without.
pub fn load(located: &Located, cancel: &Cancel) -> Result<ModelBytes, ModelError> {
    let Located { name, kind, source, files } = located;
    let Some(files) = files else {
        let (kind, known) = (Some(*kind), known_names(Some(*kind)));
        let absent = || ModelError::Unknown { kind, name: name.clone(), searched: Vec::new(), known };
        return builtin_of(located.kind).ok_or_else(absent);
    };
    let expected = if *source == Source::Given { BTreeMap::new() } else { expected_hashes(located) };
    let files = files.try_map(|part, file| {
        let bytes = read(part, &file.path)?;
        // In a folder that the user names there is nothing to hold the bytes against.
        if *source != Source::Given {
            check_hash(name, file, &expected, &bytes, cancel)?;
        }
        Ok::<_, ModelError>(bytes)
    })?;
    Ok(ModelBytes { name: name.clone(), source: *source, hash: OnceLock::new(), files })
}

fn read(part: Part, path: &Path) -> Result<Bytes, ModelError> {
    match part {
        Part::Config => read_bounded(path, MAX_CONFIG).map(Bytes::Read),
        Part::Tokenizer => read_bounded(path, MAX_TOKENIZER).map(Bytes::Read),
        Part::Weights => {
            let weights = map_weights(path)?;
            check_safetensors(&weights, path)?;
            Ok(Bytes::Mapped(weights))
        }
    }
}

fn check_hash(
    name: &str,
    file: &Found,
    expected: &BTreeMap<String, Expected>,
    bytes: &Bytes,
    cancel: &Cancel,
) -> Result<(), ModelError> {
    let Some(Expected { sha256: expected, .. }) = expected.get(&file.name) else { return Ok(()) };
    let found = sha256(bytes.as_slice(), cancel)?;
    if found == *expected {
        return Ok(());
    }
    Err(ModelError::WrongHash { name: name.to_owned(), path: file.path.clone(), expected: expected.clone(), found })
}

/// Maps the weight file for reading.
///
/// A mapping is only as stable as its file: one that is cut in place while it is mapped ends the process. `fetch`
/// never does that (it renames a finished file over the old one, and the old one lives on while it is mapped); do
/// not copy over a model in use with a tool that writes in place.
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
