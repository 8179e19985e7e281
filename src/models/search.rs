//! Where a model's files are looked for, and in which order.
//!
//! Input: a name or a folder, and the [`SearchPath`] made from the environment. Output: [`Located`] paths.
//! Invariants: order is the given folder, `LINOCUT_MODEL_PATH`, the bundle's Resources, the per-user data folder,
//! the Hugging Face hub cache; nothing is written and nothing goes online. A name never leaves the folder it is
//! looked for in. Determinism: the first match in that order, ties sorted by name. Cost: a few file-system queries.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use serde::Serialize;

use super::builtin::has_builtin;
use super::error::ModelError;
use super::files::ModelFiles;
use super::folder::{Found, Lack, files_given, files_in, gather, sorted_children};
use super::kind::Kind;
use super::manifest::{self, AUTO, DEFAULT, Manifest, PinnedFile, SMALL, STABLE_DIFFUSION, short};

/// Environment variable with folders of models, in the separator of the platform's `PATH`.
pub const MODEL_PATH: &str = "LINOCUT_MODEL_PATH";

/// Which rule found a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Compiled in.
    BuiltIn,
    /// The folder that the parameter or flag names.
    Given,
    /// A folder of `LINOCUT_MODEL_PATH`.
    ModelPath,
    /// The bundle's Resources.
    Resources,
    /// The per-user data folder, where `linocut models fetch` writes.
    UserData,
    /// The Hugging Face hub cache, read only.
    HubCache,
}

/// One folder to search and the rule it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The rule.
    pub source: Source,
    /// The folder.
    pub folder: PathBuf,
}

/// What the search path is made from; plain data, so that tests need not touch the process environment.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `LINOCUT_MODEL_PATH`.
    pub model_path: Option<OsString>,
    /// The loaded library or program; Resources lie at `../Resources/models` seen from its folder.
    pub binary: Option<PathBuf>,
    /// The per-user data folder of the platform.
    pub user_data: Option<PathBuf>,
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// `XDG_CACHE_HOME`.
    pub xdg_cache_home: Option<OsString>,
    /// `HF_HOME`.
    pub hf_home: Option<OsString>,
    /// `HF_HUB_CACHE`, or the older `HUGGINGFACE_HUB_CACHE`.
    pub hf_hub_cache: Option<OsString>,
}

impl Environment {
    /// The environment of this process; `binary` is the path of the loaded library or program.
    pub fn of_process(binary: Option<PathBuf>) -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            model_path: set(MODEL_PATH),
            binary,
            user_data: dirs::data_dir(),
            home: dirs::home_dir(),
            xdg_cache_home: set("XDG_CACHE_HOME"),
            hf_home: set("HF_HOME"),
            hf_hub_cache: set("HF_HUB_CACHE").or_else(|| set("HUGGINGFACE_HUB_CACHE")),
        }
    }

    /// The hub cache, by the rules of `huggingface_hub`.
    pub fn hub_cache(&self) -> Option<PathBuf> {
        if let Some(cache) = &self.hf_hub_cache {
            return Some(PathBuf::from(cache));
        }
        let home = match (&self.hf_home, &self.xdg_cache_home, &self.home) {
            (Some(home), _, _) => PathBuf::from(home),
            (None, Some(cache), _) => Path::new(cache).join("huggingface"),
            (None, None, home) => home.as_ref()?.join(".cache").join("huggingface"),
        };
        Some(home.join("hub"))
    }

    /// Where fetched models are kept.
    pub fn user_models(&self) -> Option<PathBuf> {
        Some(self.user_data.as_ref()?.join("linocut").join("models"))
    }

    fn resources(&self) -> Option<PathBuf> {
        Some(self.binary.as_ref()?.parent()?.parent()?.join("Resources").join("models"))
    }
}

/// The folders to search, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchPath {
    /// The folders.
    pub places: Vec<Place>,
}

impl SearchPath {
    /// The search path of an environment.
    pub fn new(environment: &Environment) -> Self {
        let listed = environment.model_path.iter().flat_map(|list| std::env::split_paths(list));
        let listed = listed.filter(|folder| !folder.as_os_str().is_empty()).map(|folder| (Source::ModelPath, folder));
        let fixed = [
            (Source::Resources, environment.resources()),
            (Source::UserData, environment.user_models()),
            (Source::HubCache, environment.hub_cache()),
        ];
        let fixed = fixed.into_iter().filter_map(|(source, folder)| Some((source, folder?)));
        Self { places: listed.chain(fixed).map(|(source, folder)| Place { source, folder }).collect() }
    }

