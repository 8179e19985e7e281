//! What an artist meets in a compositor: a host that runs its events inside callbacks, keeps pictures by the values of parameters,
//! zooms by proxies, and shows what a node says of itself.

use super::buttons::{STYLIZE, entries, press};
use super::mini::{Host, How, Layout, Manners, Node, cache_folder, text};
use super::objects::{Effect, ParamValue, Picture, PropSet, Value};
use super::suites::pumping;
use super::{EDIT, FILTER, GENERAL, OUTPUT, SIZE, SOURCE, VECTORIZE, connect, disc, expected, quick, set, whole};
use linocut::cache::Cache;
use linocut::nodes::NODES;
use openfx::sys::generic::core::*;
use openfx::sys::image_effect_v1::colour::kOfxImageClipPropColourspace;
use openfx::sys::image_effect_v1::image_effect::*;
use openfx::sys::image_effect_v1::param::*;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::sync::atomic::Ordering;

const NATRON: &CStr = c"fr.inria.Natron";
const RESOLVE: &CStr = c"DaVinciResolve";
const VIEWER: How = How { scale: 1.0, draft: true, interactive: true };

fn read_out(instance: &Effect, name: &CStr) -> String {
    instance.param(name).unwrap().text_at(0.0)
}

#[test]
fn a_second_press_while_a_bake_runs_is_refused_and_the_bake_goes_on() {
    let host = Host::load(Manners::default());
    Cache::open(&cache_folder(), 1 << 30).unwrap().purge().unwrap();
    let (node, instance) = host.instance(EDIT, FILTER);
    quick(&instance, "a green disc");
    set(&instance, "iterations", ParamValue::Int(40));
    let output = connect(&instance, &Layout::default(), &disc());
    let (other, unseen) = host.instance(EDIT, FILTER);
    quick(&unseen, "a purple disc");
    let target = connect(&unseen, &Layout::default(), &disc());
    let met = RefCell::new(BTreeMap::<String, (OfxStatus, String)>::new());
    let busy = Cell::new(false);
    let pump = |from: &str| {
        // The events of a host that has nested once already find nothing new.
        if from == "message" || busy.replace(true) {
            return;
        }
        let nested = [
            ("bake", press(&node, &instance, "bakeFrame")),
            ("bake of another node", press(&other, &unseen, "bakeFrame")),
            ("slider", press(&node, &instance, "strength")),
            ("render of what is not there", other.render(&unseen, 0.0, whole(&target))),
        ];
        for (name, status) in nested {
            let said = instance.messages.lock().join("; ") + &unseen.messages.lock().join("; ");
            met.borrow_mut().entry(format!("{name} in {from}")).or_insert((status, said));
        }
        busy.set(false);
    };
    let status = pumping(&pump, || press(&node, &instance, "bakeFrame"));
    assert_eq!(status, kOfxStatOK, "{:?}", instance.messages);
    let met = met.into_inner();
    for (name, wanted) in [
        ("bake in progress", kOfxStatFailed),
        ("bake of another node in progress", kOfxStatFailed),
        ("slider in progress", kOfxStatReplyDefault),
        ("render of what is not there in progress", kOfxStatFailed),
        ("bake in set", kOfxStatFailed),
    ] {
        assert_eq!(met.get(name).map(|(status, _)| *status), Some(wanted), "{name}: {met:?}");
    }
    assert!(met["bake in progress"].1.contains("Linocut is at work already"), "{met:?}");
    assert_eq!(entries(), 2, "one tracing and one edit");
    assert!(instance.messages.lock().is_empty(), "the refusal goes when the bake is done: {:?}", instance.messages);
    assert_eq!(node.render(&instance, 4.0, whole(&output)), kOfxStatOK);
    assert_eq!(press(&other, &unseen, "bakeFrame"), kOfxStatOK, "afterwards there is room again");
}

