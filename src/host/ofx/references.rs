//! The picture that a node with a reference follows: an input of the host at some frame, or a file.
//!
//! Input: the instance's clips and parameters. Output: a display-referred picture, or none. Invariants: what is connected goes before a
//! file; a file is read again only when it changed. Determinism: as the decoders. Cost: a decoding for a file that is not at hand.

use super::clips::HostImage;
use super::reader::Reader;
use crate::image::file::{self, FileError};
use crate::image::{ColorSpace, Image};
use crate::nodes::param::Values;
use crate::nodes::{Node, hosted};
use crate::session::material;
use parking_lot::Mutex;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// A picture of another input.
pub(super) enum Other {
    /// Pixels of the host, and what their numbers mean.
    Clip(HostImage, ColorSpace),
    /// A file.
    File(PathBuf),
}

/// The file that was read last: every render of a shot asks for the same one.
static LAST: Mutex<Option<Read>> = Mutex::new(None);

struct Read {
    path: PathBuf,
    changed: Option<SystemTime>,
    length: u64,
    picture: Arc<Image>,
}

/// The frame of the reference that counts at the reader's time.
pub(super) fn frame(node: &Node, reader: &Reader) -> f64 {
    let fixed = reader.values([&hosted::REFERENCE_FRAME.param], &super::clips::Frame::EMPTY);
    let fixed = fixed.ok().filter(|_| node.takes_reference()).and_then(|values| values.get(&hosted::REFERENCE_FRAME));
    fixed.map_or(reader.time, |frame| frame as f64)
}

/// The file that stands in for what is not connected.
pub(super) fn file_of(node: &Node, values: &Values) -> Option<Other> {
    let path = if node.takes_reference() { values.get(&hosted::REFERENCE_FILE).trim() } else { "" };
    (!path.is_empty()).then(|| Other::File(path.into()))
}

/// The picture in the file `path`, display-referred.
///
/// # Errors
/// [`FileError`] with the file.
pub(super) fn read(path: &Path) -> Result<Arc<Image>, FileError> {
    let about = std::fs::metadata(path).ok();
    let (changed, length) =
        (about.as_ref().and_then(|about| about.modified().ok()), about.map_or(0, |about| about.len()));
    let mut last = LAST.lock();
    let is_same = |read: &&Read| read.path == path && (read.changed, read.length) == (changed, length);
    if let Some(read) = last.as_ref().filter(is_same) {
        return Ok(Arc::clone(&read.picture));
    }
    let picture = Arc::new(material::as_shown(file::read(path)?));
    *last = Some(Read { path: path.to_owned(), changed, length, picture: Arc::clone(&picture) });
    Ok(picture)
}
