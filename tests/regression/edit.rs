//! The main job from the command line, with the built-in encoder.

use crate::util::{Ran, file, folder, linocut, names, picture, write_disc};
use linocut::scene::Scene;
use linocut::scene::svg_in::scene_from_svg;
use std::path::Path;

const QUICK: [&str; 6] = ["--quality", "draft", "--iterations", "12", "--patches", "3"];

fn run(folder: &Path, args: &[&str]) -> Ran {
    let ran = linocut(folder, &[args, &QUICK, &["--json"]].concat());
    assert_eq!(ran.code, 0, "{args:?}: {}", ran.stderr);
    ran
}

fn scene(path: &Path) -> Scene {
    scene_from_svg(&std::fs::read(path).unwrap()).unwrap().0
}

#[test]
fn an_edit_moves_the_picture_toward_its_prompt_and_reports_every_field() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 96);
    let args = ["edit", "in.png", "--prompt", "a green picture", "-o", "out.png"];
    let report = run(folder.path(), &args).json();
    for field in ["paths", "segments", "iterations", "loss_first", "loss_last", "peak_rss_mb", "threads"] {
        assert!(report[field].is_number(), "{field} of {report}");
    }
    for field in ["load", "vectorize", "optimize", "write"] {
        assert!(report["seconds"][field].is_number(), "seconds.{field} of {report}");
    }
    assert_eq!(report["backend"], "cpu", "backend");
    assert_eq!(report["cache_hit"], false, "cache was off");
    assert_eq!(report["job_hash"].as_str().map(str::len), Some(64), "job hash");
    assert_eq!(report["encoder"]["name"], "default", "encoder");
    let number = |field: &str| report[field].as_f64().unwrap();
    assert!(number("cosine_after") > number("cosine_before") + 0.01, "the cosine rose: {report}");
    assert!(number("loss_last") < number("loss_first"), "the loss fell: {report}");
    let out = picture(&folder.path().join("out.png"));
    assert_eq!((out.width, out.height), (96, 96), "drawn at the source's own size");
}

#[test]
fn the_thread_count_changes_no_bit_of_picture_and_svg() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 80);
    for threads in ["1", "2", "3"] {
        let (png, svg) = (format!("{threads}.png"), format!("{threads}.svg"));
        let args = ["edit", "in.png", "--prompt", "a moon at night", "-o", &png, "--svg", &svg, "--threads", threads];
        run(folder.path(), &args);
    }
    for kind in ["png", "svg"] {
        let read = |threads: u32| std::fs::read(folder.path().join(format!("{threads}.{kind}"))).unwrap();
        assert!(read(1) == read(2) && read(2) == read(3), "{kind} differs between thread counts");
    }
}

#[test]
fn another_seed_is_another_variation() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 64);
    for seed in ["0", "1"] {
        let svg = format!("{seed}.svg");
        run(folder.path(), &["edit", "in.png", "--prompt", "a moon", "--svg", &svg, "--seed", seed]);
    }
    let points = |name: &str| scene(&folder.path().join(name)).points;
    assert_ne!(points("0.svg"), points("1.svg"), "seeds gave the same shapes");
}

#[test]
fn the_second_run_comes_from_the_cache_and_is_the_same_picture() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 64);
    let args = |out| ["edit", "in.png", "--prompt", "a red apple", "-o", out, "--cache", "scenes"];
    let first = run(folder.path(), &args("a.png")).json();
    let second = run(folder.path(), &args("b.png")).json();
    assert_eq!((&first["cache_hit"], &second["cache_hit"]), (&false.into(), &true.into()), "miss, then hit");
    assert_eq!(first["job_hash"], second["job_hash"], "same job");
    assert_eq!(first["loss_last"], second["loss_last"], "the report travels with the scene");
    let read = |name| std::fs::read(folder.path().join(name)).unwrap();
    assert!(read("a.png") == read("b.png"), "the picture from the cache differs");
}