/// Keeps pictures as Natron does: by all values at the time, by time where the node says that frames differ, and by what of the
/// mood of a render the node has declared. Frames are asked for again only where these differ.
struct Shelf<'a> {
    node: Node<'a>,
    knows_drafts: bool,
    pictures: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl<'a> Shelf<'a> {
    fn new(host: &'a Host, id: &str) -> (Self, Box<Effect>) {
        let (node, descriptor) = host.described(id, FILTER);
        let instance = descriptor.instance();
        assert_eq!(node.act(kOfxActionCreateInstance, Some(&instance), None, None), kOfxStatOK);
        let knows_drafts = descriptor.props.all(kOfxImageEffectPropRenderQualityDraft) == [Value::Int(1)];
        (Self { node, knows_drafts, pictures: RefCell::default() }, instance)
    }

    fn picture(&self, instance: &Effect, output: &Picture, time: f64, how: How) -> Vec<u8> {
        let answers = PropSet::default();
        self.node.act(kOfxImageEffectActionGetClipPreferences, Some(instance), None, Some(&answers));
        let varies = answers.all(kOfxImageEffectFrameVarying) == [Value::Int(1)];
        // What nobody sees counts as well: it is a parameter like any other.
        let values = instance.params().into_iter().map(|(name, param)| format!("{name} {}", param.known_at(time)));
        let renders = values.filter(|value| !value.starts_with("status") && !value.starts_with("effectivePrompt"));
        let mut key = renders.collect::<Vec<_>>().join(",");
        key += &format!("{}{}", how.scale, if self.knows_drafts && how.draft { "draft" } else { "" });
        key += &if varies { time.to_string() } else { String::new() };
        self.pictures
            .borrow_mut()
            .entry(key)
            .or_insert_with(|| {
                let status = self.node.render_as(instance, time, whole(output), how);
                assert_eq!(status, kOfxStatOK, "{:?}", instance.messages);
                Layout::default().bytes(output)
            })
            .clone()
    }
}

#[test]
fn what_is_written_is_never_the_draft_of_the_viewer_and_the_viewer_shows_what_was_baked() {
    let host = Host::load(Manners { name: NATRON, ..Manners::default() });
    let (shelf, instance) = Shelf::new(&host, EDIT);
    set(&instance, "prompt", text("a green disc at night"));
    let output = connect(&instance, &Layout::default(), &disc());
    let truth = expected(EDIT, &[("prompt", "a green disc at night")], &disc());
    let draft = shelf.picture(&instance, &output, 0.0, VIEWER);
    assert_ne!(draft, truth, "the viewer is shown a draft while the artist works");
    assert_eq!(shelf.node.act(kOfxActionBeginInstanceEdit, Some(&instance), None, None), kOfxStatOK);
    assert!(
        read_out(&instance, c"status").starts_with("Shown: DRAFT, not the normal edit"),
        "{}",
        read_out(&instance, c"status")
    );
    for interactive in [true, false] {
        let written = shelf.picture(&instance, &output, 0.0, How { interactive, ..How::default() });
        assert_eq!(written, truth, "interactive {interactive}: a final render took the draft");
    }
    assert_eq!(press(&shelf.node, &instance, "bakeFrame"), kOfxStatOK, "{:?}", instance.messages);
    assert_eq!(
        shelf.picture(&instance, &output, 0.0, VIEWER),
        truth,
        "the viewer shows what was baked without a refresh"
    );
}

#[test]
fn every_frame_of_a_schedule_on_a_still_is_another_picture() {
    let host = Host::load(Manners { name: NATRON, ..Manners::default() });
    let (shelf, instance) = Shelf::new(&host, EDIT);
    let output = connect(&instance, &Layout::default(), &disc());
    let frames = |instance: &Effect| {
        let frames = (1..=24_u8).map(|frame| shelf.picture(instance, &output, frame.into(), How::default()));
        frames.collect::<std::collections::BTreeSet<_>>().len()
    };
    quick(&instance, "a photo in daylight");
    assert_eq!(frames(&instance), 1, "without a schedule nothing changes");
    set(&instance, "promptSchedule", text("1: a photo in daylight\n24: a scene by moonlight"));
    set(&instance, "transition", ParamValue::Int(2));
    set(&instance, "mode", ParamValue::Int(1));
    assert_eq!(frames(&instance), 24, "as in the shipped example");
    set(&instance, "promptSchedule", text(""));
    let prompt = instance.param(c"prompt").unwrap();
    prompt.key(1.0, text("a photo in daylight"));
    prompt.key(24.0, text("a scene by moonlight"));
    assert_eq!(frames(&instance), 24, "keys that are blended change every frame too");
    set(&instance, "transition", ParamValue::Int(0));
    assert_eq!(frames(&instance), 2, "keys that hold are the host's own");
}

