//! What an artist sets off without rendering: baking, exporting, presets, read-outs, words from a font.

use super::mini::{Host, Layout, Manners, Node, cache_folder, text};
use super::objects::{Effect, ParamValue};
use super::suites::{PROGRESS_SAYS_NO, PROGRESS_UPDATES};
use super::{EDIT, FILTER, GENERAL, OUTPUT, SIZE, connect, disc, quick, set, whole};
use linocut::cache::Cache;
use openfx::sys::generic::core::*;
use openfx::sys::image_effect_v1::image_effect::*;
use openfx::sys::image_effect_v1::param::*;
use std::ffi::CStr;
use std::sync::atomic::Ordering;

pub(super) const STYLIZE: &str = "org.linocut.FontStylize";

fn change(node: &Node<'_>, instance: &Effect, name: &str, reason: &CStr) -> OfxStatus {
    node.change(instance, kOfxTypeParameter, name, reason, 4.0)
}

pub(super) fn press(node: &Node<'_>, instance: &Effect, name: &str) -> OfxStatus {
    change(node, instance, name, kOfxChangeUserEdited)
}

pub(super) fn entries() -> u64 {
    Cache::open(&cache_folder(), 1 << 30).unwrap().size().entries
}

/// An edit whose prompt changes at frame 3, so that a range of three frames has two jobs.
fn two_jobs<'a>(host: &'a Host, folder: &std::path::Path) -> (Node<'a>, Box<Effect>) {
    let (node, instance) = host.instance(EDIT, FILTER);
    Cache::open(&cache_folder(), 1 << 30).unwrap().purge().unwrap();
    quick(&instance, "");
    set(&instance, "promptSchedule", text("1: a green disc\n3: a blue disc"));
    set(&instance, "svgFile", text(folder.join("shot.##.svg").to_str().unwrap()));
    set(&instance, "wholeProject", ParamValue::Int(0));
    set(&instance, "firstFrame", ParamValue::Int(1));
    set(&instance, "lastFrame", ParamValue::Int(3));
    connect(&instance, &Layout::default(), &disc());
    (node, instance)
}

#[test]
fn a_baked_range_is_there_when_it_is_rendered_and_exported_by_name() {
    let host = Host::load(Manners::default());
    let folder = crate::util::folder();
    let (node, instance) = two_jobs(&host, folder.path());
    assert_eq!(press(&node, &instance, "bakeRange"), kOfxStatOK, "{:?}", instance.messages);
    assert_eq!(entries(), 3, "three frames of two prompts: one tracing and two edits");
    assert!(PROGRESS_UPDATES.load(Ordering::SeqCst) > 0, "the bar moved");
    assert_eq!(press(&node, &instance, "exportRange"), kOfxStatOK, "{:?}", instance.messages);
    assert_eq!(crate::util::names(folder.path()), ["shot.01.svg", "shot.02.svg", "shot.03.svg"]);
    let svg = |number: u8| std::fs::read_to_string(folder.path().join(format!("shot.0{number}.svg"))).unwrap();
    assert!(svg(1) == svg(2) && svg(2) != svg(3), "the prompt changes at frame 3");
    assert_eq!(entries(), 3, "exporting took what was baked");
    let status = instance.param(c"status").unwrap().text_at(0.0);
    assert!(status.contains("frame 3") && status.contains("from the cache"), "{status}");
}

#[test]
fn a_range_is_exported_in_a_host_that_puts_the_numbers_in_itself() {
    let host = Host::load(Manners::default());
    let folder = crate::util::folder();
    let (node, instance) = two_jobs(&host, folder.path());
    for frame in 1..=3_u8 {
        let path = folder.path().join(format!("shot.{frame:04}.svg"));
        instance.param(c"svgFile").unwrap().key(frame.into(), text(path.to_str().unwrap()));
    }
    assert_eq!(press(&node, &instance, "exportRange"), kOfxStatOK, "{:?}", instance.messages);
    assert_eq!(crate::util::names(folder.path()), ["shot.0001.svg", "shot.0002.svg", "shot.0003.svg"]);
}