#[test]
fn colour_mode_moves_no_point_and_shape_mode_no_colour() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 64);
    run(folder.path(), &["edit", "in.png", "--prompt", "a moon", "--mode", "color", "--svg", "color.svg"]);
    run(folder.path(), &["edit", "in.png", "--prompt", "a moon", "--mode", "shape", "--svg", "shape.svg"]);
    let vectorized = linocut(folder.path(), &["vectorize", "in.png", "-o", "start.svg"]);
    assert_eq!(vectorized.code, 0, "{}", vectorized.stderr);
    let [start, color, shape] = ["start.svg", "color.svg", "shape.svg"].map(|name| scene(&folder.path().join(name)));
    assert_eq!(start.points, color.points, "colour mode moved points");
    let painted = |scene: &Scene| scene.paths.iter().map(|path| scene.fills[path.fill as usize]).collect::<Vec<_>>();
    assert_ne!(painted(&start), painted(&color), "colour mode changed no colour");
    assert_eq!(painted(&start), painted(&shape), "shape mode changed colours");
    assert_ne!(start.points, shape.points, "shape mode moved no point");
}

#[test]
fn a_region_prompt_leaves_the_rest_of_the_picture_alone() {
    let folder = folder();
    let photo = file("examples/coffee.jpg");
    let photo = photo.to_str().unwrap();
    let args = ["edit", photo, "--region", "120,60,270,230:a red cup", "-o", "out.png", "--working-size", "256"];
    let report = run(folder.path(), &args).json();
    assert_eq!(report["cosine_before"], serde_json::Value::Null, "there is no prompt for the whole picture");
    assert_eq!(report["regions"][0]["prompt"], "a red cup", "region of {report}");
    let plain = linocut(folder.path(), &["vectorize", photo, "-o", "s.svg", "--png", "s.png", "--working-size", "256"]);
    assert_eq!(plain.code, 0, "{}", plain.stderr);
    let [before, after] = ["s.png", "out.png"].map(|name| picture(&folder.path().join(name)));
    let mean_change = |inside: bool| {
        let of = |at: usize| {
            let (x, y) = (at % before.width, at / before.width);
            let within = (120..390).contains(&x) && (60..290).contains(&y);
            let far = !(90..420).contains(&x) || !(30..320).contains(&y);
            let counts = if inside { within } else { far };
            counts.then(|| (0..3).map(|c| (before.planes[c][at] - after.planes[c][at]).abs()).sum::<f32>() / 3.0)
        };
        let changes = (0..before.pixels()).filter_map(of).collect::<Vec<_>>();
        changes.iter().sum::<f32>() / changes.len() as f32
    };
    let (inside, outside) = (mean_change(true), mean_change(false));
    assert!(outside < 0.01 && inside > 4.0 * outside, "changed {inside} inside, {outside} outside");
}

#[test]
fn frames_hold_every_iteration_and_appear_only_when_whole() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 48);
    run(folder.path(), &["edit", "in.png", "--prompt", "a moon", "--frames", "history"]);
    let frames = names(&folder.path().join("history"));
    assert_eq!(frames.first().map(String::as_str), Some("0000.png"), "first of {frames:?}");
    assert_eq!(frames.last().map(String::as_str), Some("0012.png"), "last of {frames:?}");
    let again = linocut(folder.path(), &["edit", "in.png", "--prompt", "x", "--frames", "history"]);
    assert_eq!(again.code, 1, "an old history is not overwritten: {}", again.stderr);
}

