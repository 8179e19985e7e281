//! Edits do what their words say, measured by nothing that took part in them: chroma, luma, hue, areas.

use crate::util::{Ran, file, folder, linocut, picture, write_disc};
use linocut::image::{Image, color};
use std::path::Path;

fn run(folder: &Path, args: &[&str]) -> Ran {
    let ran = linocut(folder, &[args, &["--json"]].concat());
    assert_eq!(ran.code, 0, "{args:?}: {}", ran.stderr);
    ran
}

fn oklab(image: &Image) -> Vec<[f32; 3]> {
    let srgb = |at: usize| [0, 1, 2].map(|plane: usize| image.planes[plane][at]);
    (0..image.pixels()).map(|at| color::oklab_from_linear(srgb(at).map(color::linear_from_srgb))).collect()
}

fn mean(values: impl Iterator<Item = f32>) -> f32 {
    let (sum, count) = values.fold((0.0_f64, 0u32), |(sum, count), value| (sum + f64::from(value), count + 1));
    (sum / f64::from(count.max(1))) as f32
}

fn coffee() -> String {
    file("examples/coffee.jpg").to_str().unwrap().to_owned()
}

/// The coffee before and after a recolouring at its default settings.
fn recolored(prompt: &str) -> [Image; 2] {
    let folder = folder();
    run(folder.path(), &["recolor", &coffee(), "--prompt", prompt, "-o", "out.png"]);
    run(
        folder.path(),
        &["recolor", &coffee(), "--prompt", prompt, "-o", "in.png", "--strength", "0", "--quality", "draft"],
    );
    ["in.png", "out.png"].map(|name| picture(&folder.path().join(name)))
}

#[test]
fn black_and_white_takes_the_colours_and_draws_no_band() {
    let [before, after] = recolored("black and white");
    let chroma = |image: &Image| mean(oklab(image).iter().map(|[_, a, b]| a.hypot(*b)));
    let left = chroma(&after) / chroma(&before);
    assert!(left <= 0.15, "{left} of the chroma is left");
    let largest_step = |image: &Image, at: usize| {
        (0..3).map(|plane| (image.planes[plane][at + 1] - image.planes[plane][at]).abs()).fold(0.0, f32::max)
    };
    let width = before.width;
    let inside = |at: &usize| (1..width - 2).contains(&(at % width));
    let near = |at: usize| (at - 1..=at + 1).map(|at| largest_step(&before, at)).fold(0.0, f32::max);
    let places = (1..before.pixels() - 2).filter(inside).collect::<Vec<_>>();
    let bands = places.iter().filter(|&&at| largest_step(&after, at) > 3.0 * near(at) + 0.03).count();
    assert!(bands as f32 <= 2e-4 * places.len() as f32, "{bands} edges that the photograph lacks");
}

#[test]
fn night_is_dark_and_blue_and_not_black() {
    let [before, after] = recolored("at night");
    let luma = |image: &Image| {
        let of = |at: usize| 0.2126 * image.planes[0][at] + 0.7152 * image.planes[1][at] + 0.0722 * image.planes[2][at];
        mean((0..image.pixels()).map(of))
    };
    let left = luma(&after) / luma(&before);
    assert!((0.2..=0.55).contains(&left), "{left} of the light is left");
    let blue = |image: &Image| mean(oklab(image).iter().map(|[_, _, b]| *b));
    assert!(blue(&after) < blue(&before) - 0.02, "bluer");
}

/// A black disc of 48 corners on white.
fn write_polygon(path: &Path) {
    let corner = |step: usize| {
        let angle = step as f64 * std::f64::consts::PI / 24.0;
        format!("{:.1},{:.1}", 128.0 + 75.0 * angle.cos(), 128.0 + 75.0 * angle.sin())
    };
    let corners = (0..48).map(corner).collect::<Vec<_>>().join(" ");
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"256\" height=\"256\"><rect width=\"256\" height=\"256\" \
         fill=\"#fff\"/><polygon points=\"{corners}\"/></svg>"
    );
    std::fs::write(path, svg).unwrap();
}

