//! Premultiplied, scene-linear floating point: soft edges show the edit, nothing is darker than black, and what is brighter than a
//! display stays so.

use super::buttons::STYLIZE;
use super::mini::{Host, Layout, Manners};
use super::objects::{Effect, ParamValue, Value};
use super::{EDIT, FILTER, OUTPUT, SOURCE, VECTORIZE, quick, set, whole};
use linocut::grade::oklab_from_srgb;
use linocut::image::color::srgb_from_linear;
use openfx::sys::generic::core::*;
use openfx::sys::image_effect_v1::image_effect::*;
use openfx::sys::image_effect_v1::param::*;

const RECOLOR: &str = "org.linocut.Recolor";
const SIZE: (usize, usize) = (96, 72);

/// Linear light and alpha of every pixel, top row first; colour premultiplied.
type Pixels = Vec<[f32; 4]>;

fn painted(pixel: impl Fn(f32, f32) -> [f32; 4]) -> Pixels {
    let (width, height) = SIZE;
    (0..width * height).map(|at| pixel((at % width) as f32 + 0.5, (at / width) as f32 + 0.5)).collect()
}

/// A red disc with a soft edge of 20 pixels on nothing.
fn soft_disc() -> Pixels {
    painted(|x, y| {
        let alpha = ((34.0 - (x - 48.0).hypot(y - 36.0)) / 20.0).clamp(0.0, 1.0);
        let light = 0.8 + 0.2 * (x / 96.0);
        [0.62 * light, 0.07 * light, 0.04 * light, 1.0].map(|value| value * alpha)
    })
}

/// A grey wall with a lamp of 4 and a red one, opaque.
fn lamps() -> Pixels {
    painted(|x, y| {
        let wall = 0.1 + 0.2 * x / 96.0;
        match () {
            () if (x - 24.0).hypot(y - 36.0) < 9.0 => [4.0, 3.5, 3.0, 1.0],
            () if (x - 70.0).hypot(y - 30.0) < 9.0 => [4.0, 0.08, 0.03, 1.0],
            () => [wall, 0.9 * wall, 0.8 * wall, 1.0],
        }
    })
}

/// What the node makes of `pixels`.
fn rendered(id: &str, pixels: &Pixels, prepare: impl Fn(&Effect)) -> Pixels {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(id, FILTER);
    let layout = Layout { depth: kOfxBitDepthFloat, ..Layout::default() };
    let picture = |values: &[f32]| {
        let bytes = values.iter().flat_map(|value| value.to_ne_bytes()).collect::<Vec<_>>();
        let mut picture = layout.picture(SIZE.0, SIZE.1, &bytes);
        picture.premultiplication = kOfxImagePreMultiplied;
        picture
    };
    instance.connect(SOURCE, picture(pixels.as_flattened()));
    let output = picture(&vec![-7.0; 4 * pixels.len()]);
    instance.connect(OUTPUT, output.clone());
    prepare(&instance);
    assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
    let bytes = layout.bytes(&output);
    let values = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_ne_bytes(*bytes)).collect::<Vec<_>>();
    values.as_chunks::<4>().0.to_vec()
}

/// What it is called, the node, and what an artist sets.
type Edit = (&'static str, &'static str, Box<dyn Fn(&Effect)>);

/// Ways to change colours, in few steps, and shapes alone.
fn edits() -> Vec<Edit> {
    let recolor = |instance: &Effect| quick(instance, "a green disc");
    let color = |instance: &Effect| {
        quick(instance, "a green disc");
        set(instance, "mode", ParamValue::Int(1));
    };
    let flat = move |instance: &Effect| {
        color(instance);
        set(instance, "detail", ParamValue::Double(0.0));
    };
    let region = move |instance: &Effect| {
        recolor(instance);
        set(instance, "prompt", super::text(""));
        set(instance, "region1Enable", ParamValue::Int(1));
        set(instance, "region1BottomLeft", ParamValue::Pair(2.0, 0.0));
        set(instance, "region1Size", ParamValue::Pair(92.0, 72.0));
        set(instance, "region1Prompt", super::text("a green disc"));
    };
    vec![
        ("recolor", RECOLOR, Box::new(recolor)),
        ("a colour edit", EDIT, Box::new(color)),
        ("a flat colour edit", EDIT, Box::new(flat)),
        ("a region", RECOLOR, Box::new(region)),
        ("shapes alone", VECTORIZE, Box::new(|_| {})),
    ]
}