    /// The search path of this process; `binary` is the path of the loaded library or program.
    pub fn of_process(binary: Option<PathBuf>) -> Self {
        Self::new(&Environment::of_process(binary))
    }

    /// The folders alone, for messages.
    pub fn folders(&self) -> Vec<PathBuf> {
        self.places.iter().map(|place| place.folder.clone()).collect()
    }
}

/// A model that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Located {
    /// Full name of a known model, else what was asked for.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The rule that found it.
    pub source: Source,
    /// Its files; none for a built-in model.
    pub files: Option<ModelFiles<Found>>,
}

impl Located {
    /// The folder of the model, as far as its weights say; none for a built-in model.
    pub fn folder(&self) -> Option<&Path> {
        let weights = self.files.as_ref()?.main();
        weights.path.ancestors().nth(weights.name.split('/').count())
    }

    /// What identifies this model in a table of loaded ones: name, and path, size and modification time of each file. Cheap,
    /// so it can be asked for each frame; the true identity is the hash taken when it is loaded.
    pub fn residency_key(&self) -> String {
        let files = self.files.iter().flat_map(ModelFiles::each).map(|file| {
            let path = file.path.canonicalize().unwrap_or_else(|_| file.path.clone());
            let stamp = std::fs::metadata(&path).ok().map(|meta| (meta.len(), meta.modified().ok()));
            format!("\n{}\n{stamp:?}", path.display())
        });
        std::iter::once(self.name.clone()).chain(files).collect()
    }
}

/// Finds a model of any kind by name or folder.
///
/// # Errors
/// As [`locate_kind`], without [`ModelError::WrongKind`].
pub fn locate(name_or_folder: &str, search: &SearchPath) -> Result<Located, ModelError> {
    locate_any(None, name_or_folder.trim(), search)
}

/// Finds a model of `kind` by name or folder. A diffusion model may be called [`AUTO`].
///
/// # Errors
/// For a folder: [`ModelError::Incomplete`], [`ModelError::Unconverted`], [`ModelError::NotAFolder`], [`ModelError::OtherFamily`],
/// [`ModelError::Outside`]. [`ModelError::Missing`] for a known name, [`ModelError::Unknown`] for any other.
/// [`ModelError::WrongKind`] for a model of another kind.
pub fn locate_kind(kind: Kind, name_or_folder: &str, search: &SearchPath) -> Result<Located, ModelError> {
    let asked = name_or_folder.trim();
    if kind == Kind::Diffusion && asked == AUTO {
        return match locate_any(Some(kind), STABLE_DIFFUSION, search) {
            Err(ModelError::Missing { .. }) if has_builtin(kind) => locate_any(Some(kind), SMALL, search),
            answer => answer,
        };
    }
    locate_any(Some(kind), asked, search)
}

fn locate_any(asked: Option<Kind>, name: &str, search: &SearchPath) -> Result<Located, ModelError> {
    let is_asked = |kind: Kind| asked.is_none_or(|asked| asked == kind);
    let wrong = |found| move |needed| ModelError::WrongKind { what: format!("'{name}'"), found, needed };
    for (builtin, kind) in [(DEFAULT, Kind::Clip), (SMALL, Kind::Diffusion)] {
        if name == builtin && is_asked(kind) && has_builtin(kind) {
            return Ok(Located { name: name.to_owned(), kind, source: Source::BuiltIn, files: None });
        }
    }
    if let Some(needed) = asked.filter(|_| name == DEFAULT) {
        return Err(wrong(Kind::Clip)(needed));
    }
    let folder = Path::new(name);
    let manifest = manifest::find(name);
    let located = |name: &str, source, files: ModelFiles<Found>| Located {
        name: name.to_owned(),
        kind: files.kind(),
        source,
        files: Some(files),
    };
    if looks_like_folder(folder, manifest.is_some()) {
        return files_given(folder, asked).map(|files| located(name, Source::Given, files));
    }
    if let Some((manifest, needed)) = manifest.zip(asked).filter(|(manifest, needed)| manifest.kind() != *needed) {
        return Err(wrong(manifest.kind())(needed));
    }
    let kind = manifest.map(Manifest::kind).or(asked);
    let name = manifest.map_or(name, |manifest| manifest.name.as_str());
    let mut lack = None;
    for place in &search.places {
        match look_in(place, name, manifest, kind) {
            Ok(files) => return Ok(located(name, place.source, files)),
            Err(why) => lack = lack.or(why),
        }
    }
    let searched = search.folders();
    Err(match (lack, manifest) {
        (Some(Lack::Refused(error)), _) => error,
        (Some(Lack::Absent { kind, file }), _) => ModelError::Missing { kind, name: name.to_owned(), file, searched },
        (None, Some(manifest)) => {
            let file = manifest.all_files().next().map(|file| file.path.clone()).unwrap_or_default();
            ModelError::Missing { kind: manifest.kind(), name: name.to_owned(), file, searched }
        }
        (None, None) => ModelError::Unknown { kind: asked, name: name.to_owned(), searched, known: known_names(asked) },
    })
}