#[test]
fn transparency_of_the_source_survives() {
    let folder = folder();
    let cut_out = image::RgbaImage::from_fn(40, 40, |x, _| image::Rgba([200, 40, 40, if x < 20 { 0 } else { 255 }]));
    cut_out.save(folder.path().join("in.png")).unwrap();
    run(folder.path(), &["recolor", "in.png", "--prompt", "a blue square", "-o", "out.png"]);
    let out = picture(&folder.path().join("out.png"));
    assert_eq!((out.planes[3][5], out.planes[3][35]), (0.0, 1.0), "alpha of a transparent and an opaque pixel");
    let hidden = out.planes.each_ref().map(|plane| (plane[5] * 255.0).round() as u8);
    assert_eq!(hidden, [200, 40, 40, 0], "readers that drop alpha see the source's own colour, not white paper");
}

#[test]
fn no_light_line_runs_where_a_soft_edge_is_half_there() {
    let folder = folder();
    let soft = image::RgbaImage::from_fn(96, 96, |x, y| {
        let from_middle = (x as f32 - 47.5).hypot(y as f32 - 47.5);
        let alpha = ((44.0 - from_middle) / 32.0).clamp(0.0, 1.0);
        image::Rgba([200, 40, 40, (255.0 * alpha).round() as u8])
    });
    soft.save(folder.path().join("in.png")).unwrap();
    // Both draw outlines in by a pixel or two, where white paper showed.
    for prompt in ["a star", "a green leaf"] {
        run(folder.path(), &["edit", "in.png", "--prompt", prompt, "--mode", "full", "-o", "out.png"]);
        let out = image::open(folder.path().join("out.png")).unwrap().into_rgba8();
        let middle = out[(48, 48)];
        let off = |pixel: &image::Rgba<u8>| (0..3).map(|plane| pixel[plane].abs_diff(middle[plane])).max();
        let worst = out.pixels().filter(|pixel| pixel[3] > 12).max_by_key(|pixel| off(pixel)).unwrap();
        assert!(off(worst) < Some(30), "{prompt}: {worst:?} on an edge of {middle:?}");
    }
}

#[test]
fn letters_have_a_colour_and_alpha_and_their_ground_is_put_on_without_editing_anew() {
    let folder = folder();
    let font = file("examples/font.ttf");
    let word = ["stylize", "--text", "A", "--font", font.to_str().unwrap(), "--prompt", "flames", "--size", "96x64"];
    let colored = |more: &[&str]| {
        run(folder.path(), &[&word[..], &["--cache", "cache", "--letter-color", "e04010"], more].concat()).json()
    };
    let clear = colored(&["-o", "clear.png", "--svg", "clear.svg"]);
    let paper = colored(&["-o", "paper.png", "--svg", "paper.svg", "--ground=on"]);
    assert_eq!((&paper["cache_hit"], &clear["job_hash"]), (&true.into(), &paper["job_hash"]), "one edit");
    let pixels = |name: &str| image::open(folder.path().join(name)).unwrap().into_rgba8();
    let [clear, paper] = ["clear.png", "paper.png"].map(pixels);
    assert_eq!((clear[(0, 0)].0, paper[(0, 0)].0), ([0xe0, 0x40, 0x10, 0], [255; 4]), "the corner");
    let inside = clear.pixels().zip(paper.pixels()).filter(|(clear, _)| clear[3] == 255).collect::<Vec<_>>();
    assert!(inside.len() > 50 && inside.iter().all(|(_, paper)| paper.0 == [0xe0, 0x40, 0x10, 255]), "letters");
    let svg = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let [clear_svg, paper_svg] = ["clear.svg", "paper.svg"].map(svg);
    assert!(!clear_svg.contains("ground") && paper_svg.contains("id=\"ground\""), "{clear_svg}");
    assert!([&clear_svg, &paper_svg].iter().all(|svg| svg.contains("#e04010")), "{clear_svg}");
    colored(&["-o", "clear.jpg"]);
    let jpeg = pixels("clear.jpg");
    let off = jpeg.pixels().zip(paper.pixels()).map(|(a, b)| a[1].abs_diff(b[1])).max();
    assert!(jpeg[(0, 0)][0] > 250 && off < Some(80), "a JPEG lies on white: {:?}, {off:?}", jpeg[(0, 0)]);
}

