//! What a node is: contexts, depths, clips and parameters.
//!
//! Input: a descriptor of the host. Output: its properties, set. Invariants: cheap, without files, models or threads;
//! describing twice says the same. Cost: some hundred host calls.

use super::overlay;
use super::params;
use super::process;
use super::props::{Props, lasting};
use super::suites::Suites;
use super::sys::*;
use crate::nodes::{Node, Role, font_stylize, prompts, shared};
use std::ffi::CStr;
use std::path::Path;

/// Describes `node` to the host.
pub(super) fn describe(node: &Node, effect: OfxImageEffectHandle, suites: Suites) -> OfxStatus {
    let Some(props) = effect_props(effect, suites) else { return kOfxStatErrBadHandle };
    for label in [kOfxPropLabel, kOfxPropShortLabel, kOfxPropLongLabel] {
        props.set_string(label, 0, node.label);
    }
    props.set_static(kOfxImageEffectPluginPropGrouping, 0, c"Linocut");
    props.set_string(kOfxPropPluginDescription, 0, node.help);
    for (index, extension) in (0..).zip(["svg", "png"]) {
        props.set_string(kOfxPropIcon, index, &format!("{}.{extension}", node.id));
    }
    let contexts = [kOfxImageEffectContextFilter, kOfxImageEffectContextGeneral, kOfxImageEffectContextGenerator];
    let supported = if node.draws_its_source() { contexts.len() } else { contexts.len() - 1 };
    for (index, context) in (0..).zip(contexts).take(supported) {
        props.set_static(kOfxImageEffectPropSupportedContexts, index, context);
    }
    let depths = [kOfxBitDepthByte, kOfxBitDepthShort, kOfxBitDepthHalf, kOfxBitDepthFloat];
    for (index, depth) in (0..).zip(depths) {
        props.set_static(kOfxImageEffectPropSupportedPixelDepths, index, depth);
    }
    for (flag, value) in [
        (kOfxImageEffectPluginPropSingleInstance, 0),
        (kOfxImageEffectPluginPropHostFrameThreading, 0),
        (kOfxImageEffectPropSupportsMultiResolution, 1),
        (kOfxImageEffectPropSupportsTiles, 0),
        // The frame of a reference may be another than the one that is rendered.
        (kOfxImageEffectPropTemporalClipAccess, node.takes_reference().into()),
        (kOfxImageEffectPluginPropFieldRenderTwiceAlways, 0),
        (kOfxImageEffectPropSupportsMultipleClipPARs, 0),
        (kOfxImageEffectPropSupportsMultipleClipDepths, 0),
        // Hosts then keep drafts and pictures apart.
        (kOfxImageEffectPropRenderQualityDraft, 1),
    ] {
        props.set_int(flag, 0, value);
    }
    props.set_static(kOfxImageEffectPluginRenderThreadSafety, 0, kOfxImageEffectRenderFullySafe);
    // Hosts of OpenFX 1.5 then name the colour space of each clip.
    props.set_static(kOfxImageEffectPropColourManagementStyle, 0, kOfxImageEffectColourManagementCore);
    if node.takes_prompts() {
        let decide = [&shared::PROMPT.param, &prompts::PROMPT_SCHEDULE.param, &prompts::TRANSITION.param];
        let word = node.draws_its_source().then_some(&font_stylize::TEXT.param);
        for (index, param) in (0..).zip(decide.into_iter().chain(word)) {
            props.set_string(kOfxImageEffectPropClipPreferencesSlaveParam, index, param.id);
        }
    }
    overlay::register(node, &props, suites);
    if let Some(bundle) = props.string(kOfxPluginPropFilePath, 0) {
        process::set_bundle(Path::new(&bundle));
    }
    kOfxStatOK
}

/// Describes the clips and parameters of `node` in the context that `arguments` name.
pub(super) fn describe_in_context(
    node: &Node,
    effect: OfxImageEffectHandle,
    arguments: &Props,
    suites: Suites,
) -> OfxStatus {
    let context = arguments.string(kOfxImageEffectPropContext, 0).unwrap_or_default();
    let colour = [kOfxImageComponentRGBA, kOfxImageComponentRGB];
    let general = context.as_bytes() == kOfxImageEffectContextGeneral.to_bytes();
    let generator = context.as_bytes() == kOfxImageEffectContextGenerator.to_bytes();
    for input in node.clips {
        // A generator has no source, and hosts give filters one input.
        let is_there = if input.role == Role::Source { !generator } else { general };
        let components: &[&'static CStr] = if input.is_mask { &[kOfxImageComponentAlpha] } else { &colour };
        let defined = is_there.then(|| clip(effect, lasting(input.name), components, suites)).flatten();
        let Some(props) = defined else { continue };
        if general && input.optional {
            props.set_int(kOfxImageClipPropOptional, 0, 1);
        }
        if input.is_mask {
            props.set_int(kOfxImageClipPropIsMask, 0, 1);
        }
        if input.role == Role::Reference {
            props.set_int(kOfxImageEffectPropTemporalClipAccess, 0, 1);
        }
    }
    clip(effect, kOfxImageEffectOutputClipName, &colour, suites);
    let set = super::param_set(effect, suites);
    if set.is_null() {
        return kOfxStatErrBadHandle;
    }
    params::define(node, set, &Props::of_host(suites), suites);
    kOfxStatOK
}

fn clip(
    effect: OfxImageEffectHandle,
    name: &'static CStr,
    components: &[&'static CStr],
    suites: Suites,
) -> Option<Props> {
    let mut handle = std::ptr::null_mut();
    let define = suites.effect.clipDefine?;
    // SAFETY: a host function with the live descriptor and a text that is never freed.
    if unsafe { define(effect, name.as_ptr(), &raw mut handle) } != kOfxStatOK {
        return None;
    }
    let props = Props::new(handle, suites);
    for (index, component) in (0..).zip(components) {
        props.set_static(kOfxImageEffectPropSupportedComponents, index, component);
    }
    for flag in [kOfxImageEffectPropTemporalClipAccess, kOfxImageEffectPropSupportsTiles] {
        props.set_int(flag, 0, 0);
    }
    Some(props)
}

/// Properties of a descriptor or an instance.
pub(super) fn effect_props(effect: OfxImageEffectHandle, suites: Suites) -> Option<Props> {
    let mut handle = std::ptr::null_mut();
    let get = suites.effect.getPropertySet?;
    // SAFETY: a host function with a live descriptor or instance.
    let status = unsafe { get(effect, &raw mut handle) };
    (status == kOfxStatOK && !handle.is_null()).then(|| Props::new(handle, suites))
}
