//! A picture takes the look of another and stays itself, whatever the other one is; measured by colours and by steps of luma.

use crate::util::{Ran, file, folder, linocut, names, picture, write_disc};
use image::{Rgb, RgbImage, Rgba, RgbaImage};
use linocut::grade::{Palette, oklab_from_srgb};
use linocut::image::Image;
use std::path::Path;

const DRAFT: [&str; 6] = ["--quality", "draft", "--threads", "2", "-o", "out.png"];

fn transfer(folder: &Path, input: &str, reference: &str, more: &[&str]) -> Ran {
    linocut(folder, &[&["transfer", input, "--reference", reference], &DRAFT[..], more, &["--json"]].concat())
}

fn done(folder: &Path, input: &str, reference: &str, more: &[&str]) -> Image {
    let ran = transfer(folder, input, reference, more);
    assert_eq!(ran.code, 0, "{reference} {more:?}: {}", ran.stderr);
    picture(&folder.join("out.png"))
}

fn example(name: &str) -> String {
    file(&format!("examples/{name}")).to_str().unwrap().to_owned()
}

fn colors(image: &Image) -> Vec<[f32; 3]> {
    (0..image.pixels()).map(|at| oklab_from_srgb([0, 1, 2].map(|plane: usize| image.planes[plane][at]))).collect()
}

/// How far the colours of a picture are from having a palette.
fn distance(palette: &Palette, image: &Image) -> f64 {
    palette.distance(&colors(image), &vec![1.0; image.pixels()]).squared.sqrt()
}

/// The correlation of the steps of lightness to the right in two pictures of one size.
fn correlation(a: &Image, b: &Image) -> f32 {
    let steps = |image: &Image| {
        let lights = colors(image).iter().map(|color| color[0]).collect::<Vec<_>>();
        lights
            .chunks(image.width)
            .flat_map(|row| row.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>())
            .collect::<Vec<f32>>()
    };
    let (a, b) = (steps(a), steps(b));
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
}

#[test]
fn a_cup_takes_the_colours_of_a_night_launch_and_stays_the_same_cup() {
    let folder = folder();
    let (coffee, rocket) = (example("coffee.jpg"), example("rocket.jpg"));
    let (before, reference) = (picture(Path::new(&coffee)), picture(Path::new(&rocket)));
    let palette = Palette::of_picture(&reference).unwrap();
    let after = done(folder.path(), &coffee, &rocket, &["--cache", "cache"]);
    let (far, near) = (distance(&palette, &before), distance(&palette, &after));
    assert!(near < 0.4 * far, "{far} to {near}");
    assert!(correlation(&before, &after) > 0.8, "{}", correlation(&before, &after));
    let ran =
        transfer(folder.path(), &coffee, &rocket, &["--cache", "cache", "--keep-structure", "0", "--strength", "0.5"]);
    assert_eq!(ran.json()["cache_hit"], true, "live knobs never edit again: {}", ran.stderr);
    let half = distance(&palette, &picture(&folder.path().join("out.png")));
    assert!(near < half && half < far, "half of the way: {near}, {half}, {far}");
    let source = done(folder.path(), &coffee, &rocket, &["--cache", "cache", "--strength", "0"]);
    assert_eq!(source.planes, before.planes, "strength 0 is the source");
}

#[test]
fn a_reference_without_colour_takes_all_colour_away() {
    let folder = folder();
    let after = done(folder.path(), &example("chelsea.jpg"), &example("camera.jpg"), &[]);
    let most = colors(&after).iter().map(|[_, a, b]| a.hypot(*b)).fold(0.0, f32::max);
    assert!(most < 0.02, "a pixel has the chroma {most}");
}

#[test]
fn references_of_every_kind_make_a_picture_and_the_same_one_on_any_number_of_threads() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    write_disc(&at("disc.png"), 48);
    RgbImage::from_pixel(16, 16, Rgb([200, 120, 40])).save(at("one.png")).unwrap();
    RgbImage::from_pixel(1, 1, Rgb([0, 0, 0])).save(at("dot.png")).unwrap();
    RgbImage::from_fn(700, 3, |x, _| Rgb([(x / 3) as u8, 90, 200])).save(at("strip.png")).unwrap();
    let cut = |x: u32, y: u32| Rgba([30, 200, (4 * x) as u8, if y < 20 { 0 } else { 255 }]);
    RgbaImage::from_fn(40, 40, cut).save(at("cut.png")).unwrap();
    let source = picture(&at("disc.png"));
    for (input, reference) in [
        ("disc.png", "one.png"),
        ("disc.png", "dot.png"),
        ("disc.png", "strip.png"),
        ("disc.png", "cut.png"),
        ("one.png", "disc.png"),
        ("dot.png", "disc.png"),
        ("strip.png", "one.png"),
    ] {
        let run = |threads| {
            let more = ["--cache", "off", "--threads", threads];
            let args =
                [&["transfer", input, "--reference", reference, "--quality", "draft", "-o", "out.png"], &more[..]];
            let ran = linocut(folder.path(), &args.concat());
            assert_eq!(ran.code, 0, "{input} like {reference}: {}", ran.stderr);
            std::fs::read(at("out.png")).unwrap()
        };
        assert_eq!(run("1"), run("2"), "{input} like {reference}");
    }
    let one = Palette::of_picture(&picture(&at("one.png"))).unwrap();
    let after = done(folder.path(), "disc.png", "one.png", &["--cache", "off"]);
    let (far, near) = (distance(&one, &source), distance(&one, &after));
    assert!(near < far, "towards the one colour: {far} to {near}");
}

#[test]
fn what_cannot_be_followed_is_said_and_nothing_is_left() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 48);
    RgbaImage::new(9, 9).save(folder.path().join("clear.png")).unwrap();
    std::fs::write(folder.path().join("in.svg"), "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>")
        .unwrap();
    let before = names(folder.path());
    let refused = |args: &[&str], code: i32, message: &str| {
        let ran = linocut(folder.path(), &[&["transfer", "in.png", "-o", "out.png"], args].concat());
        assert_eq!(ran.code, code, "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(message), "{args:?}: {}", ran.stderr);
        assert_eq!(names(folder.path()), before, "files left behind for {args:?}");
    };
    refused(&[], 2, "no reference: connect a picture to Reference, or name a file (--reference, referenceFile)");
    refused(&["--reference", "absent.png"], 1, "absent.png: cannot be read");
    refused(&["--reference", "in.svg"], 2, "--reference in.svg: give a picture, not an SVG");
    refused(&["--reference", "clear.png"], 1, "nothing is seen of the reference");
    refused(
        &["--reference", "in.png", "--keep-structure", "2"],
        2,
        "Keep structure (--keep-structure) is '2': give 0 to 1",
    );
    refused(&["--reference", "in.png", "--quality", "paper"], 2, "--quality");
    refused(&["--reference", "in.png", "--prompt", "x"], 2, "--prompt");
}