#[test]
fn a_disc_becomes_a_star_and_not_only_in_the_eyes_of_the_encoder() {
    let folder = folder();
    write_polygon(&folder.path().join("disc.svg"));
    let report = run(
        folder.path(),
        &["edit", "disc.svg", "--mode", "shape", "--prompt", "a star", "-o", "star.png", "--iterations", "24"],
    );
    assert!(report.json()["cosine_after"].as_f64().unwrap() > 0.35, "{}", report.stdout);
    // Five arms: along a circle about the middle, black and white change places ten times.
    let star = picture(&folder.path().join("star.png"));
    let dark = |x: f32, y: f32| {
        let at = (y.round().clamp(0.0, 255.0) as usize) * star.width + x.round().clamp(0.0, 255.0) as usize;
        star.planes[0][at] < 0.5 && star.planes[3][at] > 0.5
    };
    let pixels = (0..256 * 256).map(|at| ((at % 256) as f32, (at / 256) as f32)).filter(|&(x, y)| dark(x, y));
    let inside = pixels.collect::<Vec<_>>();
    let middle = [mean(inside.iter().map(|(x, _)| *x)), mean(inside.iter().map(|(_, y)| *y))];
    let changes = |radius: f32| {
        let at = |step: usize| {
            let [cos, sin] = color::cos_sin_of_turns(step as f32 / 720.0);
            dark(middle[0] + radius * cos, middle[1] + radius * sin)
        };
        (0..720).filter(|&step| at(step) != at(step + 1)).count()
    };
    let most = (40..90).map(|radius| changes(radius as f32)).max();
    assert!(most >= Some(8), "{most:?} changes around the middle: no arms");
}

#[test]
fn strength_runs_from_the_source_to_the_edit_without_editing_anew() {
    let folder = folder();
    let edit = |strength: &str, out: &str| {
        let args = ["recolor", &coffee(), "--prompt", "a red picture", "--quality", "draft", "--cache", "scenes"];
        run(folder.path(), &[&args[..], &["--strength", strength, "-o", out, "--svg", "out.svg"]].concat()).json()
    };
    let whole = edit("1", "1.png");
    let none = edit("0", "0.png");
    let half = edit("0.5", "half.png");
    assert_eq!((&none["cache_hit"], &half["cache_hit"]), (&true.into(), &true.into()), "live");
    assert_eq!(whole["job_hash"], half["job_hash"], "the same edit");
    let [source, zero, mid, one] = [
        image::open(coffee()).unwrap().to_rgb8().into_raw(),
        image::open(folder.path().join("0.png")).unwrap().to_rgb8().into_raw(),
        image::open(folder.path().join("half.png")).unwrap().to_rgb8().into_raw(),
        image::open(folder.path().join("1.png")).unwrap().to_rgb8().into_raw(),
    ];
    assert!(source == zero, "strength 0 is the source, bit for bit");
    let far = |a: &[u8], b: &[u8]| mean(a.iter().zip(b).map(|(a, b)| f32::from(a.abs_diff(*b))));
    let (all, first, rest) = (far(&source, &one), far(&source, &mid), far(&mid, &one));
    assert!(first > 0.25 * all && rest > 0.25 * all, "half lies between: {first} and {rest} of {all}");
    let refused = linocut(folder.path(), &["recolor", &coffee(), "--prompt", "x", "--strength", "1.5", "-o", "no.png"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("--strength") && refused.stderr.contains("0 to 1"), "{}", refused.stderr);
}

#[test]
fn what_is_frozen_keeps_its_bits() {
    let folder = folder();
    let args = ["recolor", &coffee(), "--prompt", "a blue picture", "--only", "130,4,250,240", "--quality", "draft"];
    run(folder.path(), &[&args[..], &["-o", "out.png"]].concat());
    let source = image::open(coffee()).unwrap().to_rgb8();
    let out = image::open(folder.path().join("out.png")).unwrap().to_rgb8();
    let changed = |x: u32, y: u32| source.get_pixel(x, y) != out.get_pixel(x, y);
    let all = (0..source.height()).flat_map(|y| (0..source.width()).map(move |x| (x, y)));
    let inside = |&(x, y): &(u32, u32)| (130..380).contains(&x) && (4..244).contains(&y);
    // A shape that lies mostly inside may reach out of the rectangle; far from it nothing may change.
    let far = |&(x, y): &(u32, u32)| !(60..450).contains(&x) || y >= 320;
    let (within, beyond): (Vec<_>, Vec<_>) = all.partition(inside);
    assert!(within.iter().any(|&(x, y)| changed(x, y)), "something changed");
    let stray = beyond.iter().filter(|at| far(at)).find(|&&(x, y)| changed(x, y));
    assert_eq!(stray, None, "a pixel far outside changed");
}

#[test]
fn a_region_grades_the_thing_and_not_its_rectangle() {
    let folder = folder();
    let flower = file("examples/flower.jpg");
    let flower = flower.to_str().unwrap();
    let args = ["edit", flower, "--mode", "color", "--region", "150,60,210,230:a blue flower", "-o", "out.png"];
    run(folder.path(), &args);
    let out = picture(&folder.path().join("out.png"));
    run(
        folder.path(),
        &["edit", flower, "--mode", "color", "--prompt", "x", "--strength", "0", "--quality", "draft", "-o", "in.png"],
    );
    let before = picture(&folder.path().join("in.png"));
    let (then, now) = (oklab(&before), oklab(&out));
    let is_petal = |[l, a, b]: &[f32; 3]| *l > 0.55 && *a > 0.02 && *b > 0.04;
    let inside = |at: usize| (170..340).contains(&(at % out.width)) && (90..270).contains(&(at / out.width));
    let petals = (0..out.pixels()).filter(|&at| inside(at) && is_petal(&then[at])).collect::<Vec<_>>();
    let blue = petals.iter().filter(|&&at| now[at][2] < -0.02).count();
    assert!(blue as f32 > 0.7 * petals.len() as f32, "{blue} of {} petals are blue", petals.len());
    let is_ground = |[_, a, b]: &[f32; 3]| *a < 0.0 && *b < 0.03;
    let ground = (0..out.pixels()).filter(|&at| is_ground(&then[at])).collect::<Vec<_>>();
    let changed = |at: &&usize| (0..3).any(|plane| (before.planes[plane][**at] - out.planes[plane][**at]).abs() > 0.03);
    let stray = ground.iter().filter(changed).count();
    assert!(stray as f32 <= 0.05 * out.pixels() as f32, "{stray} pixels of the ground changed");
}

#[test]
fn the_look_is_written_as_a_table_for_other_programs() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 48);
    let args = ["recolor", "in.png", "--prompt", "a blue picture", "--quality", "draft"];
    run(folder.path(), &[&args[..], &["--lut", "look.cube"]].concat());
    let text = std::fs::read_to_string(folder.path().join("look.cube")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with(|letter: char| letter.is_ascii_digit()));
    assert!(text.contains("LUT_3D_SIZE 33") && text.contains("% of its change depends on"), "{}", &text[..300]);
    assert_eq!(rows.count(), 33 * 33 * 33, "rows");
    let shape = ["edit", "in.png", "--mode", "shape", "--prompt", "a star", "--lut", "no.cube"];
    let refused = linocut(folder.path(), &shape);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("--lut needs an edit of colours"), "{}", refused.stderr);
    let lost = linocut(folder.path(), &[&args[..], &["--lut", "no/such/folder/look.cube"]].concat());
    assert_eq!(lost.code, 1, "{}", lost.stderr);
    assert!(lost.stderr.contains("cannot be written"), "{}", lost.stderr);
    assert!(!folder.path().join("no.cube").exists() && !folder.path().join("no").exists(), "nothing is left");
}

