//! Where an encoder's files are looked for, and in which order.
//!
//! Input: a name or a folder, and the [`SearchPath`] made from the environment. Output: [`Located`] paths.
//! Invariants: order is the given folder, `LINOCUT_MODEL_PATH`, the bundle's Resources, the per-user data folder,
//! the Hugging Face hub cache; nothing is written and nothing goes online. A name never leaves the folder it is
//! looked for in. Determinism: the first match in that order, ties sorted by name. Cost: a few file-system queries.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use serde::Serialize;

use super::error::ModelError;
use super::manifest::{self, DEFAULT, Manifest, PinnedFile, short};

/// Environment variable with folders of encoders, in the separator of the platform's `PATH`.
pub const MODEL_PATH: &str = "LINOCUT_MODEL_PATH";

/// Which rule found an encoder.
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

    /// Where fetched encoders are kept.
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

/// The files of an encoder on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FilePaths {
    /// `config.json`.
    pub config: PathBuf,
    /// `model.safetensors`.
    pub weights: PathBuf,
    /// `tokenizer.json`.
    pub tokenizer: PathBuf,
    /// `preprocessor_config.json`, where there is one.
    pub preprocessor: Option<PathBuf>,
}

/// An encoder that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Located {
    /// Full name of a known encoder, else what was asked for.
    pub name: String,
    /// The rule that found it.
    pub source: Source,
    /// Its files; none for the built-in encoder.
    pub files: Option<FilePaths>,
}

impl Located {
    /// The folder that holds the weights; none for the built-in encoder.
    pub fn folder(&self) -> Option<&Path> {
        self.files.as_ref()?.weights.parent()
    }

    /// What identifies this encoder in a table of loaded ones: name, path, size and modification time of the
    /// weights. Cheap, so it can be asked for each frame; the true identity is the hash taken when it is loaded.
    pub fn residency_key(&self) -> String {
        let Some(files) = &self.files else { return self.name.clone() };
        let path = files.weights.canonicalize().unwrap_or_else(|_| files.weights.clone());
        let stamp = std::fs::metadata(&path).ok().map(|meta| (meta.len(), meta.modified().ok()));
        format!("{}\n{}\n{stamp:?}", self.name, path.display())
    }
}

/// Finds an encoder by name or folder.
///
/// # Errors
/// [`ModelError::Incomplete`] for a folder that lacks a file, [`ModelError::Missing`] for a known name,
/// [`ModelError::Unknown`] for any other.
pub fn locate(name_or_folder: &str, search: &SearchPath) -> Result<Located, ModelError> {
    let asked = name_or_folder.trim();
    if asked == DEFAULT {
        return Ok(Located { name: DEFAULT.to_owned(), source: Source::BuiltIn, files: None });
    }
    let folder = Path::new(asked);
    let manifest = manifest::find(asked);
    if looks_like_folder(folder, manifest.is_some()) {
        let files = files_in(folder).map_err(|file| ModelError::Incomplete { folder: folder.to_owned(), file })?;
        return Ok(Located { name: asked.to_owned(), source: Source::Given, files: Some(files) });
    }
    let name = manifest.map_or(asked, |manifest| manifest.name.as_str());
    let mut lacking = None;
    for place in &search.places {
        match look_in(place, name, manifest) {
            Ok(files) => return Ok(Located { name: name.to_owned(), source: place.source, files: Some(files) }),
            Err(Some(file)) => lacking = lacking.or(Some(file)),
            Err(None) => {}
        }
    }
    let (name, searched) = (name.to_owned(), search.folders());
    if manifest.is_none() && lacking.is_none() {
        let known = std::iter::once(DEFAULT.to_owned());
        let known = known.chain(manifest::known().iter().map(|manifest| manifest.name.clone())).collect();
        return Err(ModelError::Unknown { name, searched, known });
    }
    let file = lacking.unwrap_or_else(|| "config.json".to_owned());
    Err(ModelError::Missing { name, file, searched })
}

/// Folder name of an encoder among others: `organisation--name`, one level, like in the hub cache.
pub fn folder_name(name: &str) -> String {
    name.replace('/', "--")
}

/// A spelling that can only be a path, or an existing folder. A known name is a name, whatever lies in the working
/// folder: what a plan does must not depend on where the program was started.
fn looks_like_folder(path: &Path, is_known_name: bool) -> bool {
    let spelled = matches!(path.components().next(), Some(Component::CurDir | Component::ParentDir));
    spelled || path.is_absolute() || (!is_known_name && path.is_dir())
}

/// The files of `name` in `place`; the error is the first file that lacks in a folder of that name, if there is one.
fn look_in(place: &Place, name: &str, manifest: Option<&Manifest>) -> Result<FilePaths, Option<String>> {
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if !plain || name.is_empty() {
        return Err(None);
    }
    if place.source == Source::HubCache {
        return look_in_hub_cache(&place.folder, name, manifest);
    }
    let mut lacking = None;
    for candidate in [folder_name(name), name.to_owned(), short(name).to_owned()] {
        let folder = place.folder.join(candidate);
        if folder.is_dir() {
            match files_in(&folder) {
                Ok(files) => return Ok(files),
                Err(file) => lacking = lacking.or(Some(file)),
            }
        }
    }
    Err(lacking)
}

/// The files of a plain folder; the error names the first one that lacks.
pub(super) fn files_in(folder: &Path) -> Result<FilePaths, String> {
    gather(|name| Some(folder.join(name)).filter(|path| path.is_file()))
}

/// The files of a repository in the hub cache. They may lie in several snapshots: where `main` has only pickled
/// weights, `transformers` keeps the converted weights in a snapshot of their own.
fn look_in_hub_cache(cache: &Path, name: &str, manifest: Option<&Manifest>) -> Result<FilePaths, Option<String>> {
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
    gather(|file| {
        let pinned = manifest.and_then(|manifest| pinned_commit(manifest, file));
        let commits = pinned.into_iter().chain(main.as_deref()).chain(others.iter().map(String::as_str));
        commits.map(|commit| cached.pointer_path(commit).join(file)).find(|path| path.is_file())
    })
    .map_err(Some)
}

fn pinned_commit<'a>(manifest: &'a Manifest, path: &str) -> Option<&'a str> {
    let file: &PinnedFile = manifest.all_files().find(|file| file.path == path)?;
    Some(manifest.revision_of(file))
}

/// A ref is written by other programs: anything but a plain commit hash could point outside the cache.
fn is_commit(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Names in a folder, sorted; empty where the folder cannot be read.
pub(super) fn sorted_children(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

fn gather(find: impl Fn(&str) -> Option<PathBuf>) -> Result<FilePaths, String> {
    let need = |name: &str| find(name).ok_or_else(|| name.to_owned());
    Ok(FilePaths {
        config: need("config.json")?,
        weights: need("model.safetensors")?,
        tokenizer: need("tokenizer.json")?,
        preprocessor: find("preprocessor_config.json"),
    })
}
