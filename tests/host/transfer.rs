//! The node with two pictures: what it follows, and what it does where there is nothing to follow.

use super::mini::{Host, Layout, Manners, text};
use super::objects::{Effect, ParamValue, PropSet, Value};
use super::{FILTER, GENERAL, SIZE, connect, disc, expected_with, save, set, stored, whole};
use openfx::sys::generic::core::*;
use openfx::sys::image_effect_v1::image_effect::*;

pub(crate) const TRANSFER: &str = "org.linocut.ConceptTransfer";
const REFERENCE: &std::ffi::CStr = c"Reference";
const SETTINGS: [(&str, &str); 3] = [("--reference", "reference.png"), ("iterations", "3"), ("patches", "2")];

/// A still life in brown and green, of the disc's size.
pub(crate) fn reference() -> Vec<u8> {
    let (width, height) = SIZE;
    let pixel = |at: usize| {
        let (x, y) = ((at % width) as u8, (at / width) as u8);
        if x > 30 { [120 + x, 80 + y, 30, 255] } else { [40, 90 + 2 * y, 40 + x, 255] }
    };
    (0..width * height).flat_map(pixel).collect()
}

/// Few steps.
pub(crate) fn quick(instance: &Effect) {
    set(instance, "iterations", ParamValue::Int(3));
    set(instance, "patches", ParamValue::Int(2));
}

fn follow(instance: &Effect, bytes: &[u8]) {
    let layout = Layout::default();
    instance.connect(REFERENCE, layout.picture(SIZE.0, SIZE.1, &stored(&layout, bytes)));
}

/// What the command line makes of the disc.
fn wanted(more: &[(&str, &str)]) -> Vec<u8> {
    let folder = crate::util::folder();
    let path = folder.path().join("reference.png");
    save(&path, &reference());
    let png = std::fs::read(path).unwrap();
    expected_with(TRANSFER, &[&SETTINGS[..], more].concat(), &disc(), &[("reference.png", &png)])
}

#[test]
fn a_connected_reference_is_the_command_lines_and_live_knobs_never_edit_again() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(TRANSFER, GENERAL);
    quick(&instance);
    follow(&instance, &reference());
    let layout = Layout::default();
    let rendered = |frame: f64| {
        let output = connect(&instance, &layout, &disc());
        assert_eq!(node.render(&instance, frame, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
        node.act(kOfxActionBeginInstanceEdit, Some(&instance), None, None);
        (layout.bytes(&output), instance.param(c"status").unwrap().text_at(0.0))
    };
    let (found, shown) = rendered(0.0);
    assert_eq!(found, wanted(&[]));
    assert!(shown.starts_with("normal edit"), "{shown}");
    set(&instance, "strength", ParamValue::Double(0.5));
    set(&instance, "keepStructure", ParamValue::Double(0.25));
    let (found, shown) = rendered(1.0);
    assert!(shown.contains("from the cache"), "{shown}");
    assert_eq!(found, wanted(&[("strength", "0.5"), ("keepStructure", "0.25")]));
}

#[test]
fn a_host_with_one_input_names_a_file() {
    let folder = crate::util::folder();
    let path = folder.path().join("reference.png");
    save(&path, &reference());
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(TRANSFER, FILTER);
    quick(&instance);
    set(&instance, "referenceFile", text(path.to_str().unwrap()));
    let layout = Layout::default();
    let output = connect(&instance, &layout, &disc());
    assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
    assert_eq!(layout.bytes(&output), wanted(&[]));
    set(&instance, "referenceFile", text("no such file.png"));
    let output = connect(&instance, &layout, &disc());
    assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatFailed);
    let said = format!("{:?}", instance.messages);
    assert!(said.contains("no such file.png: cannot be read"), "{said}");
}

#[test]
fn without_a_reference_the_source_comes_out_and_the_node_says_what_to_connect() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(TRANSFER, GENERAL);
    let layout = Layout::default();
    let output = connect(&instance, &layout, &disc());
    assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
    assert_eq!(layout.bytes(&output), disc(), "the source");
    node.act(kOfxActionBeginInstanceEdit, Some(&instance), None, None);
    let shown = instance.param(c"status").unwrap().text_at(0.0);
    assert!(shown.contains("connect a picture to Reference"), "{shown}");
}

