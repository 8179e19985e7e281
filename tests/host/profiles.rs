//! What hosts do otherwise, each as a profile of the test host that drives every node through its life: created, edited, keyed,
//! rendered, saved, opened again. A thousand frames a profile, none of them wrong.

use super::buttons::STYLIZE;
use super::mini::{Host, Layout, Manners, Node, text};
use super::objects::{Effect, ParamValue, Picture, PropSet, Value};
use super::{FILTER, GENERAL, OUTPUT, SIZE, SOURCE, disc, quick, set, stored, transfer, value, whole};
use linocut::nodes::NODES;
use openfx::sys::generic::core::*;
use openfx::sys::image_effect_v1::image_effect::*;
use openfx::sys::image_effect_v1::param::*;
use std::ffi::CStr;

/// Frames of a profile; the nodes share them.
const FRAMES: usize = 1000;

/// A host's ways.
struct Profile {
    manners: Manners,
    context: &'static CStr,
    layout: Layout,
    premultiplication: &'static CStr,
    /// Whether every frame is a life of its own: described, created, rendered, destroyed.
    lives_a_frame: bool,
    /// Whether inputs that nobody connected are said to be connected.
    phantom_inputs: bool,
}

fn float(layout: Layout) -> Layout {
    Layout { depth: kOfxBitDepthFloat, ..layout }
}

impl Profile {
    /// Premultiplied scene-linear floats, keyed texts, a viewer.
    fn natron() -> Self {
        Self {
            manners: Manners { name: c"fr.inria.Natron", ..Manners::default() },
            context: GENERAL,
            layout: float(Layout { origin: (-3, 5), ..Layout::default() }),
            premultiplication: kOfxImagePreMultiplied,
            lives_a_frame: false,
            phantom_inputs: false,
        }
    }

    /// No keyed texts; inputs that are not there are said to be connected and are black.
    fn resolve() -> Self {
        Self {
            manners: Manners { name: c"DaVinciResolve", keys_texts: false, ..Manners::default() },
            layout: float(Layout::default()),
            phantom_inputs: true,
            ..Self::natron()
        }
    }

    /// Texts are read long after they were handed over.
    fn nuke() -> Self {
        Self {
            manners: Manners {
                name: c"uk.co.thefoundry.nuke",
                keys_texts: false,
                keeps_pointers: true,
                ..Manners::default()
            },
            layout: float(Layout { padding: 32, ..Layout::default() }),
            ..Self::natron()
        }
    }

    /// Bytes with their rows upside down, in a process without a viewer; a life a frame.
    fn melt() -> Self {
        Self {
            manners: Manners { name: c"MLT", keys_texts: false, viewer: false, background: true, ..Manners::default() },
            context: FILTER,
            layout: Layout { top_down: true, ..Layout::default() },
            premultiplication: kOfxImageUnPreMultiplied,
            lives_a_frame: true,
            ..Self::natron()
        }
    }
}

/// How much of the edit a frame shows: a key at every frame.
fn mix_at(frame: usize) -> f64 {
    (frame % 11) as f64 / 10.0
}

fn connect(profile: &Profile, instance: &Effect) -> Picture {
    let Profile { layout, premultiplication, .. } = *profile;
    let (width, height) = SIZE;
    let source = Picture { premultiplication, ..layout.picture(width, height, &stored(&layout, &disc())) };
    instance.connect(SOURCE, source);
    let empty = vec![0x11; width * height * layout.channels() * layout.channel_bytes()];
    let output = Picture { premultiplication, ..layout.picture(width, height, &empty) };
    instance.connect(OUTPUT, output.clone());
    for name in [c"Mask", c"Reference"] {
        if profile.phantom_inputs && instance.clip(name).is_some() {
            let alpha = Layout { components: kOfxImageComponentAlpha, ..layout };
            let black = vec![0; width * height * alpha.channel_bytes()];
            instance.connect(name, Picture { null: true, ..alpha.picture(width, height, &black) });
        }
    }
    output
}

