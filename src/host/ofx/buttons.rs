//! What happens at once when a parameter changes: buttons, presets, read-outs.
//!
//! Input: the name of the parameter and an instance. Output: files, finished scenes in the cache, other parameters.
//! Invariants: an SVG is whole or absent; it is that of the scene which a render at the same time shows; what a stopped
//! range has finished stays. Changes that the plug-in itself makes are passed over. Cost: as a render of each frame, or
//! next to none where it comes from the cache.

use super::answers;
use super::clips::Frame;
use super::describe;
use super::error::TaskError;
use super::guard::{self, Alone};
use super::handles::Rectangle;
use super::inputs::Effort;
use super::process;
use super::progress::{Bar, Meter};
use super::props::Props;
use super::reader::Reader;
use super::status;
use super::suites::Suites;
use super::sys::*;
use super::task::Task;
use crate::ctx::Cancelled;
use crate::fault::Fault;
use crate::finish::lut::cube_from_edit;
use crate::finish::scene_shown;
use crate::nodes::{Node, hosted, recolor, shared};
use crate::raster::Size;
use crate::scene::palette_out::gpl_from_scenes;
use crate::scene::svg_out::svg_from_scene;
use crate::whole_file;
use std::path::Path;
use std::sync::Arc;

/// How far a copied region lies beside its original, as a part of the picture's short side, so that captions stand apart: 54 pixels of 1080.
const COPY_OF_SIDE: f64 = 0.05;
/// The same in canonical pixels, where there is no picture.
const COPY_PX: f64 = 16.0;

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
    let Some(_alone) = Alone::take() else {
        let is_button = hosted::buttons(node).any(|button| button.id == name);
        return if is_button { Err(TaskError::Busy) } else { Ok(false) };
    };
    let acted = act(node, &task, &name, suites);
    status::show(effect, &task.reader());
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
        name if name == hosted::BAKE_RANGE.id => (Work::Bake, range(task, suites)),
        name if name == hosted::EXPORT_SVG.id => (Work::Export, now()),
        name if name == hosted::EXPORT_RANGE.id => (Work::Export, range(task, suites)),
        name if name == hosted::EXPORT_LUT.id => (Work::ExportLut, now()),
        name if name == hosted::PURGE_CACHE.id => {
            process::cache().purge()?;
            return Ok(true);
        }
        name if name == hosted::PROMPT_PRESET.id => return insert_preset(task, suites),
        _ => {
            if let Some(from) = hosted::region_copied_by(name) {
                return copy_region(task, &from, suites).map(|()| true);
            }
            task.reader().take_over(name);
            return Ok(fit_rectangle(task, name, suites));
        }
    };
    each_frame(node, task, work, &frames?, suites)?;
    if work == Work::Bake {
        // Whatever the host drew of this node before, it asks again and is given what was baked.
        let reader = task.reader();
        let baked = reader.integer(hosted::BAKED).unwrap_or(0);
        reader.write_integer(hosted::BAKED, if baked == i32::MAX { 0 } else { baked + 1 });
    }
    Ok(true)
}

/// Writes the chosen sentence into the prompt: where one was typed or keyed, only after asking. One step to undo.
fn insert_preset(task: &Task<'_>, suites: Suites) -> Result<bool, TaskError> {
    let reader = task.reader();
    let chosen = reader.values([&hosted::PROMPT_PRESET.param, &shared::PROMPT.param], &Frame::EMPTY)?;
    let Some(preset) = hosted::preset_prompt(chosen.get(&hosted::PROMPT_PRESET)) else { return Ok(false) };
    let typed = chosen.get(&shared::PROMPT).trim();
    let is_taken = (!typed.is_empty() && typed != preset) || reader.key_count(shared::PROMPT.id) > 0;
    if is_taken && !guard::agrees(task.effect().cast(), &format!("Replace the prompt '{typed}' by '{preset}'?"), suites)
    {
        return Ok(true);
    }
    reader.in_one_step(c"Insert prompt", || reader.write_text(shared::PROMPT.id, preset));
    Ok(true)
}

