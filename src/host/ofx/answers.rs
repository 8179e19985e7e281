//! What the host asks before it renders: which part of a clip is needed, and whether there is anything to do.
//!
//! Input: an instance and the action's arguments. Output: the action's answers. Invariants: an edit needs the whole
//! picture, whatever window is rendered; endless pictures are cut to the project. Cost: a few host calls.

use super::props::{Props, lasting};
use super::quirks::Quirks;
use super::reader::Reader;
use super::suites::Suites;
use super::sys::*;
use super::{clips, describe, references};
use crate::nodes::{Clip, Node, Role, prompts, shared};

/// Beyond this a region of definition is endless: hosts use the largest number they have.
const ENDLESS_PX: f64 = 1e8;

/// Asks for all of every input at the action's time: a clip may grow and move from frame to frame.
pub(super) fn regions_of_interest(
    node: &Node,
    effect: OfxImageEffectHandle,
    arguments: &Props,
    answers: &Props,
    suites: Suites,
) -> OfxStatus {
    let time = arguments.time();
    let reference = references::frame(node, &Reader::new(effect, time, suites));
    for Clip { name, role, .. } in node.clips {
        let time = if *role == Role::Reference { reference } else { time };
        let Some(region) = whole(effect, name, time, suites) else { continue };
        let property = format!("OfxImageClipPropRoI_{name}");
        answers.set_rect(lasting(&property), &region);
    }
    kOfxStatOK
}

/// Says which frame of the reference is needed; of every other input that of the action.
pub(super) fn frames_needed(
    node: &Node,
    effect: OfxImageEffectHandle,
    arguments: &Props,
    answers: &Props,
    suites: Suites,
) -> OfxStatus {
    let reference = node.clips.iter().find(|clip| clip.role == Role::Reference);
    let Some(reference) = reference else { return kOfxStatReplyDefault };
    let frame = references::frame(node, &Reader::new(effect, arguments.time(), suites));
    let property = format!("OfxImageClipPropFrameRange_{}", reference.name);
    for index in 0..2 {
        answers.set_double(lasting(&property), index, frame);
    }
    kOfxStatOK
}

/// The region of definition of a connected clip at `time`, in canonical coordinates.
pub(super) fn whole(effect: OfxImageEffectHandle, name: &str, time: OfxTime, suites: Suites) -> Option<OfxRectD> {
    let clip = clips::named(effect, name, suites)?;
    let mut region = OfxRectD { x1: 0.0, y1: 0.0, x2: 0.0, y2: 0.0 };
    let get = suites.effect.clipGetRegionOfDefinition?;
    // SAFETY: a host function with a live clip and a place for the region.
    if unsafe { get(clip, time, &raw mut region) } != kOfxStatOK {
        return None;
    }
    let project = describe::effect_props(effect, suites);
    let extent = |axis| project.and_then(|props| props.double(kOfxImageEffectPropProjectExtent, axis));
    if region.x1 < -ENDLESS_PX || region.x2 > ENDLESS_PX {
        (region.x1, region.x2) = (0.0, extent(0)?);
    }
    if region.y1 < -ENDLESS_PX || region.y2 > ENDLESS_PX {
        (region.y1, region.y2) = (0.0, extent(1)?);
    }
    Some(region)
}

/// Says nothing, so that the host takes that of the source. A host that then renders the full frame and shrinks it is refused the
/// region of a proxy: a proxy of the picture would be edited otherwise.
pub(super) fn region_of_definition(arguments: &Props, suites: Suites) -> OfxStatus {
    let is_proxy = arguments.render_scale() != [1.0; 2];
    if is_proxy && Quirks::of_host(suites).shrinks_full_renders { kOfxStatFailed } else { kOfxStatReplyDefault }
}

/// Says whether frames differ though their source and every parameter is the same: hosts else draw a still but once.
pub(super) fn clip_preferences(
    node: &Node,
    effect: OfxImageEffectHandle,
    answers: &Props,
    suites: Suites,
) -> OfxStatus {
    if !node.takes_prompts() {
        return kOfxStatReplyDefault;
    }
    let reader = Reader::new(effect, 0.0, suites);
    let varies = reader.prompt_values().is_ok_and(|values| prompts::varies(&values, reader.keys(shared::PROMPT.id)));
    answers.set_int(kOfxImageEffectFrameVarying, 0, varies.into());
    if reader.has_word(node) {
        // Letters lie on nothing.
        answers.set_static(kOfxImageEffectPropPreMultiplication, 0, kOfxImagePreMultiplied);
        answers.set_static(c"OfxImageClipPropComponents_Output", 0, kOfxImageComponentRGBA);
    }
    kOfxStatOK
}

/// With a mix of 0 the node is its source.
pub(super) fn is_identity(
    effect: OfxImageEffectHandle,
    arguments: &Props,
    answers: &Props,
    suites: Suites,
) -> OfxStatus {
    let time = arguments.time();
    let reader = Reader::new(effect, time, suites);
    if reader.number(shared::MIX.id) != Some(0.0) {
        return kOfxStatReplyDefault;
    }
    answers.set_static(kOfxPropName, 0, kOfxImageEffectSimpleSourceClipName);
    answers.set_double(kOfxPropTime, 0, time);
    kOfxStatOK
}
