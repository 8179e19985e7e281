//! The built plug-in in a host: what an artist's program does to it, legal and not.

#![allow(unsafe_code, reason = "the host speaks the C interface")]
#![allow(clippy::missing_transmute_annotations, reason = "named on both sides")]

mod alpha;
mod artist;
mod buttons;
mod gpu;
mod mini;
mod objects;
mod overlay;
mod profiles;
mod road;
mod shots;
mod suites;
mod transfer;

use crate::util::{folder, linocut};
use linocut::cache::Cache;
use linocut::nodes::NODES;
use mini::{Host, Layout, Manners, cache_folder, plugin_file, text};
use objects::{Effect, LENT, ParamValue, Picture, Value};
use openfx::sys::generic::core::*;
use openfx::sys::image_effect_v1::image_effect::*;
use openfx::sys::image_effect_v1::message::kOfxMessageSuite;
use openfx::sys::image_effect_v1::param::*;
use std::ffi::{CStr, CString};
use std::path::Path;
use std::sync::atomic::Ordering;

const SOURCE: &CStr = kOfxImageEffectSimpleSourceClipName;
const OUTPUT: &CStr = kOfxImageEffectOutputClipName;
const FILTER: &CStr = kOfxImageEffectContextFilter;
const GENERAL: &CStr = kOfxImageEffectContextGeneral;
const VECTORIZE: &str = "org.linocut.Vectorize";
const EDIT: &str = "org.linocut.PromptEdit";
const SIZE: (usize, usize) = (48, 36);

/// A red disc on blue with a soft light, 8 bits, RGBA, top row first.
fn disc() -> Vec<u8> {
    let (width, height) = SIZE;
    let pixel = |at: usize| {
        let (x, y) = ((at % width) as f32 - 20.0, (at / width) as f32 - 15.0);
        let light = (at / width) as u8;
        if x.hypot(y) < 11.0 { [210, 40 + light, 30, 255] } else { [30, 60, 190 + light, 255] }
    };
    (0..width * height).flat_map(pixel).collect()
}

/// `bytes` (RGBA) as the pixels of `layout`.
fn stored(layout: &Layout, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for pixel in bytes.as_chunks::<4>().0 {
        let channels: &[u8] = if layout.channels() == 1 { &pixel[3..] } else { &pixel[..layout.channels()] };
        for &byte in channels {
            let unit = f32::from(byte) / 255.0;
            match layout.depth {
                depth if depth == kOfxBitDepthByte => out.push(byte),
                depth if depth == kOfxBitDepthShort => out.extend((u16::from(byte) * 257).to_ne_bytes()),
                depth if depth == kOfxBitDepthHalf => out.extend(half::f16::from_f32(unit).to_ne_bytes()),
                _ => out.extend(unit.to_ne_bytes()),
            }
        }
    }
    out
}

fn value(layout: &Layout, bytes: &[u8]) -> f32 {
    match *bytes {
        [a] => f32::from(a) / 255.0,
        [a, b] if layout.depth == kOfxBitDepthShort => f32::from(u16::from_ne_bytes([a, b])) / 65535.0,
        [a, b] => half::f16::from_ne_bytes([a, b]).to_f32(),
        [a, b, c, d] => f32::from_ne_bytes([a, b, c, d]),
        _ => f32::NAN,
    }
}

fn whole(picture: &Picture) -> OfxRectI {
    picture.bounds
}

/// Connects source and output of one layout and returns the output.
fn connect(instance: &Effect, layout: &Layout, bytes: &[u8]) -> Picture {
    let (width, height) = SIZE;
    instance.connect(SOURCE, layout.picture(width, height, &stored(layout, bytes)));
    let empty = vec![0x11; width * height * layout.channels() * layout.channel_bytes()];
    let output = layout.picture(width, height, &empty);
    instance.connect(OUTPUT, output.clone());
    output
}

/// Pointers into the host, shared between threads on purpose: that is what hosts do.
struct Shared<T>(T);
unsafe impl<T> Sync for Shared<T> {}

