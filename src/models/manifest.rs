//! Manifests: which encoders are known, from which revision, with which bytes.
//!
//! Input: `models/manifests/*.json`, compiled in. Output: [`known`], [`find`]. Invariants: a revision is a full
//! commit hash, never a branch; a size or SHA-256 that nobody has verified is `null`, and then the first fetch
//! records it. Determinism: constant data. Cost: parsed once a process.

use std::sync::OnceLock;

use super::kind::Kind;
use serde::Deserialize;

/// Name of the encoder that is compiled in.
pub const DEFAULT: &str = "default";

/// One file of an encoder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedFile {
    /// Name inside the repository and inside the model's folder.
    pub path: String,
    /// Size in bytes, where it is known.
    pub size: Option<u64>,
    /// SHA-256, hexadecimal, where it is known.
    pub sha256: Option<String>,
    /// Commit of this file, where it is not [`Manifest::revision`].
    #[serde(default)]
    pub revision: Option<String>,
}

/// The files of an encoder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedFiles {
    /// Architecture, as Hugging Face writes it.
    pub config: PinnedFile,
    /// Weights in safetensors form.
    pub weights: PinnedFile,
    /// Tokenizer of the `tokenizers` library.
    pub tokenizer: PinnedFile,
    /// Input size, mean and standard deviation of the image tower.
    pub preprocessor: Option<PinnedFile>,
}

/// A known encoder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What it is.
    pub kind: Kind,
    /// Name for flags and parameters; the part behind the last `/` is enough.
    pub name: String,
    /// Shorter names that mean the same.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Repository on the Hugging Face hub.
    pub repository: String,
    /// Commit hash.
    pub revision: String,
    /// Licence of the weights.
    pub licence: String,
    /// A remark for people.
    pub note: Option<String>,
    /// Its files.
    pub files: PinnedFiles,
}

impl Manifest {
    /// Its files in the order config, tokenizer, preprocessor, weights: the small ones first, so that a wrong
    /// address shows before the long download starts.
    pub fn all_files(&self) -> impl Iterator<Item = &PinnedFile> {
        let PinnedFiles { config, weights, tokenizer, preprocessor } = &self.files;
        [Some(config), Some(tokenizer), preprocessor.as_ref(), Some(weights)].into_iter().flatten()
    }

    /// The commit that holds `file`.
    pub fn revision_of<'a>(&'a self, file: &'a PinnedFile) -> &'a str {
        file.revision.as_deref().unwrap_or(&self.revision)
    }

    /// Download size in bytes as far as it is known.
    pub fn known_size(&self) -> u64 {
        self.all_files().filter_map(|file| file.size).sum()
    }

    /// The name without its organisation.
    pub fn short_name(&self) -> &str {
        short(&self.name)
    }
}

/// Every encoder with a manifest, in the order in which they are listed.
pub fn known() -> &'static [Manifest] {
    static KNOWN: OnceLock<Vec<Manifest>> = OnceLock::new();
    KNOWN.get_or_init(|| SOURCES.iter().filter_map(|source| serde_json::from_str(source).ok()).collect())
}

/// The manifest of `name`: the full name, the part behind the last `/` or an alias, in any case.
pub fn find(name: &str) -> Option<&'static Manifest> {
    known().iter().find(|manifest| {
        let names = [manifest.name.as_str(), manifest.short_name()];
        let mut names = names.into_iter().chain(manifest.aliases.iter().map(String::as_str));
        names.any(|known| known.eq_ignore_ascii_case(name))
    })
}

/// The part behind the last `/`.
pub(super) fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

const SOURCES: [&str; 4] = [
    include_str!("../../models/manifests/clip-vit-base-patch32.json"),
    include_str!("../../models/manifests/clip-vit-base-patch16.json"),
    include_str!("../../models/manifests/clip-vit-large-patch14.json"),
    include_str!("../../models/manifests/tinyclip-vit-8m-16.json"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn is_hex(text: &str, length: usize) -> bool {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }

    #[test]
    fn every_manifest_parses_and_pins_commits() {
        assert_eq!(known().len(), SOURCES.len(), "a manifest that does not parse would vanish from the list");
        for manifest in known() {
            assert!(is_hex(&manifest.revision, 40), "{}: revision {}", manifest.name, manifest.revision);
            for file in manifest.all_files() {
                assert!(is_hex(manifest.revision_of(file), 40), "{}: revision of {}", manifest.name, file.path);
                assert!(file.sha256.as_ref().is_none_or(|hash| is_hex(hash, 64)), "{}: {}", manifest.name, file.path);
            }
        }
    }

    #[test]
    fn encoders_are_found_by_full_and_short_name_and_never_twice() {
        for manifest in known() {
            assert_eq!(find(&manifest.name), Some(manifest), "full name");
            assert_eq!(find(&manifest.short_name().to_uppercase()), Some(manifest), "short name in capitals");
        }
        assert_eq!(find("TinyCLIP").map(Manifest::short_name), Some("TinyCLIP-ViT-8M-16-Text-3M-YFCC15M"), "alias");
        assert_eq!(find("clip"), None, "a part of a name is not a name");
    }
}