/// `bytes` at half the size.
fn halved(bytes: &[u8]) -> Vec<u8> {
    let (width, height) = SIZE;
    let at = |x: usize, y: usize, channel: usize| u32::from(bytes[4 * (y * width + x) + channel]);
    let pixels = (0..height / 2).flat_map(|y| (0..width / 2).map(move |x| (2 * x, 2 * y)));
    let mean = |x, y, channel| {
        ((at(x, y, channel) + at(x + 1, y, channel) + at(x, y + 1, channel) + at(x + 1, y + 1, channel) + 2) / 4) as u8
    };
    pixels.flat_map(|(x, y)| [0, 1, 2, 3].map(|channel| mean(x, y, channel))).collect()
}

fn mean_difference(a: &[u8], b: &[u8]) -> f64 {
    let sum: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
    f64::from(sum) / a.len() as f64
}

#[test]
fn a_proxy_shows_the_edit_of_the_whole_frame_smaller() {
    let host = Host::load(Manners::default());
    let layout = Layout::default();
    let (node, instance) = host.instance(EDIT, FILTER);
    quick(&instance, "a green disc");
    set(&instance, "strength", ParamValue::Double(0.9));
    let proxy = || {
        let (width, height) = (SIZE.0 / 2, SIZE.1 / 2);
        instance.connect(SOURCE, layout.picture(width, height, &halved(&disc())));
        let output = layout.picture(width, height, &vec![0x11; 4 * width * height]);
        instance.connect(OUTPUT, output.clone());
        let how = How { scale: 0.5, ..How::default() };
        assert_eq!(node.render_as(&instance, 0.0, whole(&output), how), kOfxStatOK, "{:?}", instance.messages);
        node.act(kOfxActionBeginInstanceEdit, Some(&instance), None, None);
        (layout.bytes(&output), read_out(&instance, c"status"))
    };
    let (_, said) = proxy();
    assert!(said.starts_with("APPROXIMATE: normal edit of a proxy"), "{said}");
    let output = connect(&instance, &layout, &disc());
    assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
    let (shown, said) = proxy();
    let off = mean_difference(&shown, &halved(&layout.bytes(&output)));
    assert!(said.starts_with("normal edit of the whole frame") && off < 3.0, "{said}, off by {off} of 255 on average");
    set(&instance, "prompt", text("a blue disc"));
    assert!(proxy().1.starts_with("APPROXIMATE"), "another prompt is another edit");
}

#[test]
fn a_proxy_that_nobody_looks_at_does_not_depend_on_what_was_rendered_before() {
    let host = Host::load(Manners { background: true, ..Manners::default() });
    let layout = Layout::default();
    let (node, instance) = host.instance(EDIT, FILTER);
    quick(&instance, "a yellow disc");
    let (width, height) = (SIZE.0 / 2, SIZE.1 / 2);
    let proxy = || {
        instance.connect(SOURCE, layout.picture(width, height, &halved(&disc())));
        let output = layout.picture(width, height, &vec![0x11; 4 * width * height]);
        instance.connect(OUTPUT, output.clone());
        let how = How { scale: 0.5, ..How::default() };
        assert_eq!(node.render_as(&instance, 0.0, whole(&output), how), kOfxStatOK, "{:?}", instance.messages);
        layout.bytes(&output)
    };
    let before = proxy();
    let output = connect(&instance, &layout, &disc());
    assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
    assert_eq!(proxy(), before, "another machine of the farm has rendered nothing else");
}

