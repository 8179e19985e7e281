//! One road: what a host shows is what the command line writes, for every ability that both have; and a hit never waits.

use super::buttons::STYLIZE;
use super::mini::{Host, Layout, Manners, cache_folder, text};
use super::objects::{Effect, ParamValue};
use super::{
    EDIT, FILTER, GENERAL, OUTPUT, SIZE, SOURCE, Shared, connect, disc, expected_with, quick, set, stored, whole,
};
use crate::util::{file, linocut};
use openfx::sys::generic::core::*;
use openfx::sys::image_effect_v1::image_effect::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const QUICK: [(&str, &str); 2] = [("iterations", "3"), ("patches", "2")];

/// The bytes of a render at `time`.
fn rendered(id: &str, time: f64, prepare: impl Fn(&Effect)) -> Vec<u8> {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(id, GENERAL);
    prepare(&instance);
    let layout = Layout::default();
    let output = connect(&instance, &layout, &disc());
    assert_eq!(node.render(&instance, time, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
    layout.bytes(&output)
}

#[test]
fn a_second_prompt_and_its_mix_are_the_command_lines() {
    let found = rendered(EDIT, 0.0, |instance| {
        quick(instance, "a green disc");
        set(instance, "promptB", text("a yellow disc"));
        set(instance, "promptMix", ParamValue::Double(0.5));
    });
    let settings = [("prompt", "a green disc"), ("promptB", "a yellow disc"), ("promptMix", "0.5")];
    assert_eq!(found, expected_with(EDIT, &[&settings[..], &QUICK].concat(), &disc(), &[]));
}

#[test]
fn a_frame_of_a_schedule_is_the_command_lines() {
    const SCHEDULE: &str = "0: a green disc\n20: a yellow disc\n";
    let found = rendered(EDIT, 5.0, |instance| {
        quick(instance, "");
        set(instance, "promptSchedule", text(SCHEDULE));
        set(instance, "transition", ParamValue::Int(1));
    });
    let settings = [("--schedule", "keys.txt"), ("--frame", "5"), ("transition", "linear")];
    let files = [("keys.txt", SCHEDULE.as_bytes())];
    assert_eq!(found, expected_with(EDIT, &[&settings[..], &QUICK].concat(), &disc(), &files));
}

#[test]
fn a_mask_that_limits_shapes_a_mix_and_a_strength_are_the_command_lines() {
    let (width, height) = SIZE;
    let cover = |at: usize| if at % width < 30 { 255 } else { 64 };
    let alpha = Layout { components: kOfxImageComponentAlpha, ..Layout::default() };
    let mask: Vec<u8> = (0..width * height).flat_map(|at| [0, 0, 0, cover(at)]).collect();
    let found = rendered(EDIT, 0.0, |instance| {
        quick(instance, "a green disc");
        set(instance, "maskLimits", ParamValue::Int(1));
        set(instance, "mix", ParamValue::Double(0.75));
        set(instance, "strength", ParamValue::Double(0.5));
        instance.connect(c"Mask", alpha.picture(width, height, &stored(&alpha, &mask)));
    });
    let mut png = std::io::Cursor::new(Vec::new());
    let grey = image::GrayImage::from_fn(width as u32, height as u32, |x, y| {
        image::Luma([cover(y as usize * width + x as usize)])
    });
    grey.write_to(&mut png, image::ImageFormat::Png).unwrap();
    let settings = [("prompt", "a green disc"), ("--mask", "mask.png"), ("--mask-limits=on", "")];
    let settings = [&settings[..], &[("mix", "0.75"), ("strength", "0.5")], &QUICK].concat();
    let wanted = expected_with(EDIT, &settings, &disc(), &[("mask.png", png.get_ref())]);
    assert_eq!(found, wanted);
}

#[test]
fn a_word_is_the_command_lines_and_both_find_one_entry() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(STYLIZE, kOfxImageEffectContextGenerator);
    quick(&instance, "flames");
    let font = file("examples/font.ttf");
    set(&instance, "text", text("A"));
    set(&instance, "font", text(font.to_str().unwrap()));
    let layout = Layout::default();
    let output = layout.picture(SIZE.0, SIZE.1, &[0x11; 4 * SIZE.0 * SIZE.1]);
    instance.connect(OUTPUT, output.clone());
    assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
    let folder = crate::util::folder();
    let cache = cache_folder();
    let args = ["stylize", "--text", "A", "--font", font.to_str().unwrap(), "--prompt", "flames", "--size", "48x36"];
    let more = ["--iterations", "3", "--patches", "2", "-o", "out.png", "--json", "--cache", cache.to_str().unwrap()];
    let ran = linocut(folder.path(), &[&args[..], &more].concat());
    assert_eq!(ran.json()["cache_hit"], true, "{}", ran.stderr);
    let written = image::open(folder.path().join("out.png")).unwrap().into_rgba8().into_raw();
    assert_eq!(layout.bytes(&output), written);
}

#[test]
fn a_finished_frame_of_one_node_is_shown_while_another_node_edits() {
    let host = Host::load(Manners::default());
    let layout = Layout::default();
    let (node, finished) = host.instance(EDIT, FILTER);
    quick(&finished, "a green disc");
    let shown = connect(&finished, &layout, &disc());
    assert_eq!(node.render(&finished, 0.0, whole(&shown)), kOfxStatOK, "{:?}", finished.messages);
    let (busy_node, busy) = host.instance(EDIT, FILTER);
    quick(&busy, "a purple disc");
    // Longer than any test lasts: it ends by abort.
    set(&busy, "iterations", ParamValue::Int(10_000));
    let target = connect(&busy, &layout, &disc());
    let (begun, ended) = (AtomicBool::new(false), AtomicBool::new(false));
    let shared = Shared((&busy_node, &busy, &target));
    std::thread::scope(|scope| {
        let (shared, begun, ended) = (&shared, &begun, &ended);
        scope.spawn(move || {
            let Shared((node, busy, target)) = shared;
            begun.store(true, Ordering::SeqCst);
            assert_eq!(node.render(busy, 0.0, whole(target)), kOfxStatFailed);
            ended.store(true, Ordering::SeqCst);
        });
        while !begun.load(Ordering::SeqCst) || busy.polls_until_abort.load(Ordering::SeqCst) > i32::MAX - 20 {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert_eq!(node.render(&finished, 9.0, whole(&shown)), kOfxStatOK, "{:?}", finished.messages);
        assert!(!ended.load(Ordering::SeqCst), "the hit waited for the other node's edit");
        busy.polls_until_abort.store(0, Ordering::SeqCst);
    });
}

/// A photograph in high definition, RGBA, top row first.
fn full_hd() -> Vec<u8> {
    let photo = image::open(file("examples/temple.jpg")).unwrap();
    photo.resize_to_fill(FULL_HD.0, FULL_HD.1, image::imageops::FilterType::Triangle).into_rgba8().into_raw()
}

const FULL_HD: (u32, u32) = (1920, 1080);

#[test]
#[ignore = "measures time: run it alone, on an idle machine"]
fn the_time_of_a_finished_frame_in_full_hd_beside_an_edit_is_printed() {
    const GOAL: Duration = Duration::from_millis(300);
    let host = Host::load(Manners::default());
    let layout = Layout::default();
    let bytes = full_hd();
    let connected = |instance: &Effect| {
        let (width, height) = (FULL_HD.0 as usize, FULL_HD.1 as usize);
        instance.connect(SOURCE, layout.picture(width, height, &bytes));
        let output = layout.picture(width, height, &vec![0x11; bytes.len()]);
        instance.connect(OUTPUT, output.clone());
        output
    };
    let (node, finished) = host.instance(EDIT, FILTER);
    quick(&finished, "at night");
    let shown = connected(&finished);
    let render = || {
        let begun = Instant::now();
        assert_eq!(node.render(&finished, 0.0, whole(&shown)), kOfxStatOK, "{:?}", finished.messages);
        begun.elapsed()
    };
    let median = || {
        let mut times = (0..7).map(|_| render()).collect::<Vec<_>>();
        times.sort();
        times[times.len() / 2]
    };
    render();
    let alone = median();
    let (busy_node, busy) = host.instance(EDIT, FILTER);
    set(&busy, "prompt", text("a winter night"));
    set(&busy, "iterations", ParamValue::Int(10_000));
    let target = connected(&busy);
    let shared = Shared((&busy_node, &busy, &target));
    let beside = std::thread::scope(|scope| {
        let shared = &shared;
        let edit = scope.spawn(move || {
            let Shared((node, busy, target)) = shared;
            assert_eq!(node.render(busy, 0.0, whole(target)), kOfxStatFailed, "it ends by abort");
        });
        // Past the tracing, into the edit.
        std::thread::sleep(Duration::from_secs(5));
        let beside = median();
        assert!(!edit.is_finished(), "the other node still edits");
        busy.polls_until_abort.store(0, Ordering::SeqCst);
        beside
    });
    println!("a finished frame in full HD: {alone:?} alone, {beside:?} beside an edit; goal {GOAL:?}");
    assert!(beside <= GOAL, "{beside:?} beside an edit");
}
