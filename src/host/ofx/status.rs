//! What a node did last, in words an artist reads: quality, shapes, loss, cache, colour, encoder.
//!
//! Input: a finished frame. Output: read-only texts of the node. Invariants: a render may not write parameters, so it
//! leaves its words here by instance and the next change of the instance shows them. Cost: a line an instance.

use super::clips::HostImage;
use super::params::Reader;
use super::sys::OfxImageEffectHandle;
use super::task::Work;
use crate::image::{Alpha, ColorSpace};
use crate::models::Choice;
use crate::nodes::hosted;
use crate::schedule::Prompt;
use parking_lot::Mutex;
use std::collections::BTreeMap;

static LAST: Mutex<BTreeMap<usize, String>> = Mutex::new(BTreeMap::new());

/// Leaves the words for `work`, which `source` was read for at `time`.
pub(super) fn remember(
    effect: OfxImageEffectHandle,
    work: &Work,
    time: f64,
    source: Option<&HostImage>,
    space: ColorSpace,
) {
    LAST.lock().insert(effect as usize, words(work, time, source.and_then(|source| source.alpha), space));
}

/// Forgets an instance.
pub(super) fn forget(effect: OfxImageEffectHandle) {
    LAST.lock().remove(&(effect as usize));
}

/// Shows the words that were left for `effect`, and the prompt that counts now.
pub(super) fn show(effect: OfxImageEffectHandle, reader: &Reader, prompt: Option<&Prompt>) {
    let prompt = prompt.map(ToString::to_string);
    let words = LAST.lock().get(&(effect as usize)).cloned();
    for (param, text) in [(&hosted::STATUS, words.as_deref()), (&hosted::EFFECTIVE_PROMPT, prompt.as_deref())] {
        // What is written anew counts as a change of the project, and this runs at every move of a slider.
        if let Some(text) = text.filter(|text| reader.text(param.id).as_deref() != Some(text)) {
            reader.write_text(param.id, text);
        }
    }
}

fn words(work: &Work, time: f64, alpha: Option<Alpha>, space: ColorSpace) -> String {
    let mut parts = vec![format!("frame {time}")];
    let edited = work.made.edited();
    parts.extend(edited.as_ref().map(|edited| format!("{} shapes", edited.scene.paths.len())));
    if let (Some(edit), Some(edited)) = (work.prepared.plan.edit(), &edited) {
        parts.push(format!("{:?} quality", edit.quality).to_lowercase());
        parts.push(format!("{} steps", edited.iterations));
        parts.push(format!("loss {:.3} to {:.3}", edited.loss_first, edited.loss_last));
        parts.extend(edited.judging.map(|judging| judging.words().to_owned()));
        if edited.is_unclear() {
            parts.push("the encoder hardly tells this prompt from any photo: little was changed".to_owned());
        }
        let hash = work.prepared.encoder.as_ref().map_or("", Choice::hash);
        parts.push(format!("encoder {}", hash.get(..8).unwrap_or_default()));
    }
    parts.push(if work.made.was_found { "from the cache" } else { "made now" }.to_owned());
    let space = match space {
        ColorSpace::Linear => "linear light",
        ColorSpace::Srgb => "sRGB",
    };
    let alpha = match alpha {
        None => "opaque",
        Some(Alpha::Straight) => "straight alpha",
        Some(Alpha::Premultiplied) => "premultiplied",
    };
    parts.push(format!("read as {space}, {alpha}"));
    parts.join(", ")
}