fn set(instance: &Effect, name: &str, value: ParamValue) {
    let name = CString::new(name).unwrap();
    instance.param(&name).unwrap_or_else(|| panic!("no parameter {name:?}")).key(f64::MIN, value);
    // Who types a number takes it over from the node.
    let automatic = CString::new(format!("{}Auto", name.to_str().unwrap())).unwrap();
    if let Some(switch) = instance.param(&automatic) {
        switch.key(f64::MIN, ParamValue::Int(0));
    }
}

/// Few, quick iterations.
fn quick(instance: &Effect, prompt: &str) {
    set(instance, "prompt", text(prompt));
    set(instance, "iterations", ParamValue::Int(3));
    set(instance, "patches", ParamValue::Int(2));
}

/// The flag of a parameter that is called `id`.
fn flag(node: &linocut::nodes::Node, id: &str) -> String {
    format!("--{}", node.all_params().find(|param| param.id == id).unwrap().flag())
}

/// Saves `bytes` (RGBA, top row first) at `path`.
fn save(path: &Path, bytes: &[u8]) {
    image::save_buffer(path, bytes, SIZE.0 as u32, SIZE.1 as u32, image::ColorType::Rgba8).unwrap();
}

/// What the program writes for the same picture and parameters: RGBA bytes, top row first. `files` are further inputs that
/// `settings` name.
fn expected_with(id: &str, settings: &[(&str, &str)], bytes: &[u8], files: &[(&str, &[u8])]) -> Vec<u8> {
    let node = NODES.iter().find(|node| node.id == id).unwrap();
    let folder = folder();
    save(&folder.path().join("source.png"), bytes);
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let out = if id == VECTORIZE { ["-o", "out.svg", "--png", "out.png"].as_slice() } else { &["-o", "out.png"] };
    let flags = settings.iter().flat_map(|(name, setting)| {
        let name = if name.starts_with("--") { (*name).to_owned() } else { flag(node, name) };
        [Some(name), Some((*setting).to_owned()).filter(|setting| !setting.is_empty())].into_iter().flatten()
    });
    let flags = flags.collect::<Vec<_>>();
    let flags = flags.iter().map(String::as_str).collect::<Vec<_>>();
    let ran = linocut(folder.path(), &[&[node.command, "source.png", "--threads", "2"], out, &flags].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    image::open(folder.path().join("out.png")).unwrap().into_rgba8().into_raw()
}

/// The same without further inputs.
fn expected(id: &str, settings: &[(&str, &str)], bytes: &[u8]) -> Vec<u8> {
    expected_with(id, settings, bytes, &[])
}

#[test]
fn the_plug_in_shows_its_nodes_and_nothing_beyond() {
    let host = Host::load(Manners::default());
    let ids = host.nodes().iter().map(mini::Node::id).collect::<Vec<_>>();
    assert_eq!(ids, NODES.iter().map(|node| node.id).collect::<Vec<_>>());
    assert!(host.node(-1).is_none() && host.node(99).is_none(), "indices beyond the last");
}

#[test]
fn every_node_describes_itself_fully_in_every_context_however_often() {
    let host = Host::load(Manners::default());
    for node in NODES {
        for context in [FILTER, GENERAL, FILTER] {
            let (_, effect) = host.described(node.id, context);
            let label = effect.props.text(kOfxPropLabel);
            assert!(label.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == ' '), "label '{label}'");
            assert_eq!(effect.props.text(kOfxImageEffectPluginRenderThreadSafety), "OfxImageEffectRenderFullySafe");
            assert_eq!(effect.clip(c"Mask").is_some(), context == GENERAL, "mask of {}", node.id);
            for (name, param) in effect.params() {
                let kind = param.kind.as_c_str();
                let passive = kind == kOfxParamTypeGroup || kind == kOfxParamTypePage;
                assert!(!param.props.text(kOfxPropLabel).is_empty(), "{name} has no label");
                assert_eq!(param.props.text(kOfxParamPropHint).is_empty(), passive, "hint of {name}");
                let valueless = passive || kind == kOfxParamTypePushButton;
                assert_eq!(param.props.all(kOfxParamPropDefault).is_empty(), valueless, "default of {name}");
                if kind == kOfxParamTypeInteger || kind == kOfxParamTypeDouble {
                    let keyed = param.props.all(kOfxParamPropAnimates) == [Value::Int(1)];
                    assert!(keyed != ["firstFrame", "lastFrame", "baked"].contains(&name.as_str()), "keys of {name}");
                    for limit in [kOfxParamPropMin, kOfxParamPropMax, kOfxParamPropDisplayMin, kOfxParamPropDisplayMax]
                    {
                        assert!(!param.props.all(limit).is_empty(), "{name} lacks {limit:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn sentences_are_keyed_only_where_the_host_can() {
    for keys_texts in [false, true] {
        let host = Host::load(Manners { keys_texts, ..Manners::default() });
        let (_, effect) = host.described(EDIT, FILTER);
        let animates = |name: &CStr| effect.param(name).unwrap().props.all(kOfxParamPropAnimates);
        assert_eq!(animates(c"prompt"), [Value::Int(keys_texts.into())], "prompt");
        assert_eq!(animates(c"promptMix"), [Value::Int(1)], "numbers can always be keyed");
    }
}

#[test]
fn a_picture_comes_out_the_same_however_the_host_keeps_it() {
    let host = Host::load(Manners::default());
    let truth = expected(VECTORIZE, &[], &disc());
    let depths = [kOfxBitDepthByte, kOfxBitDepthShort, kOfxBitDepthHalf, kOfxBitDepthFloat];
    for (number, depth) in depths.into_iter().enumerate() {
        for components in [kOfxImageComponentRGBA, kOfxImageComponentRGB] {
            for top_down in [false, true] {
                let layout = Layout { depth, components, origin: (-7, 13), padding: 12 * number, top_down };
                let (node, instance) = host.instance(VECTORIZE, FILTER);
                set(&instance, "inputColourSpace", ParamValue::Int(2));
                let output = connect(&instance, &layout, &disc());
                assert_eq!(
                    node.render(&instance, 0.0, whole(&output)),
                    kOfxStatOK,
                    "{layout:?} {:?}",
                    instance.messages
                );
                let bytes = layout.bytes(&output);
                let found = bytes.chunks(layout.channel_bytes()).map(|bytes| value(&layout, bytes)).collect::<Vec<_>>();
                let kept = layout.channels();
                let wanted =
                    truth.as_chunks::<4>().0.iter().flat_map(|pixel| pixel[..kept].to_vec()).collect::<Vec<_>>();
                let off = found.iter().zip(&wanted).map(|(found, wanted)| (found - f32::from(*wanted) / 255.0).abs());
                let (most, sum) = off.fold((0.0_f32, 0.0_f32), |(most, sum), off| (most.max(off), sum + off));
                // The truth is rounded to bytes. A half has eleven bits, so other bits come in and make slightly other shapes.
                let (most_allowed, mean_allowed) = match depth {
                    depth if depth == kOfxBitDepthByte => (0.0, 0.0),
                    depth if depth == kOfxBitDepthHalf => (0.1, 0.003),
                    _ => (0.003, 0.002),
                };
                let mean = sum / found.len() as f32;
                assert!(most <= most_allowed && mean <= mean_allowed, "{layout:?}: off by {most}, {mean} on average");
            }
        }
    }
    assert_eq!(LENT.load(Ordering::SeqCst), 0, "every picture was given back");
}

#[test]
fn an_edit_in_a_host_is_bit_for_bit_the_command_lines_and_the_second_one_is_a_hit() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(EDIT, FILTER);
    quick(&instance, "a green disc");
    let layout = Layout::default();
    let output = connect(&instance, &layout, &disc());
    assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
    let settings = [("prompt", "a green disc"), ("iterations", "3"), ("patches", "2")];
    let first = layout.bytes(&output);
    assert_eq!(first, expected(EDIT, &settings, &disc()), "host and command line differ");
    let entries = || Cache::open(&cache_folder(), 1 << 20).unwrap().size().entries;
    let before = entries();
    let (node, second) = host.instance(EDIT, GENERAL);
    quick(&second, "a green disc");
    let output = connect(&second, &layout, &disc());
    assert_eq!(node.render(&second, 7.0, whole(&output)), kOfxStatOK);
    assert_eq!((layout.bytes(&output), entries()), (first, before), "another instance finds the scene");
}

#[test]
fn mix_and_mask_lay_the_edit_over_the_source_without_editing_again() {
    let host = Host::load(Manners::default());
    let layout = Layout::default();
    let (width, height) = SIZE;
    let half: Vec<u8> = (0..width * height).flat_map(|at| [0, 0, 0, if at % width < 20 { 255 } else { 0 }]).collect();
    let alpha = Layout { components: kOfxImageComponentAlpha, ..layout };
    let truth = expected(VECTORIZE, &[], &disc());
    for invert in [false, true] {
        let (node, instance) = host.instance(VECTORIZE, GENERAL);
        set(&instance, "maskInvert", ParamValue::Int(invert.into()));
        instance.connect(c"Mask", alpha.picture(width, height, &stored(&alpha, &half)));
        let output = connect(&instance, &layout, &disc());
        assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
        for (at, (found, (before, after))) in layout.bytes(&output).iter().zip(disc().iter().zip(&truth)).enumerate() {
            let edited = (at / 4 % width < 20) != invert;
            assert_eq!(found, if edited { after } else { before }, "value {at}, invert {invert}");
        }
    }
    let (node, instance) = host.instance(VECTORIZE, FILTER);
    set(&instance, "mix", ParamValue::Double(0.0));
    let answers = objects::PropSet::default();
    let arguments = objects::PropSet::default().with(kOfxPropTime, [Value::Double(3.0)]);
    let identity = node.act(kOfxImageEffectActionIsIdentity, Some(&instance), Some(&arguments), Some(&answers));
    assert_eq!((identity, answers.text(kOfxPropName)), (kOfxStatOK, "Source".to_owned()), "a mix of 0 is the source");
}

#[test]
fn only_the_window_is_written_and_the_whole_source_is_asked_for() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(VECTORIZE, FILTER);
    let layout = Layout { origin: (5, -4), ..Layout::default() };
    let output = connect(&instance, &layout, &disc());
    let window = OfxRectI { x1: 10, y1: 0, x2: 20, y2: 8 };
    assert_eq!(node.render(&instance, 0.0, window), kOfxStatOK);
    let truth = expected(VECTORIZE, &[], &disc());
    for (at, (found, wanted)) in
        layout.bytes(&output).as_chunks::<4>().0.iter().zip(truth.as_chunks::<4>().0).enumerate()
    {
        let (x, y) = (5 + (at % SIZE.0) as i32, -4 + (SIZE.1 - 1 - at / SIZE.0) as i32);
        let inside = (10..20).contains(&x) && (0..8).contains(&y);
        assert_eq!(found, if inside { wanted } else { &[0x11; 4] }, "pixel {x}, {y}");
    }
    let answers = objects::PropSet::default();
    assert_eq!(node.act(kOfxImageEffectActionGetRegionsOfInterest, Some(&instance), None, Some(&answers)), kOfxStatOK);
    let region = answers.all(c"OfxImageClipPropRoI_Source");
    assert_eq!(region, [5.0, -4.0, 53.0, 32.0].map(Value::Double), "region of interest");
}

#[test]
fn a_clip_that_travels_is_asked_for_where_it_is_at_that_time() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(VECTORIZE, FILTER);
    connect(&instance, &Layout { origin: (5, -4), ..Layout::default() }, &disc());
    *instance.clip(SOURCE).unwrap().drift_px.lock() = 10.0;
    let arguments = objects::PropSet::default().with(kOfxPropTime, [Value::Double(3.0)]);
    let answers = objects::PropSet::default();
    let asked = node.act(kOfxImageEffectActionGetRegionsOfInterest, Some(&instance), Some(&arguments), Some(&answers));
    assert_eq!(asked, kOfxStatOK);
    let region = answers.all(c"OfxImageClipPropRoI_Source");
    assert_eq!(region, [35.0, -4.0, 83.0, 32.0].map(Value::Double), "region of interest at frame 3");
}

/// Renders with `prepare` done to the instance and returns the status and the messages.
fn failing(manners: Manners, id: &str, prepare: impl Fn(&Effect)) -> (OfxStatus, String, bool) {
    let host = Host::load(manners);
    let (node, instance) = host.instance(id, GENERAL);
    let layout = Layout::default();
    let output = connect(&instance, &layout, &disc());
    prepare(&instance);
    let status = node.render(&instance, 0.0, whole(&output));
    let untouched = layout.bytes(&output).iter().all(|&byte| byte == 0x11);
    let messages = instance.messages.lock().join("; ");
    assert_eq!(node.act(kOfxActionDestroyInstance, Some(&instance), None, None), kOfxStatOK);
    (status, messages, untouched)
}

#[test]
fn what_cannot_be_rendered_says_what_to_do_and_leaves_the_output_alone() {
    let source = |change: fn(&mut Picture)| {
        move |instance: &Effect| change(instance.clip(SOURCE).unwrap().picture.lock().as_mut().unwrap())
    };
    type Prepare = Box<dyn Fn(&Effect)>;
    let cases: [(&str, &str, Prepare); 7] = [
        (
            VECTORIZE,
            "connect a picture to the Source input",
            Box::new(|instance| {
                instance.clip(SOURCE).unwrap().props.set(kOfxImageClipPropConnected, 0, Value::Int(0));
            }),
        ),
        (VECTORIZE, "connect a picture to the Source input", Box::new(source(|picture| picture.null = true))),
        (VECTORIZE, "the clip 'Source': the picture is 0 x 36", Box::new(source(|picture| picture.bounds.x2 = 0))),
        (
            VECTORIZE,
            "the clip 'Source': the picture is 32768 x 32768",
            Box::new(source(|picture| (picture.bounds.x2, picture.bounds.y2) = (32_768, 32_768))),
        ),
        (
            EDIT,
            "'no such encoder'",
            Box::new(|instance| {
                quick(instance, "a star");
                set(instance, "encoder", text("no such encoder"));
            }),
        ),
        (
            EDIT,
            "line 2 of the prompt schedule, 'night'",
            Box::new(|instance| {
                quick(instance, "a star");
                set(instance, "promptSchedule", text("0: a star\nnight"));
            }),
        ),
        (VECTORIZE, "Rounds (--rounds) is '10,x'", Box::new(|instance| set(instance, "rounds", text("10,x")))),
    ];
    for (id, words, prepare) in cases {
        let (status, messages, untouched) = failing(Manners::default(), id, prepare);
        assert_eq!((status, untouched), (kOfxStatFailed, true), "{words}");
        assert!(messages.contains(words), "expected '{words}' in '{messages}'");
    }
}

#[test]
fn a_pixel_that_is_not_a_number_is_named() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(VECTORIZE, FILTER);
    let layout = Layout { depth: kOfxBitDepthFloat, ..Layout::default() };
    let output = connect(&instance, &layout, &disc());
    let broken = instance.clip(SOURCE).unwrap().picture.lock().clone().unwrap();
    broken.memory.lock()[..4].copy_from_slice(&f32::NAN.to_ne_bytes());
    assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatFailed);
    let messages = instance.messages.lock().join("; ");
    assert!(messages.contains("pixel (0, 35) holds NaN"), "{messages}");
}

#[test]
fn a_host_without_messages_or_with_few_properties_still_renders() {
    let poor = Manners { lacks: vec![kOfxMessageSuite], ..Manners::default() };
    let (status, messages, _) = failing(poor, VECTORIZE, |_| {});
    assert_eq!((status, messages), (kOfxStatOK, String::new()));
    for refuses in ["PreMultiplication", "AspectRatio", "RenderScale", "Hint", "Parent", "ShortLabel", "Icon"] {
        let (status, messages, _) =
            failing(Manners { refuses: Some(refuses), ..Manners::default() }, VECTORIZE, |_| {});
        assert_eq!((status, messages), (kOfxStatOK, String::new()), "without {refuses}");
    }
}

#[test]
fn a_host_without_a_necessary_suite_is_refused_at_load() {
    for lacking in [kOfxParameterSuite, kOfxImageEffectSuite] {
        let host = Host::load(Manners { lacks: vec![lacking], ..Manners::default() });
        assert_eq!(host.nodes()[0].start(), kOfxStatErrMissingHostFeature, "without {lacking:?}");
    }
}

#[test]
fn abort_at_any_poll_ends_without_a_result_and_the_next_render_works() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(EDIT, FILTER);
    quick(&instance, "a blue star at night");
    set(&instance, "iterations", ParamValue::Int(200));
    let layout = Layout::default();
    for polls in [0, 1, 2, 5] {
        let output = connect(&instance, &layout, &disc());
        instance.polls_until_abort.store(polls, Ordering::SeqCst);
        assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatFailed, "{polls} polls");
        assert!(instance.messages.lock().is_empty(), "an abort is no error");
        assert!(layout.bytes(&output).iter().all(|&byte| byte == 0x11), "{polls} polls: output written");
    }
    instance.polls_until_abort.store(i32::MAX, Ordering::SeqCst);
    set(&instance, "iterations", ParamValue::Int(3));
    let output = connect(&instance, &layout, &disc());
    assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
}