/// Copies the region `from` to the first one that is off and asks for nothing, beside its original and earlier copies: under them
/// nobody would see it.
fn copy_region(task: &Task<'_>, from: &str, suites: Suites) -> Result<(), TaskError> {
    let reader = task.reader();
    let is_free = |id: &String| {
        let prompt = reader.text(&format!("{id}{}", hosted::REGION_PROMPT)).unwrap_or_default();
        !reader.is_on(id) && prompt.trim().is_empty()
    };
    let free = hosted::regions().find(is_free).ok_or(TaskError::NoRegion { most: hosted::MOST_REGIONS })?;
    let region = source_region(task, suites);
    reader.in_one_step(c"Copy region", || {
        if let Some(region) = &region {
            reader.fit_rect(from, region);
        }
        let place = reader.place(from).map(|place| beside(&reader, place, region.as_ref()));
        reader.copy_region(from, &free, place);
    });
    Ok(())
}

/// The place of a copy: off its original by a share of the picture, and further where another region lies there already.
fn beside(reader: &Reader, [corner, size]: [[f64; 2]; 2], region: Option<&OfxRectD>) -> [[f64; 2]; 2] {
    let endless = OfxRectD { x1: f64::MIN, y1: f64::MIN, x2: f64::MAX, y2: f64::MAX };
    let OfxRectD { x1, y1, x2, y2 } = *region.unwrap_or(&endless);
    let step = region.map_or(COPY_PX, |_| COPY_OF_SIDE * (x2 - x1).min(y2 - y1));
    let Some(original) = Rectangle::new(corner, size) else { return [corner, size] };
    let taken = hosted::regions().filter(|id| reader.is_on(id)).filter_map(|id| reader.place(&id)).collect::<Vec<_>>();
    let places = (1..=hosted::MOST_REGIONS).map(|times| original.beside(times as f64 * step, [x1, y1], [x2, y2]));
    let places = places.map(|place| [place.corner, place.size]).collect::<Vec<_>>();
    let free = places.iter().find(|place| !taken.contains(place)).or(places.first());
    free.copied().unwrap_or([corner, size])
}

/// The region of the source in canonical pixels.
fn source_region(task: &Task<'_>, suites: Suites) -> Option<OfxRectD> {
    let source = kOfxImageEffectSimpleSourceClipName.to_str().unwrap_or_default();
    answers::whole(task.effect(), source, task.time(), suites)
}

/// Puts a rectangle that was switched on and that nobody has moved yet over the middle of the source; whether it did.
fn fit_rectangle(task: &Task<'_>, name: &str, suites: Suites) -> bool {
    let Some(id) = hosted::rectangle_switched_by(name) else { return false };
    let reader = task.reader();
    match source_region(task, suites) {
        Some(region) if reader.integer(name).is_some_and(|on| on != 0) => {
            reader.in_one_step(c"Place rectangle", || reader.fit_rect(&id, &region))
        }
        _ => false,
    }
}

/// The frames from the first to the last of the project, or those that the artist named.
fn range(task: &Task<'_>, suites: Suites) -> Result<Vec<f64>, TaskError> {
    let params = [&hosted::WHOLE_PROJECT.param, &hosted::FIRST_FRAME.param, &hosted::LAST_FRAME.param];
    let typed = task.reader().values(params, &Frame::EMPTY)?;
    let project = typed.get(&hosted::WHOLE_PROJECT).then(|| project_range(task, suites)).flatten();
    let named = || [hosted::FIRST_FRAME, hosted::LAST_FRAME].map(|param| typed.get(&param));
    let [first, last] = project.unwrap_or_else(named);
    if last < first {
        return Err(TaskError::Range { first, last });
    }
    Ok((first..=last).map(|frame| frame as f64).collect())
}

