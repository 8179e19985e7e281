//! What a node did last, in words an artist reads.
//!
//! Input: a finished frame. Output: read-only texts of the node, the words that matter first: hosts show one line each. Invariants: a
//! render may not write parameters, so it leaves its words here by instance; a change of the instance, an opened panel and a pen
//! in the viewer show them. Cost: a few lines an instance.

use super::clips::HostImage;
use super::guard::Alone;
use super::inputs::{Shown, Work};
use super::process;
use super::quirks::Quirks;
use super::reader::Reader;
use super::suites::suites;
use super::sys::OfxImageEffectHandle;
use crate::image::{Alpha, ColorSpace, Image};
use crate::models::Choice;
use crate::nodes::{hosted, prompts, shared};
use crate::plan::Artifact;
use crate::schedule::Prompt;
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// One text for each of [`hosted::STATUSES`].
type Words = [String; hosted::STATUSES.len()];

static LAST: Mutex<BTreeMap<usize, Words>> = Mutex::new(BTreeMap::new());

/// Leaves the words for `work`, which `source` was read for at `time`.
pub(super) fn remember(
    effect: OfxImageEffectHandle,
    work: &Work,
    time: f64,
    source: Option<&HostImage>,
    space: ColorSpace,
) {
    let words = [shown(work, time), edit(work), encoder(work), read_as(source.and_then(|source| source.alpha), space)];
    LAST.lock().insert(effect.addr(), words);
}

/// Leaves `reason` why the source is shown as it is.
pub(super) fn remember_source(effect: OfxImageEffectHandle, reason: &str) {
    let mut words = hosted::STATUSES.map(|read_out| read_out.default.to_owned());
    if let Some(first) = words.first_mut() {
        *first = format!("source: {reason}");
    }
    LAST.lock().insert(effect.addr(), words);
}

/// Forgets an instance.
pub(super) fn forget(effect: OfxImageEffectHandle) {
    LAST.lock().remove(&effect.addr());
}

/// [`show`], where this thread is not at work: then its own end does.
pub(super) fn show_between(effect: OfxImageEffectHandle, reader: &Reader) {
    if let Some(_alone) = Alone::take() {
        show(effect, reader);
    }
}

/// Shows the words that were left for `effect`, and the prompt that counts at the reader's time. Never inside a render.
pub(super) fn show(effect: OfxImageEffectHandle, reader: &Reader) {
    let words = LAST.lock().get(&effect.addr()).cloned();
    let words = hosted::STATUSES.into_iter().zip(words.into_iter().flatten());
    let prompt = effective_prompt(reader).map(|prompt| (&hosted::EFFECTIVE_PROMPT, prompt.to_string()));
    let quirks = suites().map(Quirks::of_host).unwrap_or_default();
    for (read_out, text) in words.chain(prompt) {
        let text = quirks.words(read_out.label, &text);
        // What is written anew counts as a change of the project, and this runs at every move of a slider.
        if reader.text(read_out.id).is_some_and(|before| before != text) {
            reader.write_text(read_out.id, &text);
        }
    }
}

/// The prompt of the whole picture; none of nodes without one. A schedule that does not parse shows its message at the render, where
/// an artist looks.
fn effective_prompt(reader: &Reader) -> Option<Prompt> {
    reader.handle(hosted::EFFECTIVE_PROMPT.id)?;
    prompts::at(&reader.prompt_values().ok()?, reader.keys(shared::PROMPT.id), reader.time).ok()
}

fn shown(work: &Work, time: f64) -> String {
    let quality = work.asked.map(|quality| format!("{quality:?}").to_lowercase());
    let what = match (quality, work.shown) {
        (None, _) => "shapes".to_owned(),
        (Some(quality), Shown::AsAsked) => format!("{quality} edit"),
        (Some(quality), Shown::Draft) => format!("DRAFT, not the {quality} edit"),
        (Some(quality), Shown::Whole) => format!("{quality} edit of the whole frame"),
        (Some(quality), Shown::Proxy) => format!("APPROXIMATE: {quality} edit of a proxy"),
    };
    let came = match work.made.was_found {
        true => "from the cache",
        false if process::cache().folder().is_none() => "made now and NOT KEPT: no cache folder can be used",
        false => "made now",
    };
    format!("{what}, {came}, frame {time}")
}

fn edit(work: &Work) -> String {
    if let Artifact::Picture(Image { width, height, .. }) = &work.made.artifact {
        return format!("painted at {width} x {height} pixels");
    }
    let Some(edited) = work.made.edited() else { return hosted::STATUS_EDIT.default.to_owned() };
    let shapes = format!("{} shapes", edited.scene.paths.len());
    if work.prepared.plan.edit().is_none() {
        return shapes;
    }
    if edited.is_unclear() {
        return format!("little was changed: the encoder hardly tells this prompt from any photo; {shapes}");
    }
    format!("{shapes}, {} steps, loss {:.3} to {:.3}", edited.iterations, edited.loss_first, edited.loss_last)
}

fn encoder(work: &Work) -> String {
    if let Some(model) = &work.prepared.diffusion {
        return format!("{} {}", model.name(), model.hash().get(..8).unwrap_or(model.hash()));
    }
    let Some(encoder) = &work.prepared.encoder else { return hosted::STATUS_ENCODER.default.to_owned() };
    let hash = Choice::hash(encoder);
    let looked = work.made.edited().and_then(|edited| edited.judging).map(|judging| format!(", {}", judging.words()));
    format!("{}{}", hash.get(..8).unwrap_or(hash), looked.unwrap_or_default())
}

fn read_as(alpha: Option<Alpha>, space: ColorSpace) -> String {
    let space = match space {
        ColorSpace::Linear => "linear light",
        ColorSpace::Srgb => "sRGB",
    };
    let alpha = match alpha {
        None => "opaque",
        Some(Alpha::Straight) => "straight alpha",
        Some(Alpha::Premultiplied) => "premultiplied",
    };
    format!("{space}, {alpha}")
}