#[test]
fn a_recolouring_writes_its_palette() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 32);
    let palette = ["--prompt", "a blue disc", "--palette-file", "new.gpl"];
    run(folder.path(), &[&["recolor", "in.png"][..], &palette].concat());
    let text = std::fs::read_to_string(folder.path().join("new.gpl")).unwrap();
    assert!(text.starts_with("GIMP Palette\nName: a blue disc\n"), "{text}");
    assert!(text.lines().skip(4).count() >= 2 && text.contains("\twas #"), "{text}");
    assert_eq!(names(folder.path()), ["in.png", "new.gpl"], "nothing else is written");
}

#[test]
fn every_promised_format_is_read_and_written() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 32);
    let decoded = image::open(folder.path().join("in.png")).unwrap();
    for kind in ["jpg", "webp", "tiff", "png"] {
        decoded.save(folder.path().join(format!("in.{kind}"))).unwrap();
    }
    image::DynamicImage::ImageRgb32F(decoded.to_rgb32f()).save(folder.path().join("in.exr")).unwrap();
    for kind in ["jpg", "webp", "tiff", "png", "exr"] {
        let (input, output) = (format!("in.{kind}"), format!("out.{kind}"));
        let ran = linocut(folder.path(), &["vectorize", &input, "-o", "out.svg", "--png", &output]);
        assert_eq!(ran.code, 0, "{kind}: {}", ran.stderr);
        assert_eq!(image::open(folder.path().join(output)).unwrap().width(), 32, "{kind} reads back");
    }
}

#[test]
fn score_prefers_the_true_description() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 96);
    let prompts = ["a red circle on a blue background", "a green square on a yellow background"];
    let ran = linocut(folder.path(), &["score", "in.png", "--prompt", prompts[0], "--prompt", prompts[1], "--json"]);
    let scores = ran.json();
    let cosine = |at: usize| scores["scores"][at]["cosine"].as_f64().unwrap();
    assert_eq!(scores["scores"][0]["prompt"], prompts[0], "order of the prompts");
    assert!(cosine(0) > cosine(1), "{scores}");
}

#[test]
fn score_tells_a_change_toward_a_text_from_one_away_from_it() {
    let folder = folder();
    write_disc(&folder.path().join("disc.png"), 96);
    let plain = |name: &str, side: u32, color: [u8; 3]| {
        image::RgbImage::from_pixel(side, side / 2, image::Rgb(color)).save(folder.path().join(name)).unwrap();
    };
    plain("blue.png", 64, [30, 60, 200]);
    plain("red.png", 100, [220, 30, 30]);
    let prompts = ["--prompt", "a red picture", "a blue picture"];
    let score = |after: &str, more: &[&str]| {
        let ran = linocut(folder.path(), &[&["score", after], &prompts[..], more, &["--json"]].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.json()
    };
    let report = score("red.png", &["--before", "blue.png"]);
    let number = |report: &serde_json::Value, at: usize, field: &str| report["scores"][at][field].as_f64().unwrap();
    assert!(number(&report, 0, "direction_cosine") > 0.1, "toward red, of pictures of two sizes: {report}");
    assert!(number(&report, 1, "direction_cosine") < -0.1, "away from blue: {report}");
    assert!(number(&report, 0, "along_after") > number(&report, 0, "along_before"), "{report}");
    assert_eq!(report["reference"], "A photo", "directions begin where those of an edit do");
    let same = score("disc.png", &["--before", "disc.png", "--reference", "a red picture"]);
    for at in [0, 1] {
        assert_eq!(number(&same, at, "direction_cosine"), 0.0, "nothing moved: {same}");
    }
    assert_eq!(number(&same, 0, "along_after"), 0.0, "from a text to itself is no way: {same}");
    assert_eq!(score("red.png", &[])["scores"][0]["direction_cosine"], serde_json::Value::Null, "no picture before");
}
