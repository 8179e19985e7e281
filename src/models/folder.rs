//! Which files of a model a folder holds.
//!
//! Input: a folder, or a way to find files by name, and the kind of model that is wanted. Output: [`Found`] files. Invariants:
//! nothing is written; a folder may refer to files beside itself and to nothing further away, whatever links it holds; what
//! a folder is instead of what is wanted is said. Determinism: by names alone. Cost: a few file-system queries.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::disk::{io, read_bounded};
use super::error::ModelError;
use super::files::{ClipFiles, DiffusionFolder, ModelFiles, NetworkFiles, TokenizerForm};
use super::kind::Kind;

/// Largest configuration that is read for a reference, in bytes.
const MAX_CONFIG: u64 = 1 << 20;
/// Endings of files that only Python can read.
const PICKLED: [&str; 5] = ["bin", "ckpt", "pt", "pth", "pkl"];

/// A file of a model on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Name inside the model's folder and inside its repository, such as `unet/config.json`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// Why there is no model of a kind.
#[derive(Debug)]
pub(super) enum Lack {
    /// A file is not there.
    Absent {
        /// The kind it would belong to.
        kind: Kind,
        /// Its name.
        file: String,
    },
    /// It is something else, or nothing to be read.
    Refused(ModelError),
}

/// The files of a plain folder: of the kind that is asked for, else of the kind that it seems to be.
pub(super) fn files_in(folder: &Path, asked: Option<Kind>) -> Result<ModelFiles<Found>, Lack> {
    let find = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
    gather(folder, asked, find, |config| referred(folder, config))
}

/// As [`files_in`], for a folder that the user names: what is there in place of a missing file is said.
pub(super) fn files_given(folder: &Path, asked: Option<Kind>) -> Result<ModelFiles<Found>, ModelError> {
    if folder.is_file() {
        let kind = asked.unwrap_or(Kind::Clip);
        return Err(ModelError::NotAFolder { path: folder.to_owned(), kind });
    }
    files_in(folder, asked).map_err(|lack| match lack {
        Lack::Refused(error) => error,
        Lack::Absent { kind, file } => match instead_of(folder, &file) {
            Some(found) => ModelError::Unconverted { folder: folder.to_owned(), file, found },
            None => ModelError::Incomplete { folder: folder.to_owned(), file, kind },
        },
    })
}

/// The files of a model that `find` finds by their names; `refer` follows a reference in a configuration.
pub(super) fn gather(
    folder: &Path,
    asked: Option<Kind>,
    find: impl Fn(&str) -> Option<PathBuf>,
    refer: impl Fn(&str) -> Result<Option<PathBuf>, ModelError>,
) -> Result<ModelFiles<Found>, Lack> {
    let has = |name: &str| find(name).is_some();
    let seems = match () {
        () if has("unet/config.json") || has("model_index.json") => Some(Kind::Diffusion),
        () if has("config.json") && has("model.safetensors") => Some(Kind::Clip),
        () => None,
    };
    match (asked, seems) {
        (Some(needed), Some(found)) if needed != found => {
            let what = folder.display().to_string();
            Err(Lack::Refused(ModelError::WrongKind { what, found, needed }))
        }
        _ => match asked.or(seems).unwrap_or(Kind::Clip) {
            Kind::Clip => gather_clip(find).map(ModelFiles::Clip),
            Kind::Diffusion => gather_diffusion(folder, find, refer).map(ModelFiles::Diffusion),
        },
    }
}

fn gather_clip(find: impl Fn(&str) -> Option<PathBuf>) -> Result<ClipFiles<Found>, Lack> {
    let look = |name: &str| find(name).map(|path| Found { name: name.to_owned(), path });
    let need = |name: &str| look(name).ok_or_else(|| Lack::Absent { kind: Kind::Clip, file: name.to_owned() });
    Ok(ClipFiles {
        config: need("config.json")?,
        weights: need("model.safetensors")?,
        tokenizer: need("tokenizer.json")?,
        preprocessor: look("preprocessor_config.json"),
    })
}

