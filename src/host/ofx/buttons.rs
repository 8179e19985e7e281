//! What happens at once when a parameter changes: buttons, presets, read-outs.
//!
//! Input: the name of the parameter and an instance. Output: files, finished scenes in the cache, other parameters.
//! Invariants: an SVG is whole or absent; it is that of the scene which a render at the same time shows; what a stopped
//! range has finished stays. Changes that the plug-in itself makes are passed over. Cost: as a render of each frame, or
//! next to none where it comes from the cache.

use super::clips::Frame;
use super::describe;
use super::process;
use super::progress::{Bar, Meter};
use super::props::Props;
use super::status;
use super::suites::Suites;
use super::sys::*;
use super::task::{Task, TaskError};
use crate::ctx::Cancelled;
use crate::fault::Fault;
use crate::finish::lut::cube_from_edit;
use crate::finish::scene_at;
use crate::nodes::{Node, hosted, recolor, shared};
use crate::raster::Size;
use crate::scene::palette_out::gpl_from_scenes;
use crate::scene::svg_out::svg_from_scene;
use crate::whole_file;
use std::path::Path;
use std::sync::Arc;

/// What is done with every frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    /// The finished scene goes into the cache.
    Bake,
    /// The shapes go into a file too.
    Export,
    /// The look goes into a file too.
    ExportLut,
}

/// Does what a changed parameter or time asks for; whether it was anything.
///
/// # Errors
/// [`TaskError`] of what failed.
pub(super) fn changed(
    node: &Node,
    effect: OfxImageEffectHandle,
    arguments: &Props,
    suites: Suites,
) -> Result<bool, TaskError> {
    let reason = arguments.string(kOfxPropChangeReason, 0);
    let is = |known: &std::ffi::CStr| reason.as_ref().is_some_and(|reason| reason.as_bytes() == known.to_bytes());
    if is(kOfxChangePluginEdited) {
        return Ok(false);
    }
    let task = Task::new(node, effect, arguments, suites);
    let by_hand = reason.is_none() || is(kOfxChangeUserEdited);
    let name = arguments.string(kOfxPropName, 0).filter(|_| by_hand).unwrap_or_default();
    let acted = act(node, &task, &name, suites);
    // A schedule that does not parse shows its message at the render, where an artist looks.
    let prompt = node.edits.then(|| task.effective_prompt().ok()).flatten();
    status::show(effect, &task.reader(), prompt.as_ref());
    match acted {
        // The artist stopped it.
        Err(error) if error.fault() == Fault::Cancelled => Ok(true),
        acted => acted,
    }
}

fn act(node: &Node, task: &Task<'_>, name: &str, suites: Suites) -> Result<bool, TaskError> {
    let now = || Ok(vec![task.time()]);
    let (work, frames) = match name {
        name if name == hosted::BAKE_FRAME.id => (Work::Bake, now()),
        name if name == hosted::BAKE_RANGE.id => (Work::Bake, range(task)),
        name if name == hosted::EXPORT_SVG.id => (Work::Export, now()),
        name if name == hosted::EXPORT_RANGE.id => (Work::Export, range(task)),
        name if name == hosted::EXPORT_LUT.id => (Work::ExportLut, now()),
        name if name == hosted::PURGE_CACHE.id => {
            process::cache().purge()?;
            return Ok(true);
        }
        name if name == hosted::PROMPT_PRESET.id => {
            let chosen = task.reader().values([&hosted::PROMPT_PRESET.param], &Frame::EMPTY)?;
            let prompt = hosted::preset_prompt(chosen.get(&hosted::PROMPT_PRESET));
            if let Some(prompt) = prompt {
                task.reader().write_text(shared::PROMPT.id, prompt);
            }
            return Ok(prompt.is_some());
        }
        _ => return Ok(false),
    };
    each_frame(node, task, work, &frames?, suites).map(|()| true)
}

/// The frames from the first to the last that the artist named.
fn range(task: &Task<'_>) -> Result<Vec<f64>, TaskError> {
    let typed = task.reader().values([&hosted::FIRST_FRAME.param, &hosted::LAST_FRAME.param], &Frame::EMPTY)?;
    let [first, last] = [hosted::FIRST_FRAME, hosted::LAST_FRAME].map(|param| typed.get(&param));
    if last < first {
        return Err(TaskError::Range { first, last });
    }
    Ok((first..=last).map(|frame| frame as f64).collect())
}