#[test]
fn a_range_that_makes_no_sense_is_refused_before_any_work() {
    let host = Host::load(Manners::default());
    let folder = crate::util::folder();
    let (node, instance) = two_jobs(&host, folder.path());
    set(&instance, "lastFrame", ParamValue::Int(0));
    assert_eq!(press(&node, &instance, "bakeRange"), kOfxStatFailed);
    set(&instance, "lastFrame", ParamValue::Int(2));
    set(&instance, "svgFile", text("one.svg"));
    assert_eq!(press(&node, &instance, "exportRange"), kOfxStatFailed);
    let messages = instance.messages.lock().join("; ");
    assert!(messages.contains("set Last frame to 1 or later"), "{messages}");
    assert!(messages.contains("a range needs a run of # in the name"), "{messages}");
}

#[test]
fn stopping_a_range_keeps_what_is_finished_and_complains_about_nothing() {
    let host = Host::load(Manners::default());
    let folder = crate::util::folder();
    let (node, instance) = two_jobs(&host, folder.path());
    assert_eq!(press(&node, &instance, "bakeFrame"), kOfxStatOK);
    let kept = entries();
    PROGRESS_SAYS_NO.store(true, Ordering::SeqCst);
    set(&instance, "promptSchedule", text("1: a disc of wood\n2: a disc of stone\n3: a disc of ice"));
    set(&instance, "iterations", ParamValue::Int(200));
    let stopped = press(&node, &instance, "exportRange");
    PROGRESS_SAYS_NO.store(false, Ordering::SeqCst);
    assert_eq!(stopped, kOfxStatOK, "the artist's own wish is no failure");
    assert!(instance.messages.lock().is_empty() && entries() == kept, "{:?}", instance.messages);
    assert!(crate::util::names(folder.path()).is_empty(), "no half-written file");
}

#[test]
fn presets_write_the_prompt_and_the_read_outs_follow() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(EDIT, FILTER);
    set(&instance, "promptPreset", ParamValue::Int(3));
    assert_eq!(press(&node, &instance, "promptPreset"), kOfxStatOK);
    let prompt = |time| instance.param(c"prompt").unwrap().text_at(time);
    assert_eq!(prompt(0.0), "a photo in the snow");
    set(&instance, "promptSchedule", text("0: a town at noon\n8: a town at night"));
    set(&instance, "transition", ParamValue::Int(1));
    assert_eq!(press(&node, &instance, "transition"), kOfxStatReplyDefault);
    let read_out = instance.param(c"effectivePrompt").unwrap().text_at(0.0);
    assert_eq!(read_out, "a town at noon (50 %) and a town at night (50 %)");
    assert_eq!(change(&node, &instance, "promptPreset", kOfxChangePluginEdited), kOfxStatReplyDefault);
}

#[test]
fn strength_is_live_and_the_look_is_exported_by_a_button() {
    let host = Host::load(Manners::default());
    let layout = Layout::default();
    let folder = crate::util::folder();
    let (node, instance) = host.instance(EDIT, FILTER);
    quick(&instance, "a green picture");
    let output = connect(&instance, &layout, &disc());
    assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
    let edited = layout.bytes(&output);
    let kept = entries();
    set(&instance, "strength", ParamValue::Double(0.0));
    assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
    assert_eq!(layout.bytes(&output), disc(), "strength 0 is the source");
    assert_ne!(edited, disc(), "strength 1 is an edit");
    assert_eq!(entries(), kept, "another strength is no other edit");
    assert_eq!(press(&node, &instance, "exportLut"), kOfxStatFailed, "no file is named");
    set(&instance, "lut", text(folder.path().join("look.##.cube").to_str().unwrap()));
    assert_eq!(press(&node, &instance, "exportLut"), kOfxStatOK, "{:?}", instance.messages);
    assert_eq!(crate::util::names(folder.path()), ["look.04.cube"], "the frame's number stands in the name");
    set(&instance, "mode", ParamValue::Int(2));
    assert_eq!(press(&node, &instance, "exportLut"), kOfxStatFailed);
    let messages = instance.messages.lock().join("; ");
    assert!(messages.contains("this edit changes no colours by a look"), "{messages}");
    assert!(host.instance(STYLIZE, FILTER).1.param(c"exportLut").is_none(), "words have no look");
}