#[test]
fn pictures_with_nothing_to_hold_on_to_are_edited_without_a_fault() {
    let folder = folder();
    for (name, side, rgb) in
        [("black", 64, [0, 0, 0]), ("white", 64, [255; 3]), ("one", 64, [90, 120, 60]), ("tiny", 16, [200, 60, 30])]
    {
        let path = format!("{name}.png");
        let mut plain = image::RgbImage::from_pixel(side, side, image::Rgb(rgb));
        if name == "tiny" {
            plain.put_pixel(8, 8, image::Rgb([10, 10, 200]));
        }
        plain.save(folder.path().join(&path)).unwrap();
        for mode in ["full", "color", "shape"] {
            let args = ["edit", &path, "--prompt", "at sunset", "--mode", mode, "--quality", "draft", "-o", "out.png"];
            run(folder.path(), &args);
            let out = picture(&folder.path().join("out.png"));
            assert!(out.planes.iter().flatten().all(|value| value.is_finite()), "{name}, {mode}");
        }
    }
}

#[test]
fn a_prompt_that_is_no_prompt_is_said_to_be_none_and_changes_little() {
    let folder = folder();
    let edit = |prompt: &str| {
        let args = ["recolor", &coffee(), "--prompt", prompt, "--quality", "draft", "-o", "out.png"];
        let ran = linocut(folder.path(), &args);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let out = image::open(folder.path().join("out.png")).unwrap().to_rgb8().into_raw();
        let source = image::open(coffee()).unwrap().to_rgb8().into_raw();
        (mean(source.iter().zip(&out).map(|(a, b)| f32::from(a.abs_diff(*b)))), ran.stderr)
    };
    let (little, said) = edit("a photo");
    let (much, silent) = edit("at night");
    assert!(said.contains("hardly tells this prompt from any photo"), "{said}");
    assert!(!silent.contains("hardly tells"), "{silent}");
    assert!(little < 0.35 * much, "changed by {little} for nothing and by {much} for something");
}

#[test]
fn letters_of_one_pixel_and_outlines_of_three_points_are_no_trouble() {
    let folder = folder();
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"64\" height=\"64\"><path d=\"M10 10h1v1h-1z\"/>\
               <path d=\"M20 20L40 22L30 44z\"/></svg>";
    std::fs::write(folder.path().join("in.svg"), svg).unwrap();
    let args = ["stylize", "in.svg", "--prompt", "a star", "--quality", "draft", "--svg", "out.svg"];
    run(folder.path(), &args);
    assert!(std::fs::read_to_string(folder.path().join("out.svg")).unwrap().contains("<path"), "both are still there");
}