#[test]
fn frames_rendered_at_once_on_one_instance_are_the_frames_rendered_alone() {
    let host = Host::load(Manners::default());
    let (node, descriptor) = host.described(EDIT, FILTER);
    let layout = Layout::default();
    let frame = |time: f64| {
        let instance = descriptor.instance();
        quick(&instance, "a green disc");
        instance.param(c"prompt").unwrap().key(10.0, text("a yellow disc"));
        let output = connect(&instance, &layout, &disc());
        assert_eq!(node.render(&instance, time, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
        layout.bytes(&output)
    };
    let alone = [0.0, 20.0].map(frame);
    assert_ne!(alone[0], alone[1], "the key changes the prompt");
    let shared = Shared(&frame);
    let shared = &shared;
    std::thread::scope(|scope| {
        let threads = [0.0, 20.0, 0.0, 20.0].map(|time| {
            scope.spawn(move || {
                let Shared(frame) = shared;
                frame(time)
            })
        });
        for (index, thread) in threads.into_iter().enumerate() {
            assert_eq!(thread.join().unwrap(), alone[index % 2], "thread {index}");
        }
    });
}

#[test]
fn loading_and_unloading_a_hundred_times_keeps_the_host_alive() {
    for round in 0..100 {
        let host = Host::load(Manners::default());
        let node = host.nodes()[round % NODES.len()];
        assert_eq!(node.start(), kOfxStatOK);
        if round % 50 == 0 {
            let (node, instance) = host.instance(VECTORIZE, FILTER);
            let layout = Layout::default();
            let output = connect(&instance, &layout, &disc());
            assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK);
        }
        assert_eq!(node.act(kOfxActionUnload, None, None, None), kOfxStatOK);
    }
}

#[test]
fn the_shapes_of_a_frame_are_written_at_the_press_of_a_button_and_the_cache_is_emptied_by_another() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(EDIT, FILTER);
    quick(&instance, "a green disc");
    let folder = crate::util::folder();
    connect(&instance, &Layout::default(), &disc());
    let press = |button: &str, reason: &CStr| node.change(&instance, kOfxTypeParameter, button, reason, 12.0);
    set(&instance, "svgFile", text(folder.path().join("shot.####.svg").to_str().unwrap()));
    assert_eq!(press("exportSvg", kOfxChangePluginEdited), kOfxStatReplyDefault, "only a person presses");
    assert_eq!(press("prompt", kOfxChangeUserEdited), kOfxStatReplyDefault, "a parameter is no button");
    assert_eq!(press("exportSvg", kOfxChangeUserEdited), kOfxStatOK, "{:?}", instance.messages);
    assert_eq!(crate::util::names(folder.path()), ["shot.0012.svg"]);
    let svg = std::fs::read(folder.path().join("shot.0012.svg")).unwrap();
    let (scene, notices) = linocut::scene::svg_in::scene_from_svg(&svg).unwrap();
    assert!(scene.paths.len() > 1 && notices.is_empty(), "{} paths, {notices:?}", scene.paths.len());
    assert!(!crate::util::names(&cache_folder()).is_empty(), "the scene is kept");
    assert_eq!(press("purgeCache", kOfxChangeUserEdited), kOfxStatOK);
    assert_eq!(Cache::open(&cache_folder(), 1 << 20).unwrap().size().entries, 0, "nothing is kept");
    set(&instance, "svgFile", text("/no/such/folder/shot.svg"));
    assert_eq!(press("exportSvg", kOfxChangeUserEdited), kOfxStatFailed);
    let messages = instance.messages.lock().join("; ");
    assert!(messages.contains("cannot write /no/such/folder/shot.svg"), "{messages}");
}

