//! Buttons of a node: what happens at once, not at the next render.
//!
//! Input: the name of the button and an instance. Output: files. Invariants: an SVG is whole or absent; it is that of the
//! scene which a render at the same time shows. Cost: as a render of the frame, or none from the cache.

use super::props::Props;
use super::session;
use super::suites::Suites;
use super::sys::*;
use super::task::{self, Task, TaskError};
use crate::nodes::{Node, hosted};
use crate::scene::svg_out::svg_from_scene;
use crate::whole_file;
use std::io::Write as _;
use std::path::Path;

/// Does what a changed parameter asks for, where it is a button that a person pressed; whether it was one.
///
/// # Errors
/// [`TaskError`] of what failed.
pub(super) fn pressed(
    node: &Node,
    effect: OfxImageEffectHandle,
    arguments: &Props,
    suites: Suites,
) -> Result<bool, TaskError> {
    let by_hand = arguments.string(kOfxPropChangeReason, 0).is_none_or(|reason| reason.as_bytes() == USER_EDITED);
    match arguments.string(kOfxPropName, 0) {
        Some(name) if by_hand && name == hosted::EXPORT_SVG.id => {
            export(node, &Task::new(node, effect, arguments, suites)).map(|()| true)
        }
        Some(name) if by_hand && name == hosted::PURGE_CACHE.id => {
            session::cache().purge()?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

const USER_EDITED: &[u8] = kOfxChangeUserEdited.to_bytes();

fn export(node: &Node, task: &Task<'_>) -> Result<(), TaskError> {
    let inputs = task.inputs()?;
    let path = framed(inputs.finish.text(hosted::SVG_FILE.id).trim(), task.time());
    let failed = |reason: String| TaskError::Write { path: path.clone(), reason };
    if path.is_empty() {
        return Err(failed("no file is named".to_owned()));
    }
    let target = Path::new(&path);
    // Before the work: an unwritable folder is found out at once.
    let mut file = whole_file::beside(target).map_err(|error| failed(error.to_string()))?;
    let ctx = session::ctx()?;
    let picture = inputs.picture(&ctx)?;
    let work = task.wait(&ctx, || task::work(node, false, &picture, &inputs.wanted, &ctx))?;
    let svg = svg_from_scene(&work.done.finished.edited.scene, &work.job.metadata());
    file.write_all(svg.as_bytes()).map_err(|error| failed(error.to_string()))?;
    file.persist(target).map_err(|error| failed(error.error.to_string()))?;
    Ok(())
}

/// `path` with every run of `#` replaced by the frame's number in as many digits.
fn framed(path: &str, time: f64) -> String {
    let frame = time.round();
    let mut out = String::with_capacity(path.len());
    let mut letters = path.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '#' {
            out.push(letter);
            continue;
        }
        let mut digits = 1;
        while letters.next_if_eq(&'#').is_some() {
            digits += 1;
        }
        out += &format!("{frame:0digits$}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::framed;

    #[test]
    fn every_run_of_hashes_becomes_the_frame() {
        assert_eq!(framed("shot.####.svg", 42.0), "shot.0042.svg");
        assert_eq!(framed("a#/b##.svg", 7.0), "a7/b07.svg");
        assert_eq!(framed("plain.svg", 7.0), "plain.svg");
    }
}