/// The names that work for a kind, or for any.
pub(super) fn known_names(asked: Option<Kind>) -> Vec<String> {
    let builtin = [(DEFAULT, Kind::Clip), (SMALL, Kind::Diffusion)].into_iter().filter(|(_, kind)| has_builtin(*kind));
    let known = manifest::known().iter().map(|manifest| (manifest.name.as_str(), manifest.kind()));
    let all = builtin.chain(known).filter(|(_, kind)| asked.is_none_or(|asked| asked == *kind));
    all.map(|(name, _)| name.to_owned()).collect()
}

/// Folder name of a model among others: `organisation--name`, one level, like in the hub cache.
pub fn folder_name(name: &str) -> String {
    name.replace('/', "--")
}

/// A spelling that can only be a path, or an existing folder. A known name is a name, whatever lies in the working
/// folder: what a plan does must not depend on where the program was started.
fn looks_like_folder(path: &Path, is_known_name: bool) -> bool {
    let spelled = matches!(path.components().next(), Some(Component::CurDir | Component::ParentDir));
    spelled || path.is_absolute() || (!is_known_name && path.is_dir())
}

/// The files of `name` in `place`; the error is what lacks first in a folder of that name, if there is one.
fn look_in(
    place: &Place,
    name: &str,
    manifest: Option<&Manifest>,
    kind: Option<Kind>,
) -> Result<ModelFiles<Found>, Option<Lack>> {
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if !plain || name.is_empty() {
        return Err(None);
    }
    if place.source == Source::HubCache {
        return look_in_hub_cache(&place.folder, name, manifest, kind);
    }
    let mut lack = None;
    for candidate in [folder_name(name), name.to_owned(), short(name).to_owned()] {
        let folder = place.folder.join(candidate);
        if folder.is_dir() {
            match files_in(&folder, kind) {
                Ok(files) => return Ok(files),
                Err(why) => lack = lack.or(Some(why)),
            }
        }
    }
    Err(lack)
}

/// The files of a repository in the hub cache. They may lie in several snapshots: where `main` has only pickled
/// weights, `transformers` keeps the converted weights in a snapshot of their own.
fn look_in_hub_cache(
    cache: &Path,
    name: &str,
    manifest: Option<&Manifest>,
    kind: Option<Kind>,
) -> Result<ModelFiles<Found>, Option<Lack>> {
    let repository = manifest.map_or(name, |manifest| manifest.repository.as_str());
    let repository = hf_hub::Repo::model(repository.to_owned());
    let root = cache.join(repository.folder_name());
    if !root.is_dir() {
        return Err(None);
    }
    let cached = hf_hub::Cache::new(cache.to_owned()).repo(repository);
    let main = std::fs::read_to_string(root.join("refs").join("main")).ok();
    let main = main.map(|commit| commit.trim().to_owned()).filter(|commit| is_commit(commit));
    let others = sorted_children(&root.join("snapshots"));
    let find = |file: &str| {
        let pinned = manifest.and_then(|manifest| pinned_commit(manifest, file));
        let commits = pinned.into_iter().chain(main.as_deref()).chain(others.iter().map(String::as_str));
        commits.map(|commit| cached.pointer_path(commit).join(file)).find(|path| path.is_file())
    };
    // Snapshots are whole: nobody writes references into them.
    gather(&root, kind, find, |_| Ok(None)).map_err(Some)
}

fn pinned_commit<'a>(manifest: &'a Manifest, path: &str) -> Option<&'a str> {
    let file: &PinnedFile = manifest.all_files().find(|file| file.path == path)?;
    Some(manifest.revision_of(file))
}

/// A ref is written by other programs: anything but a plain commit hash could point outside the cache.
fn is_commit(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