#[test]
fn natron_is_asked_to_shrink_the_whole_frame_and_other_hosts_are_not() {
    for (name, at_half) in [(NATRON, kOfxStatFailed), (c"uk.co.thefoundry.nuke", kOfxStatReplyDefault)] {
        let host = Host::load(Manners { name, ..Manners::default() });
        for node in NODES {
            let (node, instance) = host.instance(node.id, GENERAL);
            let region = |scale: f64| {
                let arguments = PropSet::default().with(kOfxImageEffectPropRenderScale, [scale; 2].map(Value::Double));
                node.act(kOfxImageEffectActionGetRegionOfDefinition, Some(&instance), Some(&arguments), None)
            };
            assert_eq!((region(1.0), region(0.5)), (kOfxStatReplyDefault, at_half), "{name:?}");
        }
    }
}

#[test]
fn read_outs_are_short_lines_that_follow_renders_and_scrubbing() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(EDIT, FILTER);
    quick(&instance, "");
    set(&instance, "promptSchedule", text("0: a town at noon\n8: a town at night"));
    set(&instance, "transition", ParamValue::Int(1));
    let output = connect(&instance, &Layout::default(), &disc());
    assert_eq!(node.render(&instance, 3.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
    assert_eq!(node.act(kOfxActionSyncPrivateData, Some(&instance), None, None), kOfxStatOK);
    let lines = [c"status", c"statusEdit", c"statusEncoder", c"statusSource"].map(|name| read_out(&instance, name));
    let begins = ["normal edit, made now, frame 3", "", "", "sRGB, straight alpha"];
    for (line, begin) in lines.iter().zip(begins) {
        assert!(line.starts_with(begin) && line.len() > 3 && line.len() <= 72, "'{line}' of {lines:?}");
    }
    node.change(&instance, kOfxTypeParameter, "promptSchedule", kOfxChangeTime, 8.0);
    assert_eq!(read_out(&instance, c"effectivePrompt"), "a town at night");
    node.change(&instance, kOfxTypeParameter, "promptSchedule", kOfxChangeTime, 0.0);
    assert_eq!(read_out(&instance, c"effectivePrompt"), "a town at noon");
}

#[test]
fn a_preset_replaces_no_prompt_unasked() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(EDIT, FILTER);
    let choose = |option| {
        set(&instance, "promptPreset", ParamValue::Int(option));
        super::overlay::calls();
        assert_eq!(press(&node, &instance, "promptPreset"), kOfxStatOK);
        let questions = std::mem::take(&mut *instance.questions.lock());
        (read_out(&instance, c"prompt"), questions.len(), super::overlay::steps())
    };
    assert_eq!(choose(3), ("a photo in the snow".to_owned(), 0, 1), "into an empty prompt, as one step to undo");
    assert_eq!(choose(3).1, 0, "the same once more replaces nothing");
    set(&instance, "prompt", text("my own words, 100 %"));
    instance.says_no.store(true, Ordering::SeqCst);
    assert_eq!(choose(1), ("my own words, 100 %".to_owned(), 1, 0), "no");
    instance.says_no.store(false, Ordering::SeqCst);
    assert_eq!(choose(1), ("a photo at sunset".to_owned(), 1, 1), "yes");
    instance.param(c"prompt").unwrap().key(2.0, text("a photo at sunset"));
    assert_eq!(choose(1).1, 1, "keys are somebody's work");
}