#[test]
fn a_region_that_only_lets_its_own_shapes_change_leaves_the_rest_alone() {
    let host = Host::load(Manners::default());
    let layout = Layout::default();
    let edited = |only: i32| {
        let (node, instance) = host.instance(EDIT, FILTER);
        quick(&instance, "a green disc");
        for (name, value) in [
            ("mode", ParamValue::Int(1)),
            ("detail", ParamValue::Double(0.0)),
            ("region1Enable", ParamValue::Int(1)),
            ("region1BottomLeft", ParamValue::Pair(12.0, 6.0)),
            ("region1Size", ParamValue::Pair(24.0, 24.0)),
            ("region1Prompt", text("a blue disc")),
            ("region1Weight", ParamValue::Double(2.0)),
            ("region1Patches", ParamValue::Int(3)),
            ("region1Only", ParamValue::Int(only)),
        ] {
            set(&instance, name, value);
        }
        let output = connect(&instance, &layout, &disc());
        assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
        layout.bytes(&output)
    };
    let traced = super::expected("org.linocut.Vectorize", &[], &disc());
    let corner = |bytes: &[u8]| bytes[..4].to_vec();
    assert_eq!(corner(&edited(1)), corner(&traced), "the ground lies outside the region");
    assert_ne!(corner(&edited(0)), corner(&traced), "without the switch the ground changes");
}

#[test]
fn a_mask_limits_the_shapes_where_it_is_asked_to() {
    let host = Host::load(Manners::default());
    let layout = Layout::default();
    let alpha = Layout { components: kOfxImageComponentAlpha, ..layout };
    let (width, height) = SIZE;
    let edited = |limits: i32, covered: &dyn Fn(usize, usize) -> bool| {
        let (node, instance) = host.instance(EDIT, GENERAL);
        quick(&instance, "a blue disc");
        set(&instance, "maskLimits", ParamValue::Int(limits));
        let mask = (0..width * height).map(|at| if covered(at % width, at / width) { 255 } else { 0 });
        instance.connect(c"Mask", alpha.picture(width, height, &mask.collect::<Vec<u8>>()));
        let output = connect(&instance, &layout, &disc());
        (node.render(&instance, 0.0, whole(&output)), layout.bytes(&output), instance.messages.lock().join("; "))
    };
    let all = |_: usize, _: usize| true;
    let (status, whole_picture, _) = edited(1, &all);
    assert_eq!((status, &whole_picture), (kOfxStatOK, &edited(0, &all).1), "a mask over everything limits nothing");
    let disc_only = |x: usize, y: usize| (x as f32 - 24.0).hypot(y as f32 - 18.0) < 14.0;
    assert_ne!(edited(1, &disc_only).1, edited(0, &disc_only).1, "another set of shapes may change");
    let (status, _, message) = edited(1, &|_, _| false);
    assert_eq!(status, kOfxStatFailed);
    assert!(message.contains("no shape lies mostly under the mask"), "{message}");
}

#[test]
fn a_word_without_a_font_says_what_to_do_and_an_old_project_opens() {
    let host = Host::load(Manners::default());
    let generator = kOfxImageEffectContextGenerator;
    let (node, instance) = host.instance(STYLIZE, generator);
    assert!(instance.clip(super::SOURCE).is_none(), "a generator has no source");
    let layout = Layout::default();
    let output = layout.picture(SIZE.0, SIZE.1, &[0x11; 4 * SIZE.0 * SIZE.1]);
    instance.connect(OUTPUT, output.clone());
    quick(&instance, "flames");
    assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatFailed);
    set(&instance, "text", text("A"));
    set(&instance, "font", text("/gone/font.ttf"));
    assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatFailed);
    let messages = instance.messages.lock().join("; ");
    assert!(messages.contains("type a word under Text and choose a font"), "{messages}");
    assert!(messages.contains("cannot read the font '/gone/font.ttf'"), "{messages}");
}

#[test]
fn a_word_fills_the_frame_of_a_generator() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(STYLIZE, kOfxImageEffectContextGenerator);
    quick(&instance, "flames");
    set(&instance, "text", text("A"));
    set(&instance, "font", text(crate::util::file("examples/font.ttf").to_str().unwrap()));
    set(&instance, "ground", ParamValue::Int(1));
    let layout = Layout::default();
    let output = layout.picture(SIZE.0, SIZE.1, &[0x11; 4 * SIZE.0 * SIZE.1]);
    instance.connect(OUTPUT, output.clone());
    assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
    let bytes = layout.bytes(&output);
    let pixels = bytes.as_chunks::<4>().0;
    let dark = pixels.iter().filter(|pixel| pixel[0] < 64).count();
    assert!(pixels[0] == [255; 4] && dark > 40, "black on white: corner {:?}, {dark} dark pixels", pixels[0]);
}