/// The first and the last frame of the project, where the host tells.
fn project_range(task: &Task<'_>, suites: Suites) -> Option<[i64; 2]> {
    let (mut first, mut last) = (f64::NAN, f64::NAN);
    let bounds = suites.time_line?.getTimeBounds?;
    // SAFETY: a host function with the live instance and places for two times.
    let status = unsafe { bounds(task.effect().cast(), &raw mut first, &raw mut last) };
    let are_frames = [first, last].iter().all(|frame| frame.abs() <= MOST_FRAME);
    (status == kOfxStatOK && are_frames).then(|| [first.round() as i64, last.round() as i64])
}

/// Beyond this a host means that a project has no end.
const MOST_FRAME: f64 = 1e6;

fn each_frame(node: &Node, task: &Task<'_>, work: Work, frames: &[f64], suites: Suites) -> Result<(), TaskError> {
    check_files(task, work, frames)?;
    let label = match work {
        Work::Bake => "Linocut bakes",
        Work::Export => "Linocut exports shapes",
        Work::ExportLut => "Linocut exports the look",
    };
    let mut bar = Bar::open(task.effect(), label, frames.len(), suites);
    for &frame in frames {
        let task = task.at(frame);
        match one_frame(node, &task, &templates(&task, work), &bar, suites) {
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

/// The files that an export writes at the task's time: as the artist typed them, or with the number in them, where the host puts it
/// in itself (Natron).
fn templates(task: &Task<'_>, work: Work) -> Vec<(Content, String)> {
    let typed = |id: &str| task.reader().text(id).unwrap_or_default().trim().to_owned();
    let files = match work {
        Work::Bake => Vec::new(),
        Work::ExportLut => vec![(Content::Lut, typed(shared::LUT.id))],
        Work::Export => {
            vec![(Content::Svg, typed(hosted::SVG_FILE.id)), (Content::Palette, typed(recolor::PALETTE_FILE.id))]
        }
    };
    files.into_iter().filter(|(_, path)| !path.is_empty()).collect()
}

/// Refuses an export without a file, and a range whose frames share one.
fn check_files(task: &Task<'_>, work: Work, frames: &[f64]) -> Result<(), TaskError> {
    let (Some(&first), Some(&last), true) = (frames.first(), frames.last(), work != Work::Bake) else { return Ok(()) };
    let names = |frame: f64| {
        let named = templates(&task.at(frame), work).into_iter();
        named.map(|(_, path)| framed(&path, frame)).collect::<Vec<_>>()
    };
    let (first, last) = (names(first), names(last));
    let failed = |path: &str, reason: &str| TaskError::Write { path: path.to_owned(), reason: reason.to_owned() };
    match first.iter().zip(&last).find(|(first, last)| frames.len() > 1 && first == last) {
        _ if first.is_empty() => Err(failed("", "no file is named")),
        Some((path, _)) => Err(failed(path, "a range needs a run of # in the name")),
        None => Ok(()),
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
    let work = task.wait(&ctx, is_stopped, || inputs.work(node, Effort::Whole, &material, &others, &ctx))?;
    let work = work.ok_or(TaskError::Busy)?;
    status::remember(task.effect(), &work, task.time(), inputs.source.as_ref(), inputs.space);
    let edited = work.made.edited().ok_or(TaskError::NoShapes)?;
    let (metadata, finish) = (work.prepared.plan.metadata(), (node.finish)(&inputs.values));
    let scene = scene_shown(&edited, finish);
    for (content, path, file) in files {
        let text = match content {
            Content::Svg => svg_from_scene(&scene, &metadata),
            Content::Palette => gpl_from_scenes(&edited.initial, &scene, &metadata.title),
            Content::Lut => cube_from_edit(&edited, &metadata.title, finish.strength).ok_or(TaskError::NoGrade)?,
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