#[test]
fn a_mask_without_data_hides_the_edit_as_black_does_and_its_inverse_shows_it() {
    let layout = Layout::default();
    let edited = |name: &'static CStr, connected: bool, set_more: &dyn Fn(&Effect)| {
        let host = Host::load(Manners { name, ..Manners::default() });
        let (node, instance) = host.instance(EDIT, GENERAL);
        quick(&instance, "a green disc");
        set_more(&instance);
        let output = connect(&instance, &layout, &disc());
        if connected {
            let alpha = Layout { components: kOfxImageComponentAlpha, ..layout };
            instance.connect(c"Mask", Picture { null: true, ..alpha.picture(SIZE.0, SIZE.1, &[0; SIZE.0 * SIZE.1]) });
        }
        assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
        layout.bytes(&output)
    };
    let invert = |instance: &Effect| set(instance, "maskInvert", ParamValue::Int(1));
    let full = edited(NATRON, false, &|_| {});
    assert_ne!(full, disc());
    assert_eq!(edited(NATRON, true, &|_| {}), disc(), "no data is black: the source");
    assert_eq!(edited(NATRON, true, &invert), full, "and white when inverted");
    assert_eq!(edited(NATRON, false, &invert), full, "an input that is not connected is no mask");
    assert_eq!(edited(RESOLVE, true, &|_| {}), full, "a host that calls every input connected is asked by a switch");
    let used = |instance: &Effect| set(instance, "useMask", ParamValue::Int(1));
    assert_eq!(edited(RESOLVE, true, &used), disc(), "switched on it counts");
}

#[test]
fn a_region_begins_on_the_source_and_one_beside_it_is_mentioned() {
    let host = Host::load(Manners::default());
    let layout = Layout::default();
    let (node, instance) = host.instance(EDIT, FILTER);
    quick(&instance, "");
    set(&instance, "region1Prompt", text("a green disc"));
    for (axis, side) in [(0, 1920.0), (1, 1080.0)] {
        instance.props.set(kOfxImageEffectPropProjectSize, axis, Value::Double(side));
    }
    // Where a host puts fractions of its project.
    set(&instance, "region1BottomLeft", ParamValue::Pair(480.0, 270.0));
    set(&instance, "region1Size", ParamValue::Pair(960.0, 540.0));
    set(&instance, "region1Enable", ParamValue::Int(1));
    let output = connect(&instance, &layout, &disc());
    let render = || {
        assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
        (layout.bytes(&output), instance.notices.lock().join("; "))
    };
    let (untouched, said) = render();
    assert_eq!(said, "", "untouched it lies on the source");
    press(&node, &instance, "region1Enable");
    let known = |name: &CStr| instance.param(name).unwrap().known_at(0.0);
    assert_eq!(known(c"region1BottomLeft"), "Some(Pair(12.0, 9.0))", "the viewer shows it there too");
    assert_eq!(known(c"region1Size"), "Some(Pair(24.0, 18.0))");
    assert_eq!(render().0, untouched, "the same edit");
    set(&instance, "region1BottomLeft", ParamValue::Pair(700.0, 270.0));
    press(&node, &instance, "region1Enable");
    assert_eq!(known(c"region1BottomLeft"), "Some(Pair(700.0, 270.0))", "what was moved stays");
    set(&instance, "prompt", text("a green disc"));
    let (_, said) = render();
    assert_eq!(said, "the region of 'a green disc' lies beside the picture and changes nothing");
}

#[test]
fn without_a_prompt_the_source_passes_and_a_word_stays_plain() {
    let host = Host::load(Manners::default());
    let layout = Layout::default();
    for id in [EDIT, "org.linocut.Recolor", STYLIZE] {
        let (node, instance) = host.instance(id, FILTER);
        let output = connect(&instance, &layout, &disc());
        assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
        assert_eq!(layout.bytes(&output), disc(), "{id}");
        assert!(instance.messages.lock().is_empty(), "no error");
        assert!(instance.notices.lock().join("; ").starts_with("type a prompt"), "{:?}", instance.notices);
        node.act(kOfxActionBeginInstanceEdit, Some(&instance), None, None);
        assert!(read_out(&instance, c"status").starts_with("source: type a prompt"));
    }
    let (node, instance) = host.instance(VECTORIZE, FILTER);
    let output = connect(&instance, &layout, &disc());
    assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK);
    assert!(instance.notices.lock().is_empty(), "tracing needs none");
    let (node, word) = host.instance(STYLIZE, kOfxImageEffectContextGenerator);
    set(&word, "text", text("A"));
    set(&word, "font", text(crate::util::file("examples/font.ttf").to_str().unwrap()));
    let output = layout.picture(SIZE.0, SIZE.1, &[0x11; 4 * SIZE.0 * SIZE.1]);
    word.connect(OUTPUT, output.clone());
    assert_eq!(node.render(&word, 0.0, whole(&output)), kOfxStatOK, "{:?}", word.messages);
    let bytes = layout.bytes(&output);
    assert!(bytes.as_chunks::<4>().0.iter().any(|pixel| pixel[0] < 64), "the letter is drawn");
    assert!(word.notices.lock().join("; ").starts_with("type a prompt"));
}