#[test]
fn a_fixed_frame_of_the_reference_is_what_the_host_is_asked_for() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(TRANSFER, GENERAL);
    connect(&instance, &Layout::default(), &disc());
    follow(&instance, &reference());
    *instance.clip(REFERENCE).unwrap().drift_px.lock() = 1.0;
    let arguments = PropSet::default().with(kOfxPropTime, [Value::Double(7.0)]);
    let asked = |action| {
        let answers = PropSet::default();
        assert_eq!(node.act(action, Some(&instance), Some(&arguments), Some(&answers)), kOfxStatOK);
        (answers.all(c"OfxImageClipPropFrameRange_Reference"), answers.all(c"OfxImageClipPropRoI_Reference"))
    };
    assert_eq!(asked(kOfxImageEffectActionGetFramesNeeded).0, [7.0; 2].map(Value::Double), "the frame of the render");
    set(&instance, "referenceFrame", ParamValue::Int(3));
    assert_eq!(asked(kOfxImageEffectActionGetFramesNeeded).0, [3.0; 2].map(Value::Double), "the fixed frame");
    let region = asked(kOfxImageEffectActionGetRegionsOfInterest).1;
    assert_eq!(region, [3.0, 0.0, 51.0, 36.0].map(Value::Double), "of which the region is asked for");
}

#[test]
fn a_reference_that_is_no_picture_of_anything_is_said() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(TRANSFER, GENERAL);
    quick(&instance);
    let clear = reference().as_chunks::<4>().0.iter().flat_map(|[r, g, b, _]| [*r, *g, *b, 0]).collect::<Vec<_>>();
    follow(&instance, &clear);
    let output = connect(&instance, &Layout::default(), &disc());
    assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatFailed);
    let said = format!("{:?}", instance.messages);
    assert!(said.contains("nothing is seen of the reference"), "{said}");
    let floats = Layout { depth: kOfxBitDepthFloat, ..Layout::default() };
    let mut numbers = stored(&floats, &reference());
    numbers[..4].copy_from_slice(&f32::NAN.to_ne_bytes());
    instance.connect(REFERENCE, floats.picture(SIZE.0, SIZE.1, &numbers));
    assert_eq!(node.render(&instance, 1.0, whole(&output)), kOfxStatFailed);
    let said = format!("{:?}", instance.messages);
    assert!(said.contains("Reference"), "the input with pixels that are not numbers is named: {said}");
}

/// The diffusion engine with small random weights.
fn paint(instance: &Effect) {
    let model = crate::util::file("tests/fixtures/diffusion/model");
    set(instance, "engine", ParamValue::Int(1));
    set(instance, "model", text(model.to_str().unwrap()));
    set(instance, "concept", text("star"));
    set(instance, "quality", ParamValue::Int(0));
}

#[test]
fn a_painted_picture_is_the_command_lines_and_the_node_names_its_model() {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(TRANSFER, GENERAL);
    paint(&instance);
    follow(&instance, &reference());
    let layout = Layout::default();
    let output = connect(&instance, &layout, &disc());
    assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
    node.act(kOfxActionBeginInstanceEdit, Some(&instance), None, None);
    let model = crate::util::file("tests/fixtures/diffusion/model");
    let asked = [
        ("--reference", "reference.png"),
        ("engine", "diffusion"),
        ("model", model.to_str().unwrap()),
        ("concept", "star"),
        ("quality", "draft"),
    ];
    let folder = crate::util::folder();
    let path = folder.path().join("reference.png");
    save(&path, &reference());
    let png = std::fs::read(path).unwrap();
    assert_eq!(layout.bytes(&output), expected_with(TRANSFER, &asked, &disc(), &[("reference.png", &png)]));
    let shown = instance.param(c"statusEncoder").unwrap().text_at(0.0);
    assert!(shown.contains("diffusion/model"), "{shown}");
    let shown = instance.param(c"statusEdit").unwrap().text_at(0.0);
    assert!(shown.starts_with("painted at"), "{shown}");
}
