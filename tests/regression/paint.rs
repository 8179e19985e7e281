//! A diffusion model paints a picture with what another one shows: what is dear is made once, whatever is turned, and on any machine.

use crate::util::{Ran, file, folder, linocut, names, picture, write_disc};
use image::{Rgb, RgbImage, Rgba, RgbaImage};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Small random weights in the published layout.
fn model() -> String {
    file("tests/fixtures/diffusion/model").to_str().unwrap().to_owned()
}

fn paint(folder: &Path, input: &str, reference: &str, more: &[&str]) -> Ran {
    let model = model();
    let fixed = ["--engine", "diffusion", "--model", &model, "-o", "out.png", "--json"];
    let effort = if more.contains(&"--quality") { &[][..] } else { &["--quality", "draft"] };
    let word = if more.contains(&"--concept") { &[][..] } else { &["--concept", "star"] };
    linocut(folder, &[&["transfer", input, "--reference", reference], word, effort, &fixed[..], more].concat())
}

fn painted(folder: &Path, input: &str, reference: &str, more: &[&str]) -> (Vec<u8>, serde_json::Value) {
    let ran = paint(folder, input, reference, more);
    assert_eq!(ran.code, 0, "{input} {reference} {more:?}: {}", ran.stderr);
    (std::fs::read(folder.join("out.png")).unwrap(), ran.json())
}

fn kept(folder: &Path) -> usize {
    fn files(folder: &Path) -> usize {
        let entries = folder.read_dir().into_iter().flatten().flatten();
        entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
    }
    files(&folder.join("cache"))
}

/// A disc and two strips beside it.
fn pictures() -> tempfile::TempDir {
    let folder = folder();
    write_disc(&folder.path().join("disc.png"), 48);
    let strip = |x: u32, y: u32| Rgb(if x > 30 { [20, 160, 60] } else { [200, (3 * y) as u8, 40] });
    RgbImage::from_fn(60, 40, strip).save(folder.path().join("strips.png")).unwrap();
    folder
}

#[test]
fn live_knobs_make_the_last_step_alone_and_the_second_run_is_found() {
    let folder = pictures();
    let at = folder.path();
    let (first, report) = painted(at, "disc.png", "strips.png", &["--cache", "cache"]);
    assert_eq!((report["cache_hit"].as_bool(), &report["working_size"]), (Some(false), &serde_json::json!([48, 48])));
    let stages = kept(at);
    let (again, report) = painted(at, "disc.png", "strips.png", &["--cache", "cache"]);
    assert_eq!((again == first, report["cache_hit"].as_bool()), (true, Some(true)));
    let (other, _) = painted(at, "disc.png", "strips.png", &["--cache", "cache", "--layout", "0"]);
    assert!(other != first, "another layout is another picture");
    assert_eq!(kept(at), stages + 1, "concept and pivot were found, one fusion was made");
    let (_, report) = painted(at, "disc.png", "strips.png", &["--cache", "cache", "--strength", "0.5"]);
    assert_eq!(report["cache_hit"], true, "strength is no part of what is made");
    painted(at, "strips.png", "strips.png", &["--cache", "cache"]);
    assert_eq!(kept(at), stages + 3, "another source has a pivot and a fusion of its own, and no concept");
}

#[test]
fn a_picture_is_the_same_on_any_number_of_threads_and_strength_0_is_the_source() {
    let folder = pictures();
    let run = |threads| painted(folder.path(), "disc.png", "strips.png", &["--cache", "off", "--threads", threads]).0;
    assert_eq!(run("1"), run("3"));
    painted(folder.path(), "disc.png", "strips.png", &["--cache", "off", "--strength", "0"]);
    assert_eq!(picture(&folder.path().join("out.png")), picture(&folder.path().join("disc.png")));
}