#[test]
fn prompts_pass_over_by_schedule_by_keys_and_by_mix_alike() {
    let host = Host::load(Manners::default());
    let layout = Layout::default();
    let frame = |prepare: &dyn Fn(&Effect), time: f64| {
        let (node, instance) = host.instance(EDIT, FILTER);
        quick(&instance, "a green disc");
        prepare(&instance);
        let output = connect(&instance, &layout, &disc());
        assert_eq!(node.render(&instance, time, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
        layout.bytes(&output)
    };
    let scheduled = |instance: &Effect| {
        set(instance, "promptSchedule", text("0: a green disc\n10: a yellow disc"));
        set(instance, "transition", ParamValue::Int(1));
    };
    let keyed = |instance: &Effect| {
        instance.param(c"prompt").unwrap().key(0.0, text("a green disc"));
        instance.param(c"prompt").unwrap().key(10.0, text("a yellow disc"));
        set(instance, "transition", ParamValue::Int(1));
    };
    let mixed = |instance: &Effect| {
        set(instance, "promptB", text("a yellow disc"));
        set(instance, "promptMix", ParamValue::Double(0.5));
    };
    let half = frame(&scheduled, 5.0);
    assert_eq!(half, frame(&mixed, 0.0), "a mix of one half is half of the way");
    assert_eq!(half, frame(&keyed, 5.0), "keys of the host count like a schedule");
    assert_ne!(half, frame(&|_| {}, 5.0), "half of the way is not the beginning");
    assert_eq!(frame(&scheduled, 0.0), frame(&|_| {}, 0.0), "at the first key the first prompt holds");
}

#[test]
fn two_copies_of_the_plug_in_live_in_one_host() {
    let folder = crate::util::folder();
    let copy = folder.path().join("another.ofx");
    std::fs::copy(plugin_file(), &copy).unwrap();
    let layout = Layout::default();
    let truth = expected(VECTORIZE, &[], &disc());
    let hosts = [Host::load(Manners::default()), Host::load_file(&copy, Manners::default())];
    let nodes = hosts.each_ref().map(|host| host.instance(VECTORIZE, FILTER));
    for (node, instance) in nodes.iter().chain(nodes.iter().rev()) {
        let output = connect(instance, &layout, &disc());
        assert_eq!(node.render(instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
        assert_eq!(layout.bytes(&output), truth);
    }
}

#[test]
fn an_unknown_action_is_left_to_the_host() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(VECTORIZE, FILTER);
    let answer = node.act(c"OfxActionOfTomorrow", Some(&instance), None, None);
    assert_eq!(answer, kOfxStatReplyDefault);
}

#[test]
fn the_library_exports_the_three_functions_of_the_standard_and_no_more() {
    let bytes = std::fs::read(plugin_file()).unwrap();
    let names = linocut_exports(&bytes);
    assert_eq!(names, ["OfxGetNumberOfPlugins", "OfxGetPlugin", "OfxSetHost"]);
}

/// Names of the defined global symbols in the dynamic table of an ELF library for a 64-bit little-endian machine.
fn linocut_exports(elf: &[u8]) -> Vec<String> {
    let word = |at: usize| u32::from_le_bytes(elf[at..at + 4].try_into().unwrap()) as usize;
    let long = |at: usize| u64::from_le_bytes(elf[at..at + 8].try_into().unwrap()) as usize;
    let short = |at: usize| u16::from_le_bytes(elf[at..at + 2].try_into().unwrap()) as usize;
    let (table, count) = (long(0x28), short(0x3c));
    let section = |index: usize| table + 64 * index;
    const DYNSYM: usize = 11;
    let dynsym = (0..count).map(section).find(|&at| word(at + 4) == DYNSYM).unwrap();
    let (symbols, size) = (long(dynsym + 24), long(dynsym + 32));
    let strings = long(section(word(dynsym + 40)) + 24);
    let mut names = Vec::new();
    for at in (symbols..symbols + size).step_by(24) {
        let defined = short(at + 6) != 0 && elf[at + 4] >> 4 != 0;
        if defined {
            let name = &elf[strings + word(at)..];
            names.push(CStr::from_bytes_until_nul(name).unwrap().to_str().unwrap().to_owned());
        }
    }
    names.sort();
    names
}