fn oklab([r, g, b, alpha]: [f32; 4]) -> [f32; 3] {
    oklab_from_srgb([r, g, b].map(|value| srgb_from_linear(value / alpha)))
}

fn apart(a: [f32; 3], b: [f32; 3]) -> f32 {
    (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f32>().sqrt()
}

/// Mean colour of the pixels of `picture` whose alpha in `source` lies within `alphas`.
fn mean(picture: &Pixels, source: &Pixels, alphas: std::ops::RangeInclusive<f32>) -> [f32; 3] {
    let chosen = picture.iter().zip(source).filter(|(_, before)| alphas.contains(&before[3]));
    let colors = chosen.map(|(pixel, _)| oklab(*pixel)).collect::<Vec<_>>();
    [0, 1, 2].map(|axis| colors.iter().map(|color| color[axis]).sum::<f32>() / colors.len() as f32)
}

/// The darkest number of a picture.
fn darkest(picture: &Pixels) -> f32 {
    picture.as_flattened().iter().copied().fold(f32::INFINITY, f32::min)
}

#[test]
fn a_soft_edge_has_the_colours_of_the_edit_and_keeps_its_alpha() {
    let source = soft_disc();
    let mut faults = Vec::new();
    for (name, id, prepare) in edits() {
        let made = rendered(id, &source, prepare);
        let inside = mean(&made, &source, 1.0..=1.0);
        let changed = apart(inside, mean(&source, &source, 1.0..=1.0));
        let rims = [0.02..=0.2, 0.2..=0.45, 0.45..=0.7, 0.7..=0.99].map(|rim| apart(mean(&made, &source, rim), inside));
        println!("{name}: changed by {changed}, rims off by {rims:?}, darkest {}", darkest(&made));
        let holds = [
            ("the edit is seen", changed > 0.05 || id == VECTORIZE),
            ("rims have the colour of the inside", rims.iter().all(|rim| *rim < 0.03)),
            ("nothing is darker than black", darkest(&made) >= 0.0),
            ("alpha is kept", made.iter().zip(&source).all(|(made, source)| made[3] == source[3])),
        ];
        faults.extend(holds.into_iter().filter(|(_, holds)| !holds).map(|(what, _)| format!("{name}: {what}")));
    }
    assert!(faults.is_empty(), "not so: {faults:#?}");
}

#[test]
fn light_beyond_the_display_is_kept_where_shapes_stand_for_it_and_nothing_is_darker_than_black() {
    let source = lamps();
    let at = |x: usize, y: usize| y * SIZE.0 + x;
    let (white, red) = (at(24, 36), at(70, 30));
    let made = rendered(VECTORIZE, &source, |_| {});
    println!("shapes: {:?} {:?}, darkest {}", made[white], made[red], darkest(&made));
    let off =
        |lamp: usize| (0..3).map(|plane| (made[lamp][plane] / source[lamp][plane] - 1.0).abs()).fold(0.0, f32::max);
    let mut faults = Vec::new();
    let mut check = |holds: bool, what: String| faults.extend((!holds).then_some(what));
    check(off(white).max(off(red)) < 0.1, format!("shapes: {:?} {:?}", made[white], made[red]));
    check(darkest(&made) >= 0.0, "shapes: darker than black".to_owned());
    for prompt in ["at night", "black and white", "underwater"] {
        for detail in [1.0, 0.5, 0.0] {
            let made = rendered(RECOLOR, &source, |instance| {
                quick(instance, prompt);
                set(instance, "detail", ParamValue::Double(detail));
            });
            println!("{prompt} {detail}: {:?} {:?}, darkest {}", made[white], made[red], darkest(&made));
            check(darkest(&made) >= 0.0, format!("{prompt}, detail {detail}: {}", darkest(&made)));
            let [r, g, b, _] = made[white];
            let most = r.max(g).max(b);
            check(detail < 1.0 || most > 1.2, format!("{prompt}: the lamp is dim, {:?}", made[white]));
            let is_grey =
                [made[white], made[red]].iter().all(|[r, g, b, _]| (r - g).abs().max((g - b).abs()) < 0.01 * most);
            check(
                prompt != "black and white" || detail == 0.5 || is_grey,
                format!("{prompt}: {:?} {:?}", made[white], made[red]),
            );
        }
    }
    let slight = rendered(RECOLOR, &source, |instance| {
        quick(instance, "at night");
        set(instance, "strength", ParamValue::Double(1e-6));
    });
    check((slight[red][0] - 4.0).abs() < 0.01, format!("next to no strength: {:?}", slight[red]));
    assert!(faults.is_empty(), "not so: {faults:#?}");
}

#[test]
fn light_without_cover_goes_through() {
    let mut source = soft_disc();
    source[0] = [0.3, 0.2, 0.1, 0.0];
    for id in [VECTORIZE, RECOLOR] {
        let made = rendered(id, &source, |instance| {
            if id == RECOLOR {
                quick(instance, "a green disc");
            }
        });
        assert_eq!(made[0], source[0], "{id}");
    }
}

/// The word A in a frame of `layout`, whose channels are read as numbers of 0 to 1.
fn word(layout: &Layout, premultiplication: &'static std::ffi::CStr, prepare: impl Fn(&Effect)) -> Vec<f32> {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(STYLIZE, kOfxImageEffectContextGenerator);
    quick(&instance, "flames");
    set(&instance, "text", super::text("A"));
    set(&instance, "font", super::text(crate::util::file("examples/font.ttf").to_str().unwrap()));
    prepare(&instance);
    let bytes = vec![0x11; SIZE.0 * SIZE.1 * layout.channels() * layout.channel_bytes()];
    let mut output = layout.picture(SIZE.0, SIZE.1, &bytes);
    output.premultiplication = premultiplication;
    instance.connect(OUTPUT, output.clone());
    assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
    let bytes = layout.bytes(&output);
    bytes.chunks(layout.channel_bytes()).map(|bytes| super::value(layout, bytes)).collect()
}

#[test]
fn letters_have_alpha_and_the_hosts_colour_and_lie_on_white_where_there_is_no_alpha() {
    let float = Layout { depth: kOfxBitDepthFloat, ..Layout::default() };
    const COLOR: [f64; 3] = [0.5, 0.25, 0.1];
    let colored = |instance: &Effect| set(instance, "letterColor", ParamValue::Triple(COLOR));
    for (premultiplication, is_multiplied) in [(kOfxImagePreMultiplied, true), (kOfxImageUnPreMultiplied, false)] {
        let values = word(&float, premultiplication, colored);
        let pixels = values.as_chunks::<4>().0;
        assert_eq!(pixels[0][3], 0.0, "nothing in the corner");
        assert!(pixels.iter().filter(|pixel| pixel[3] == 1.0).count() > 100, "letters cover");
        assert!(pixels.iter().any(|pixel| pixel[3] > 0.2 && pixel[3] < 0.8), "soft outlines");
        for pixel in pixels {
            let by = if is_multiplied { pixel[3] } else { 1.0 };
            let off = pixel.iter().zip(COLOR).map(|(found, wanted)| (found - by * wanted as f32).abs());
            assert!(off.fold(0.0, f32::max) < 1e-4, "{pixel:?}, multiplied: {is_multiplied}");
        }
    }
    // Bytes are display-referred, and so is the colour then.
    let byte = word(&Layout::default(), kOfxImageUnPreMultiplied, colored);
    assert_eq!(byte[..4], [128.0 / 255.0, 64.0 / 255.0, 26.0 / 255.0, 0.0]);
    let on_white = word(&float, kOfxImagePreMultiplied, |instance| set(instance, "ground", ParamValue::Int(1)));
    assert_eq!(on_white[..4], [1.0; 4], "ground");
    let rgb = Layout { components: kOfxImageComponentRGB, ..float };
    let bare = word(&rgb, kOfxImageOpaque, |_| {});
    assert!(bare[..3] == [1.0; 3] && bare.iter().any(|value| *value < 0.2), "no alpha to put nothing into");
}

#[test]
fn colours_are_colours_and_files_open_the_dialog_that_fits() {
    let host = Host::load(Manners::default());
    let (_, effect) = host.described(STYLIZE, FILTER);
    let color = effect.param(c"letterColor").unwrap();
    assert_eq!(color.kind.as_c_str(), kOfxParamTypeRGB);
    assert_eq!(color.props.all(kOfxParamPropDefault), [0.0; 3].map(Value::Double));
    for (file, is_there) in [(c"font", 1), (c"svgFile", 0)] {
        let exists = effect.param(file).unwrap().props.all(kOfxParamPropStringFilePathExists);
        assert_eq!(exists, [Value::Int(is_there)], "{file:?}");
    }
}