#[test]
fn a_baked_range_is_the_project_unless_it_is_named() {
    let host = Host::load(Manners { frames: [2.0, 5.0], ..Manners::default() });
    let (node, instance) = host.instance(EDIT, FILTER);
    let folder = crate::util::folder();
    quick(&instance, "a green disc");
    connect(&instance, &Layout::default(), &disc());
    set(&instance, "svgFile", text(folder.path().join("shot.#.svg").to_str().unwrap()));
    assert_eq!(press(&node, &instance, "exportRange"), kOfxStatOK, "{:?}", instance.messages);
    let names = ["shot.2.svg", "shot.3.svg", "shot.4.svg", "shot.5.svg"];
    assert_eq!(crate::util::names(folder.path()), names);
}

#[test]
fn a_number_that_is_typed_is_taken_over_from_the_node() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(EDIT, FILTER);
    let known = |name: &CStr| instance.param(name).unwrap().known_at(0.0);
    assert_eq!(known(c"iterationsAuto"), "Some(Int(1))");
    for name in ["iterations", "detail", "region3Patches"] {
        press(&node, &instance, name);
    }
    for name in [c"iterationsAuto", c"detailAuto", c"region3PatchesAuto"] {
        assert_eq!(known(name), "Some(Int(0))", "{name:?}");
    }
    assert_eq!(known(c"patchesAuto"), "Some(Int(1))", "the others stay the node's");
}

#[test]
fn a_region_is_copied_to_the_next_free_one() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(EDIT, FILTER);
    let known = |name: &CStr| instance.param(name).unwrap().known_at(0.0);
    set(&instance, "region1Enable", ParamValue::Int(1));
    set(&instance, "region1BottomLeft", ParamValue::Pair(3.0, 4.0));
    set(&instance, "region1Size", ParamValue::Pair(30.0, 40.0));
    set(&instance, "region1Prompt", text("a star"));
    set(&instance, "region1Weight", ParamValue::Double(2.5));
    set(&instance, "region1Patches", ParamValue::Int(7));
    set(&instance, "region2Prompt", text("for later"));
    super::overlay::calls();
    assert_eq!(press(&node, &instance, "region1Copy"), kOfxStatOK, "{:?}", instance.messages);
    assert_eq!(super::overlay::steps(), 1, "one step to undo");
    assert_eq!(known(c"region3BottomLeft"), "Some(Pair(19.0, -12.0))", "beside it, where there is no picture");
    for part in ["Enable", "Size", "Prompt", "Weight", "Patches", "PatchesAuto", "Only"] {
        let [from, to] = [1, 3].map(|number| std::ffi::CString::new(format!("region{number}{part}")).unwrap());
        assert_eq!(known(&from), known(&to), "{part}");
    }
    for number in 4..=8 {
        set(&instance, &format!("region{number}Enable"), ParamValue::Int(1));
    }
    assert_eq!(press(&node, &instance, "region1Copy"), kOfxStatFailed);
    assert!(instance.messages.lock().join("; ").contains("all 8 regions are in use"), "{:?}", instance.messages);
}

