//! Manifests: which models are known, from which revision, with which bytes.
//!
//! Input: `models/manifests/*.json`, compiled in. Output: [`known`], [`find`]. Invariants: a revision is a full
//! commit hash, never a branch; a size or SHA-256 that nobody has verified is `null`, and then the first fetch
//! records it. Determinism: constant data. Cost: parsed once a process.

use std::sync::OnceLock;

use super::files::{ClipFiles, DiffusionFolder, ModelFiles};
use super::kind::Kind;
use serde::Deserialize;

/// Name of the encoder that is compiled in.
pub const DEFAULT: &str = "default";
/// Name of the diffusion model that is compiled in.
pub const SMALL: &str = "small";
/// Stands for Stable Diffusion 1.5 where it is found, else for [`SMALL`].
pub const AUTO: &str = "auto";
/// What [`AUTO`] looks for.
pub(super) const STABLE_DIFFUSION: &str = "stable-diffusion-v1-5/stable-diffusion-v1-5";

/// One file of a model.
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

/// A known model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Manifest {
    /// Name for flags and parameters; the part behind the last `/` is enough.
    pub name: String,
    /// Shorter names that mean the same.
    pub aliases: Vec<String>,
    /// Repository on the Hugging Face hub.
    pub repository: String,
    /// Commit hash.
    pub revision: String,
    /// Licence of the weights.
    pub licence: String,
    /// Address of the licence's text, where its terms have to be accepted before the model is fetched.
    pub terms: Option<String>,
    /// A remark for people.
    pub note: Option<String>,
    /// Its files, which also say of what kind it is.
    pub files: ModelFiles<PinnedFile>,
}

/// A manifest as it is written: only `kind` says what `files` holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kind: Kind,
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
    repository: String,
    revision: String,
    licence: String,
    #[serde(default)]
    terms: Option<String>,
    note: Option<String>,
    files: serde_json::Value,
}

impl TryFrom<Written> for Manifest {
    type Error = serde_json::Error;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Written { kind, name, aliases, repository, revision, licence, terms, note, files } = written;
        let files = match kind {
            Kind::Clip => ModelFiles::Clip(ClipFiles::deserialize(files)?),
            Kind::Diffusion => ModelFiles::Diffusion(DiffusionFolder::deserialize(files)?),
        };
        Ok(Self { name, aliases, repository, revision, licence, terms, note, files })
    }
}

impl Manifest {
    /// What it is.
    pub fn kind(&self) -> Kind {
        self.files.kind()
    }

    /// Its files, the small ones first.
    pub fn all_files(&self) -> impl Iterator<Item = &PinnedFile> {
        self.files.each()
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

/// Every model with a manifest, in the order in which they are listed.
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

const SOURCES: [&str; 5] = [
    include_str!("../../models/manifests/clip-vit-base-patch32.json"),
    include_str!("../../models/manifests/clip-vit-base-patch16.json"),
    include_str!("../../models/manifests/clip-vit-large-patch14.json"),
    include_str!("../../models/manifests/tinyclip-vit-8m-16.json"),
    include_str!("../../models/manifests/stable-diffusion-v1-5.json"),
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
    fn models_are_found_by_full_and_short_name_and_never_twice() {
        for manifest in known() {
            assert_eq!(find(&manifest.name), Some(manifest), "full name");
            assert_eq!(find(&manifest.short_name().to_uppercase()), Some(manifest), "short name in capitals");
        }
        assert_eq!(find("TinyCLIP").map(Manifest::short_name), Some("TinyCLIP-ViT-8M-16-Text-3M-YFCC15M"), "alias");
        assert_eq!(
            find("sd15").map(|manifest| manifest.name.as_str()),
            Some(STABLE_DIFFUSION),
            "what 'auto' looks for"
        );
        assert_eq!(find("clip"), None, "a part of a name is not a name");
    }

    #[test]
    fn a_manifest_whose_files_are_not_of_its_kind_is_refused() {
        let read = |text: &str| serde_json::from_str::<Manifest>(text).map_err(|error| error.to_string());
        let clip = SOURCES[0];
        assert!(read(clip).is_ok(), "the original is fine");
        let message = read(&clip.replace(r#""kind": "clip""#, r#""kind": "diffusion""#)).unwrap_err();
        assert!(message.contains("unknown field") || message.contains("missing field"), "{message}");
        let message = read(&clip.replace(r#""size": 4186"#, r#""length": 4186"#)).unwrap_err();
        assert!(message.contains("unknown field `length`"), "{message}");
    }
}