fn gather_diffusion(
    folder: &Path,
    find: impl Fn(&str) -> Option<PathBuf>,
    refer: impl Fn(&str) -> Result<Option<PathBuf>, ModelError>,
) -> Result<DiffusionFolder<Found>, Lack> {
    // Said before any file is missed: these folders have files that Stable Diffusion 1.x lacks, and lack others.
    let others = [
        ("text_encoder_2/config.json", "Stable Diffusion XL, with two text towers"),
        ("transformer/config.json", "a model with a transformer in place of the UNet"),
        ("prior/config.json", "a model in several stages"),
    ];
    if let Some((sign, found)) = others.into_iter().find(|(sign, _)| find(sign).is_some()) {
        return Err(Lack::Refused(ModelError::OtherFamily { folder: folder.to_owned(), found, sign }));
    }
    let look = |name: &str| find(name).map(|path| Found { name: name.to_owned(), path });
    let absent = |file: &str| Lack::Absent { kind: Kind::Diffusion, file: file.to_owned() };
    let need = |name: &str| look(name).ok_or_else(|| absent(name));
    let follow = |config: &str, name: &str| {
        let path = refer(config).map_err(Lack::Refused)?;
        Ok::<_, Lack>(path.map(|path| Found { name: name.to_owned(), path }))
    };
    let network = |part: &str, stem: &str| {
        let name = format!("{part}/config.json");
        let config = need(&name)?;
        let full = format!("{part}/{stem}.safetensors");
        let there = look(&full).or_else(|| look(&format!("{part}/{stem}.fp16.safetensors")));
        let there = if there.is_some() { there } else { follow(&name, &full)? };
        Ok::<_, Lack>(NetworkFiles { config, weights: there.ok_or_else(|| absent(&full))? })
    };
    let unet = network("unet", "diffusion_pytorch_model")?;
    let vae = network("vae", "diffusion_pytorch_model")?;
    let text = network("text_encoder", "model")?;
    let json = "tokenizer/tokenizer.json";
    let tokenizer = match (look(json), look("tokenizer/vocab.json"), look("tokenizer/merges.txt")) {
        (Some(json), _, _) => TokenizerForm::Json(json),
        (None, Some(vocab), Some(merges)) => TokenizerForm::Pairs { vocab, merges },
        (None, Some(_), None) => return Err(absent("tokenizer/merges.txt")),
        (None, None, _) => match follow("tokenizer/tokenizer_config.json", json)? {
            Some(json) => TokenizerForm::Json(json),
            None => return Err(absent("tokenizer/tokenizer.json (or tokenizer/vocab.json with merges.txt)")),
        },
    };
    Ok(DiffusionFolder { unet, vae, text, tokenizer, scheduler: need("scheduler/scheduler_config.json")? })
}

/// The file that `config` names under `file`, relative to the folder in which it stands.
fn referred(folder: &Path, config: &str) -> Result<Option<PathBuf>, ModelError> {
    let config = folder.join(config);
    let Ok(bytes) = read_bounded(&config, MAX_CONFIG) else { return Ok(None) };
    let root = serde_json::from_slice::<serde_json::Value>(&bytes).unwrap_or_default();
    let Some(file) = root.get("file").and_then(serde_json::Value::as_str) else { return Ok(None) };
    let real = |path: &Path| path.canonicalize().map_err(|reason| io("read", path, &reason));
    let home = real(folder)?;
    let allowed = home.parent().unwrap_or(&home);
    let outside = || ModelError::Outside { config: config.clone(), file: file.to_owned(), allowed: allowed.to_owned() };
    let relative = Path::new(file);
    if relative.has_root() || relative.is_absolute() {
        return Err(outside());
    }
    let path = real(&config.parent().unwrap_or(folder).join(relative))?;
    if !path.starts_with(allowed) {
        return Err(outside());
    }
    Ok(Some(path).filter(|path| path.is_file()))
}

/// A file beside the missing `file` that would have to be converted to it: pickled weights, or a whole model in one file.
fn instead_of(folder: &Path, file: &str) -> Option<PathBuf> {
    let is_pickled = |ending: &str| PICKLED.contains(&ending);
    let (place, is_it): (_, &dyn Fn(&str) -> bool) = match file {
        "unet/config.json" => (folder.to_owned(), &|ending| is_pickled(ending) || ending == "safetensors"),
        _ if file.ends_with(".safetensors") => (folder.join(file).parent()?.to_owned(), &is_pickled),
        _ => return None,
    };
    let endings = |name: &String| Path::new(name).extension().and_then(|ending| ending.to_str()).is_some_and(is_it);
    sorted_children(&place).into_iter().find(endings).map(|name| place.join(name))
}

/// Names in a folder, sorted; empty where the folder cannot be read.
pub(super) fn sorted_children(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}