fn numbers(profile: &Profile, node: &Node<'_>, instance: &Effect, frame: f64) -> Vec<f32> {
    let output = connect(profile, instance);
    assert_eq!(node.render(instance, frame, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
    let bytes = profile.layout.bytes(&output);
    bytes.chunks(profile.layout.channel_bytes()).map(|bytes| value(&profile.layout, bytes)).collect()
}

/// What every host may rely on, whatever its ways.
fn assert_well_described(instance: &Effect) {
    for (name, param) in instance.params() {
        let kind = param.kind.to_str().unwrap();
        assert!(!kind.contains("Integer2D") && !kind.contains("Integer3D"), "{name}: Resolve does not bear a {kind}");
        if kind == kOfxParamTypeChoice.to_str().unwrap() {
            assert!(!param.props.all(kOfxParamPropDefault).is_empty(), "{name} has no default of its own");
            assert_ne!(param.props.all(kOfxParamPropAnimates), [Value::Int(1)], "{name}: hosts blend keyed choices");
        }
    }
}

fn drive(profile: &Profile) {
    let host = Host::load(profile.manners.clone());
    let folder = crate::util::folder();
    let reference = folder.path().join("reference.png");
    super::save(&reference, &transfer::reference());
    let mut frames = 0;
    for described in NODES {
        let (node, mut instance) = host.instance(described.id, profile.context);
        assert_well_described(&instance);
        let begin = |instance: &Effect| {
            if described.takes_prompts() {
                quick(instance, "a green disc");
            } else if described.takes_reference() {
                transfer::quick(instance);
                set(instance, "referenceFile", text(reference.to_str().unwrap()));
            }
            let arguments = PropSet::default().with(kOfxPropTime, [Value::Double(0.0)]);
            node.act(kOfxActionBeginInstanceEdit, Some(instance), Some(&arguments), None);
            node.change(instance, kOfxTypeParameter, "prompt", kOfxChangeUserEdited, 0.0);
        };
        begin(&instance);
        let edited = numbers(profile, &node, &instance, 0.0);
        let before = stored(&profile.layout, &disc());
        let before = before.chunks(profile.layout.channel_bytes()).map(|bytes| value(&profile.layout, bytes));
        let before = before.collect::<Vec<_>>();
        assert!(described.id == STYLIZE || edited != before, "{} changes the picture", described.id);
        for frame in 0..FRAMES / NODES.len() {
            instance.param(c"mix").unwrap().key(frame as f64, ParamValue::Double(mix_at(frame)));
        }
        for frame in 0..FRAMES / NODES.len() {
            if profile.lives_a_frame || frame == 100 {
                // Saved, closed and opened again: what a project keeps is all there is.
                assert_eq!(node.act(kOfxActionSyncPrivateData, Some(&instance), None, None), kOfxStatOK);
                let saved = instance.saved();
                assert_eq!(node.act(kOfxActionDestroyInstance, Some(&instance), None, None), kOfxStatOK);
                instance = saved;
                assert_eq!(node.act(kOfxActionCreateInstance, Some(&instance), None, None), kOfxStatOK);
            }
            let shown = mix_at(frame) as f32;
            let found = numbers(profile, &node, &instance, frame as f64);
            let wanted = before.iter().zip(&edited).map(|(before, edited)| before + shown * (edited - before));
            let off = found.iter().zip(wanted).map(|(found, wanted)| (found - wanted).abs()).fold(0.0, f32::max);
            // Bytes were rounded when the edit was read and once more when the mix was written.
            let most = if profile.layout.depth == kOfxBitDepthByte { 1.01 / 255.0 } else { 1e-6 };
            assert!(off <= most, "{}: frame {frame} is off by {off}", described.id);
            frames += 1;
        }
        assert_eq!(node.act(kOfxActionDestroyInstance, Some(&instance), None, None), kOfxStatOK);
    }
    assert_eq!(frames, FRAMES);
    super::objects::assert_texts_last();
}

#[test]
fn a_thousand_frames_in_natrons_ways() {
    drive(&Profile::natron());
}

#[test]
fn a_thousand_frames_in_resolves_ways() {
    drive(&Profile::resolve());
}

#[test]
fn a_thousand_frames_in_nukes_ways() {
    drive(&Profile::nuke());
}

#[test]
fn a_thousand_frames_in_melts_ways() {
    drive(&Profile::melt());
}