fn each_frame(node: &Node, task: &Task<'_>, work: Work, frames: &[f64], suites: Suites) -> Result<(), TaskError> {
    let templates = templates(task, work, frames.len())?;
    let label = match work {
        Work::Bake => "Linocut bakes",
        Work::Export => "Linocut exports shapes",
        Work::ExportLut => "Linocut exports the look",
    };
    let mut bar = Bar::open(task.effect(), label, frames.len(), suites);
    for &frame in frames {
        match one_frame(node, &task.at(frame), &templates, &bar, suites) {
            Err(error) if error.fault() == Fault::Cancelled => return Err(Cancelled.into()),
            Err(error) if frames.len() > 1 => return Err(TaskError::Frame { frame, error: Box::new(error) }),
            done => done?,
        }
        bar.advance();
    }
    Ok(())
}

/// What a file holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Svg,
    Palette,
    Lut,
}

/// The files that an export writes, as the artist typed them.
fn templates(task: &Task<'_>, work: Work, frames: usize) -> Result<Vec<(Content, String)>, TaskError> {
    let typed = |id: &str| task.reader().text(id).unwrap_or_default().trim().to_owned();
    let files = match work {
        Work::Bake => return Ok(Vec::new()),
        Work::ExportLut => vec![(Content::Lut, typed(shared::LUT.id))],
        Work::Export => {
            vec![(Content::Svg, typed(hosted::SVG_FILE.id)), (Content::Palette, typed(recolor::PALETTE_FILE.id))]
        }
    };
    let files = files.into_iter().filter(|(_, path)| !path.is_empty()).collect::<Vec<_>>();
    let failed = |path: &str, reason: &str| TaskError::Write { path: path.to_owned(), reason: reason.to_owned() };
    match files.iter().find(|(_, path)| frames > 1 && !path.contains('#')) {
        _ if files.is_empty() => Err(failed("", "no file is named")),
        Some((_, path)) => Err(failed(path, "a range needs a run of # in the name")),
        None => Ok(files),
    }
}

fn one_frame(
    node: &Node,
    task: &Task<'_>,
    templates: &[(Content, String)],
    bar: &Bar,
    suites: Suites,
) -> Result<(), TaskError> {
    let inputs = task.inputs()?;
    let failed = |path: &str, reason: String| TaskError::Write { path: path.to_owned(), reason };
    // Before the work: an unwritable folder is found out at once.
    let open = |(content, template): &(Content, String)| {
        let path = framed(template, task.time());
        let file = whole_file::beside(Path::new(&path)).map_err(|error| failed(&path, error.to_string()))?;
        Ok::<_, TaskError>((*content, path, file))
    };
    let files = templates.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let meter = Arc::new(Meter::default());
    let ctx = inputs.ctx(Arc::clone(&meter) as _)?;
    let material = inputs.material(project_size(task, suites), &ctx)?;
    let others = inputs.others(&ctx)?;
    let is_stopped = || bar.is_stopped(&meter);
    let work = task.wait(&ctx, is_stopped, || inputs.work(node, false, &material, &others, &ctx))?;
    status::remember(task.effect(), &work, task.time(), inputs.source.as_ref(), inputs.space);
    let edited = work.made.edited().ok_or(TaskError::NoShapes)?;
    let (metadata, strength) = (work.prepared.plan.metadata(), (node.finish)(&inputs.values).strength);
    let scene = scene_at(&edited, strength);
    for (content, path, file) in files {
        let text = match content {
            Content::Svg => svg_from_scene(&scene, &metadata),
            Content::Palette => gpl_from_scenes(&edited.initial, &scene, &metadata.title),
            Content::Lut => cube_from_edit(&edited, &metadata.title, strength).ok_or(TaskError::NoGrade)?,
        };
        let done = whole_file::finish(file, Path::new(&path), text.as_bytes());
        done.map_err(|error| failed(&path, error.to_string()))?;
    }
    Ok(())
}

/// The size of the project in pixels: what a word fills where there is no picture.
fn project_size(task: &Task<'_>, suites: Suites) -> Size {
    let props = describe::effect_props(task.effect(), suites);
    let side = |axis| props.and_then(|props| props.double(kOfxImageEffectPropProjectSize, axis));
    let side = |axis, usual: f64| side(axis).filter(|side| (1.0..=32_768.0).contains(side)).unwrap_or(usual).round();
    Size { width_px: side(0, 1920.0) as usize, height_px: side(1, 1080.0) as usize }
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
