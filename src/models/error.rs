//! What can go wrong with a model, said so that the reader can act.
//!
//! Input: none. Output: [`ModelError`]. Invariants: every message names the file or the address at fault and what
//! to do next. Determinism: no clock. Cost: none.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::kind::Kind;
use crate::ctx::Cancelled;
use crate::fault::Fault;

/// A model that cannot be found, trusted, read or fetched.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// A known model is not on this machine.
    #[error(
        "{} '{name}' is not on this machine, or not whole: {file} was not found.{}\nBring it with: {}",
        kind.noun(),
        searched_in(searched),
        command(name)
    )]
    Missing {
        /// What it is.
        kind: Kind,
        /// Its name.
        name: String,
        /// The first file that was not found.
        file: String,
        /// Folders looked into, in order.
        searched: Vec<PathBuf>,
    },
    /// [`super::BUDGET`] cannot be read.
    #[error("LINOCUT_MODEL_BUDGET is '{text}', but must be a number of bytes, such as 6000000000 or 6G")]
    Budget {
        /// What it says.
        text: String,
    },
    /// The name is not in the manifests and no folder of that name was found.
    #[error(
        "{} '{name}' is unknown.{}\nKnown: {}. A folder with {} works too: give its path",
        kind.map_or("model", Kind::noun),
        searched_in(searched),
        known.join(", "),
        kind.unwrap_or(Kind::Clip).layout()
    )]
    Unknown {
        /// What was asked for, where that is known.
        kind: Option<Kind>,
        /// The name as given.
        name: String,
        /// Folders looked into, in order.
        searched: Vec<PathBuf>,
        /// The names that would have worked.
        known: Vec<String>,
    },
    /// A folder was given, but a file is missing in it.
    #[error("{} has no {file}; the folder of {} holds {}", folder.display(), kind.a_noun(), kind.layout())]
    Incomplete {
        /// The folder as given.
        folder: PathBuf,
        /// The first file that was not found.
        file: String,
        /// What was looked for.
        kind: Kind,
    },
    /// A folder was given in which a file is stored in a form that is not read.
    #[error(
        "{} has no {file}, but {}: such files must be converted first, with diffusers or transformers and \
         save_pretrained(FOLDER, safe_serialization=True)",
        folder.display(),
        found.display()
    )]
    Unconverted {
        /// The folder as given.
        folder: PathBuf,
        /// The file that was not found.
        file: String,
        /// What is there instead.
        found: PathBuf,
    },
    /// A file was given where a folder is needed.
    #[error(
        "{} is a file; {} is a folder with {}. A model in a single file must be converted first, with diffusers: \
         from_single_file(FILE).save_pretrained(FOLDER)",
        path.display(),
        kind.a_noun(),
        kind.layout()
    )]
    NotAFolder {
        /// The path as given.
        path: PathBuf,
        /// What was asked for.
        kind: Kind,
    },
    /// It is a model of another kind than the one that was asked for.
    #[error("{what} is {}, but {} is needed here: the folder of one holds {}", found.a_noun(), needed.a_noun(), needed.layout())]
    WrongKind {
        /// Name or folder.
        what: String,
        /// What it is.
        found: Kind,
        /// What was asked for.
        needed: Kind,
    },
    /// It is a diffusion model of a family that is not built in.
    #[error("{} is {found}: it has {sign}; a text-to-image model of the Stable Diffusion 1.x family is needed", folder.display())]
    OtherFamily {
        /// The folder.
        folder: PathBuf,
        /// What it is.
        found: &'static str,
        /// The file that shows it.
        sign: &'static str,
    },
    /// A folder refers to a file that it has no business with.
    #[error(
        "{} refers to '{file}', which is refused: a model may only refer to files inside {}; copy the file into the \
         model's own folder",
        config.display(),
        allowed.display()
    )]
    Outside {
        /// The configuration that refers.
        config: PathBuf,
        /// What it says.
        file: String,
        /// The folder around the model's own.
        allowed: PathBuf,
    },
    /// The licence has terms that nobody has accepted.
    #[error(
        "'{name}' comes under the licence {licence}, whose terms have to be accepted first: {terms}\nRead them, then \
         accept them with: {} --accept-licence",
        command(name)
    )]
    NotAccepted {
        /// Name of the model.
        name: String,
        /// The licence.
        licence: String,
        /// Address of its text.
        terms: String,
    },
    /// The bytes are not the published ones.
    #[error(
        "{} does not hold the published bytes of '{name}': SHA-256 is {found}, expected {expected}. Remove the file \
         and run: {}. To use it as it is, give its folder instead of the name",
        path.display(),
        command(name)
    )]
    WrongHash {
        /// Name of the model.
        name: String,
        /// The file at fault.
        path: PathBuf,
        /// SHA-256 of the manifest or of the first fetch, hexadecimal.
        expected: String,
        /// SHA-256 of the file, hexadecimal.
        found: String,
    },
    /// The weight file is cut off or has bytes too many.
    #[error("{} is {found} bytes long, but its header describes {expected}: the copy is not whole; copy or fetch it again", path.display())]
    Truncated {
        /// The file at fault.
        path: PathBuf,
        /// Length that the header implies, in bytes.
        expected: u64,
        /// Length found, in bytes.
        found: u64,
    },
    /// The weight file is not a safetensors file.
    #[error("{} is not a safetensors file ({reason}); pickled weights (.bin, .pt) must be converted first", path.display())]
    NotSafetensors {
        /// The file at fault.
        path: PathBuf,
        /// What the parser says.
        reason: String,
    },
    /// A file is larger than such a file can sensibly be.
    #[error("{} is {size} bytes, over the limit of {limit} for such a file", path.display())]
    TooLarge {
        /// The file at fault.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The system refused to read or write.
    #[error("cannot {action} {}: {reason}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        reason: String,
    },
    /// Nothing has to be fetched.
    #[error("'{name}' is compiled into the program; there is nothing to fetch")]
    BuiltIn {
        /// Name of the model.
        name: String,
    },
    /// Going online is switched off.
    #[error("HF_HUB_OFFLINE is set, so '{name}' cannot be fetched; unset it, or copy the folder from a machine that has it into {}", folder.display())]
    Offline {
        /// Name of the model.
        name: String,
        /// Where the files would have gone.
        folder: PathBuf,
    },
    /// The server answered with an error.
    #[error("{url} answered {status}{}", advice(*status))]
    Refused {
        /// Address asked.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// The server could not be reached or the connection broke.
    #[error(
        "{url}: {reason}. What arrived is kept: the same command goes on from there. Behind a proxy set HTTPS_PROXY, \
         and SSL_CERT_FILE if it brings a certificate of its own; for a mirror set HF_ENDPOINT"
    )]
    Network {
        /// Address asked.
        url: String,
        /// What the network layer says.
        reason: String,
    },
    /// The server offers another size than the manifest pins.
    #[error("{url} has {found} bytes, the manifest pins {expected}: not the published file; nothing was kept")]
    WrongSize {
        /// Address asked.
        url: String,
        /// Size in the manifest, in bytes.
        expected: u64,
        /// Size offered or received, in bytes.
        found: u64,
    },
    /// The bytes that arrived are not the published ones.
    #[error(
        "{url} sent bytes with SHA-256 {found}, the manifest pins {expected}; the download was removed. Check the mirror or proxy"
    )]
    WrongDownload {
        /// Address asked.
        url: String,
        /// SHA-256 of the manifest, hexadecimal.
        expected: String,
        /// SHA-256 of what arrived, hexadecimal.
        found: String,
    },
    /// Another process is fetching the same file.
    #[error("{} is being written by another fetch; wait for it or stop it", path.display())]
    Busy {
        /// The partial file.
        path: PathBuf,
    },
    /// The user cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl ModelError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Cancelled(error) => error.fault(),
            Self::Budget { .. } | Self::NotAccepted { .. } => Fault::Usage,
            _ => Fault::Model,
        }
    }

    /// Whether a model is missing or not to be trusted (as opposed to a failed download, a refused write or a
    /// cancelled run): the class with its own exit code.
    pub fn is_missing_or_wrong(&self) -> bool {
        matches!(
            self,
            Self::Missing { .. }
                | Self::Unknown { .. }
                | Self::Incomplete { .. }
                | Self::Unconverted { .. }
                | Self::NotAFolder { .. }
                | Self::WrongKind { .. }
                | Self::OtherFamily { .. }
                | Self::Outside { .. }
                | Self::WrongHash { .. }
                | Self::Truncated { .. }
                | Self::NotSafetensors { .. }
                | Self::TooLarge { .. }
                | Self::WrongSize { .. }
                | Self::WrongDownload { .. }
        )
    }
}

/// The command that brings a model.
fn command(name: &str) -> String {
    format!("linocut models fetch {name}")
}

fn searched_in(folders: &[PathBuf]) -> String {
    let mut text = String::from("\nSearched:");
    for folder in folders {
        let _ = write!(text, "\n  {}", folder.display());
    }
    if folders.is_empty() { "\nNo folder to search is set".to_owned() } else { text }
}

fn advice(status: u16) -> &'static str {
    match status {
        401 | 403 => ": the repository asks for a login; set HF_TOKEN",
        404 => ": no such file there; if HF_ENDPOINT is set, the mirror may lack this revision",
        429 => ": too many requests; wait a minute and run the command again",
        500..=599 => ": the server has trouble; run the command again later",
        _ => "",
    }
}
