//! Edits on a graphics card as an artist meets them: the same picture as on the CPU, the same one twice, through the command
//! line, and through the loss of the card.

use super::{ALL, assert_alike, ctx, gpu, largest_difference, scenes};
use crate::util::{folder, linocut, names, write_disc};
use linocut::ctx::{Cancel, Ctx};
use linocut::encoder::Encoder;
use linocut::gpu::{Backend, Wanted};
use linocut::models::{self, SearchPath};
use linocut::optimize::{self, Edited, Inputs, Mode, Quality, Region, Settings, Step};
use linocut::raster::{self, Background, Size};
use linocut::scene::Scene;
use std::sync::Arc;

fn encoder() -> Arc<Encoder> {
    models::choose("default", &SearchPath::default(), &Cancel::default()).unwrap().encoder().unwrap()
}

fn on(backend: Backend) -> Ctx {
    let mut ctx = ctx();
    ctx.backend = backend;
    ctx
}

fn card() -> Backend {
    Backend::Gpu(Wanted::from_environment())
}

fn edit(scene: &Scene, settings: &Settings, backend: Backend) -> Edited {
    optimize::run(Inputs::of_scene(scene), &encoder(), settings, 7, &on(backend), None).unwrap()
}

fn settings(quality: Quality, mode: Mode, iterations: u32) -> Settings {
    let mut settings = Settings::of(quality, mode);
    settings.regions.push(Region::new("a sunset over the sea", None));
    (settings.iterations, settings.patience) = (iterations, 0);
    if quality == Quality::Paper {
        settings.patches = 4;
    }
    settings
}

/// How far two scenes' pictures are apart, root mean square.
fn distance(a: &Scene, b: &Scene) -> f64 {
    let size = Size { width_px: a.width as usize, height_px: a.height as usize };
    let [a, b] = [a, b].map(|scene| raster::render(scene, size, Background::Rgb([1.0; 3]), &ctx()).unwrap());
    let pairs = a.planes.iter().zip(&b.planes).take(3).flat_map(|(a, b)| a.iter().zip(b));
    let squares = pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
    (squares / (3 * a.width * a.height) as f64).sqrt()
}

#[test]
#[ignore = "needs a graphics card"]
fn every_kind_of_edit_gives_the_picture_of_the_cpu() {
    let scene = scenes::random(11, 128.0, 60);
    for (quality, mode) in [
        (Quality::Draft, Mode::Full),
        (Quality::Draft, Mode::Color),
        (Quality::Normal, Mode::Shape),
        (Quality::Paper, Mode::Full),
    ] {
        let mut settings = settings(quality, mode, 6);
        if mode == Mode::Shape {
            settings.legibility = 1.0;
        }
        let [on_cpu, on_gpu] = [Backend::Cpu, card()].map(|backend| edit(&scene, &settings, backend));
        let (apart, moved) = (distance(&on_cpu.scene, &on_gpu.scene), distance(&on_cpu.scene, &scene));
        println!(
            "{quality:?} {mode:?}: apart {apart:.1e}, moved {moved:.1e}, loss {} {}",
            on_cpu.loss_last, on_gpu.loss_last
        );
        assert!(moved > 1e-3, "{quality:?} {mode:?}: the edit changed something");
        assert!(apart < 0.01 * moved, "{quality:?} {mode:?}: {apart} apart after moving {moved}");
        assert!((on_cpu.loss_last - on_gpu.loss_last).abs() < 1e-3, "{quality:?} {mode:?}: losses");
    }
}

#[test]
#[ignore = "needs a graphics card"]
fn the_same_edit_twice_gives_the_same_bits_watched_or_not() {
    let scene = scenes::random(12, 128.0, 40);
    let settings = settings(Quality::Draft, Mode::Full, 5);
    let first = edit(&scene, &settings, card());
    let mut seen = Vec::new();
    let mut watch = |step: &Step<'_>| seen.push(step.scene.clone());
    let second =
        optimize::run(Inputs::of_scene(&scene), &encoder(), &settings, 7, &on(card()), Some(&mut watch)).unwrap();
    assert_eq!(first, second, "scene or losses");
    assert_eq!(seen.len(), 6, "every iteration and the end");
    assert_ne!(seen[1], seen[2], "each step shows the scene of its own");
    assert_eq!(seen.last(), Some(&second.scene), "the last one is the result");
}