#[test]
fn sources_and_references_of_every_kind_make_a_picture_of_the_sources_size_and_alpha() {
    let folder = pictures();
    let at = |name: &str| folder.path().join(name);
    RgbImage::from_pixel(1, 1, Rgb([9, 0, 200])).save(at("dot.png")).unwrap();
    RgbImage::from_fn(700, 3, |x, _| Rgb([(x / 3) as u8, 90, 200])).save(at("line.png")).unwrap();
    let cut = |x: u32, y: u32| Rgba([30, 200, (4 * x) as u8, if y < 20 { 0 } else { 128 }]);
    RgbaImage::from_fn(40, 40, cut).save(at("cut.png")).unwrap();
    std::fs::write(
        at("square.svg"),
        "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='30'><path d='M5 5h20v20h-20z' fill='#c22'/></svg>",
    )
    .unwrap();
    for (input, reference) in
        [("dot.png", "disc.png"), ("line.png", "dot.png"), ("cut.png", "line.png"), ("square.svg", "cut.png")]
    {
        painted(folder.path(), input, reference, &["--cache", "cache"]);
        let out = picture(&at("out.png"));
        if input.ends_with("png") {
            let source = picture(&at(input));
            assert_eq!((out.width, out.height), (source.width, source.height), "{input}");
            assert_eq!(out.planes[3], source.planes[3], "{input}");
        } else {
            assert_eq!((out.width, out.height), (40, 30), "{input}");
        }
    }
}

#[test]
fn what_a_diffusion_model_cannot_do_is_said_and_nothing_is_left() {
    let folder = pictures();
    RgbaImage::new(9, 9).save(folder.path().join("clear.png")).unwrap();
    let before = names(folder.path());
    let refused = |reference: &str, more: &[&str], code: i32, message: &str| {
        let ran = paint(folder.path(), "disc.png", reference, more);
        assert_eq!(ran.code, code, "{more:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(message), "{more:?}: {}", ran.stderr);
        assert_eq!(names(folder.path()), before, "{more:?} left something");
    };
    refused("strips.png", &["--svg", "out.svg"], 2, "--engine vector");
    refused("strips.png", &["--lut", "out.cube"], 2, "--engine vector");
    refused("clear.png", &[], 2, "nothing is seen of the reference");
    refused("strips.png", &["--concept", " "], 2, "say in a word what the reference shows");
}

#[test]
fn a_run_that_was_killed_leaves_its_finished_stages_and_the_next_one_goes_on_from_them() {
    let folder = pictures();
    let at = folder.path();
    let (whole, _) = painted(at, "disc.png", "strips.png", &["--cache", "other", "--quality", "final"]);
    let model = model();
    let args = ["transfer", "disc.png", "--reference", "strips.png", "--concept", "star", "--engine", "diffusion"];
    let more = ["--model", &model, "--quality", "final", "-o", "killed.png", "--cache", "cache"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_linocut"));
    let mut running = command.current_dir(at).args([&args[..], &more].concat()).stderr(Stdio::null()).spawn().unwrap();
    while kept(at) == 0 && running.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    running.kill().unwrap();
    running.wait().unwrap();
    let stages = kept(at);
    assert!((1..3).contains(&stages) && !at.join("killed.png").exists(), "{stages} stages, killed before the last");
    let (picture, report) = painted(at, "disc.png", "strips.png", &["--cache", "cache", "--quality", "final"]);
    assert_eq!((picture == whole, report["cache_hit"].as_bool()), (true, Some(false)));
    assert_eq!(kept(at), 3, "what was finished was found, the rest was made");
}

#[test]
fn the_environment_names_the_cache_where_no_flag_does() {
    let folder = pictures();
    let run = |flag: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_linocut"));
        let args = ["vectorize", "disc.png", "-o", "out.svg", "--json"];
        command.current_dir(folder.path()).args([&args[..], flag].concat()).env("LINOCUT_CACHE", "cache");
        Ran::from(command.output().unwrap()).json()["cache_hit"].as_bool()
    };
    assert_eq!((run(&[]), kept(folder.path()), run(&[])), (Some(false), 1, Some(true)), "the second finds the first's");
    assert_eq!(run(&["--cache", "off"]), Some(false), "a flag is nearer");
}