#[test]
fn a_copied_region_is_seen_beside_its_original_and_every_other_copy() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(EDIT, FILTER);
    connect(&instance, &Layout::default(), &disc());
    let (width, height) = (SIZE.0 as f64, SIZE.1 as f64);
    let step = 0.05 * width.min(height);
    let place = |number: u32| {
        let name = std::ffi::CString::new(format!("region{number}BottomLeft")).unwrap();
        instance.param(&name).unwrap().known_at(0.0)
    };
    let at = |x: f64, y: f64| format!("{:?}", Some(ParamValue::Pair(x, y)));
    set(&instance, "region1Enable", ParamValue::Int(1));
    set(&instance, "region1BottomLeft", ParamValue::Pair(3.0, 10.0));
    set(&instance, "region1Size", ParamValue::Pair(9.0, 11.0));
    set(&instance, "region1Prompt", text("a star"));
    for _ in 0..2 {
        assert_eq!(press(&node, &instance, "region1Copy"), kOfxStatOK, "{:?}", instance.messages);
    }
    assert_eq!([place(2), place(3)], [1.0, 2.0].map(|times| at(3.0 + times * step, 10.0 - times * step)));
    set(&instance, "region1BottomLeft", ParamValue::Pair(width - 9.0, 0.0));
    assert_eq!(press(&node, &instance, "region1Copy"), kOfxStatOK, "{:?}", instance.messages);
    assert_eq!(place(4), at(width - 9.0 - step, step), "up and to the left from the lower right corner");
}

#[test]
fn the_output_of_a_word_has_alpha_and_that_of_a_picture_is_the_hosts_affair() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(STYLIZE, GENERAL);
    let preferences = || {
        let answers = PropSet::default();
        assert_eq!(
            node.act(kOfxImageEffectActionGetClipPreferences, Some(&instance), None, Some(&answers)),
            kOfxStatOK
        );
        let components = answers.text(c"OfxImageClipPropComponents_Output");
        (answers.text(kOfxImageEffectPropPreMultiplication), components)
    };
    assert_eq!(preferences(), (String::new(), String::new()));
    set(&instance, "text", text("A"));
    assert_eq!(preferences(), ("OfxImageAlphaPremultiplied".to_owned(), "OfxImageComponentRGBA".to_owned()));
}

#[test]
fn the_colour_space_that_a_host_names_counts_before_the_depth() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(VECTORIZE, FILTER);
    let read_as = |space: Option<&CStr>| {
        let output = connect(&instance, &Layout::default(), &disc());
        if let Some(space) = space {
            let clip = instance.clip(SOURCE).unwrap();
            clip.props.set(kOfxImageClipPropColourspace, 0, Value::Text(space.to_owned()));
        }
        assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
        node.act(kOfxActionBeginInstanceEdit, Some(&instance), None, None);
        (read_out(&instance, c"statusSource"), Layout::default().bytes(&output))
    };
    let (usual, traced) = read_as(None);
    assert_eq!(usual, "sRGB, straight alpha", "bytes are sRGB unless the host knows better");
    let (named, linear) = read_as(Some(c"lin_rec709_srgb"));
    assert_eq!(named, "linear light, straight alpha");
    assert_ne!(linear, traced, "the numbers were read otherwise");
    assert_eq!(read_as(Some(c"arri_logc4")).0, usual, "a space of another gamut is not guessed at");
    let (_, descriptor) = host.described(VECTORIZE, FILTER);
    assert_eq!(descriptor.props.text(c"OfxImageEffectPropColourManagementStyle"), "OfxImageEffectColourManagementCore");
}

#[cfg(target_os = "linux")]
#[test]
fn no_more_threads_are_used_than_the_host_lends() {
    const CHILD: &str = "LINOCUT_TEST_THREADS";
    if std::env::var_os(CHILD).is_none() {
        // Threads belong to a process: this one may have its own already.
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "host::artist::no_more_threads_are_used_than_the_host_lends"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        return assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    }
    let host = Host::load(Manners { processors: 1, ..Manners::default() });
    let (node, instance) = host.instance(VECTORIZE, FILTER);
    let output = connect(&instance, &Layout::default(), &disc());
    assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).unwrap_or_default());
    assert_eq!(names.filter(|name| name.starts_with("linocut-")).count(), 1);
}