#[test]
#[ignore = "needs a graphics card"]
fn a_lost_card_is_opened_anew_and_the_work_done_once_more() {
    let scene = scenes::random(13, 96.0, 30);
    let size = Size { width_px: 96, height_px: 72 };
    let ctx = on(card());
    let before = raster::render(&scene, size, Background::Rgb([1.0; 3]), &ctx).unwrap();
    gpu().destroy();
    let after = raster::render(&scene, size, Background::Rgb([1.0; 3]), &ctx).unwrap();
    assert_eq!(largest_difference(&before, &after), 0.0, "the same picture on the new device");
    // In the middle of an edit: the third look at the scene takes the card away.
    let settings = settings(Quality::Draft, Mode::Full, 4);
    let mut steps = 0;
    let mut watch = |_: &Step<'_>| {
        steps += 1;
        if steps == 3 {
            gpu().destroy();
        }
    };
    let edited = optimize::run(Inputs::of_scene(&scene), &encoder(), &settings, 7, &ctx, Some(&mut watch)).unwrap();
    assert_eq!(edited, edit(&scene, &settings, card()), "as if nothing had happened");
}

#[test]
#[ignore = "needs a graphics card"]
fn large_pictures_are_cut_into_strips_where_buffers_are_small() {
    let scene = scenes::random(14, 256.0, 120);
    let size = Size { width_px: 1000, height_px: 700 };
    let gpu = gpu();
    let whole = raster::gpu::render(&scene, size, Background::Transparent, &gpu, &ctx()).unwrap();
    gpu.limit_buffers(2 << 20);
    let strips = raster::gpu::render(&scene, size, Background::Transparent, &gpu, &ctx()).unwrap();
    assert_eq!(largest_difference(&whole, &strips), 0.0, "strips do not show");
    assert_alike("strips, there and back", &scene, size, ALL);
    // A buffer that not even one row of tiles fits.
    gpu.limit_buffers(64 << 10);
    let error = raster::gpu::render(&scene, size, Background::Transparent, &gpu, &ctx()).unwrap_err().to_string();
    assert!(error.contains("takes 65536 bytes in one piece") && error.contains("choose the backend cpu"), "{error}");
    gpu.destroy();
}

#[test]
#[ignore = "needs a graphics card"]
fn the_command_line_edits_on_the_card_says_so_and_finds_it_again() {
    let folder = folder();
    write_disc(&folder.path().join("in.png"), 96);
    let args = ["edit", "in.png", "--prompt", "a red square", "--quality", "draft", "--iterations", "4", "--json"];
    let run = |more: &[&str]| linocut(folder.path(), &[&args[..], &["--cache", "cache"], more].concat()).json();
    let on_card = run(&["--backend", "gpu", "-o", "gpu.png"]);
    let again = run(&["--backend", "gpu", "-o", "again.png"]);
    let on_cpu = run(&["-o", "cpu.png"]);
    let class = on_card["backend"].as_str().unwrap();
    assert!(class.starts_with("gpu ") && class.ends_with(')'), "a card's class names card and driver: {class}");
    assert!(on_cpu["backend"].as_str().unwrap().starts_with("cpu"), "{on_cpu}");
    assert_ne!(on_card["job_hash"], on_cpu["job_hash"], "results of two backends are kept apart");
    assert_eq!((&again["cache_hit"], &on_cpu["cache_hit"]), (&true.into(), &false.into()), "cache");
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert_eq!(read("gpu.png"), read("again.png"), "the same file twice");
    let off = |key: &str| (on_card[key].as_f64().unwrap() - on_cpu[key].as_f64().unwrap()).abs();
    assert!(off("cosine_after") < 1e-3 && off("loss_last") < 1e-3, "{on_card} and {on_cpu}");
    let ran = linocut(folder.path(), &[&args[..], &["--backend", "gpu", "--gpu", "voodoo", "-o", "no.png"]].concat());
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("no graphics card matches 'voodoo'; there are: 0 "), "{}", ran.stderr);
    let auto = ["--backend", "auto", "--gpu", "voodoo", "-o", "auto.png"];
    assert_eq!(run(&auto)["backend"], "cpu", "auto goes on without");
    assert_eq!(
        names(folder.path()),
        ["again.png", "auto.png", "cache", "cpu.png", "gpu.png", "in.png"],
        "nothing else was left"
    );
}
