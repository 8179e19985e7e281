//! Figures of the vectorization for people: scores and times of the sample pictures.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "figures are printed for people")]

use std::time::Instant;

use linocut::image::Image;
use linocut::scene::Scene;
use linocut::vectorize::{Preset, Settings, vectorize};

use super::vectorize_support::{ctx, draw, jittered, noise, psnr_db, sample, uncovered, without};

const SAMPLES: [&str; 4] = ["astronaut", "coffee", "chelsea", "rocket"];

fn timed(image: &Image, settings: &Settings) -> (Scene, f64) {
    let pool = ctx(2);
    let mut runs: Vec<(Scene, f64)> = (0..5)
        .map(|_| {
            let start = Instant::now();
            let scene = vectorize(image, settings, 1, &pool).unwrap();
            (scene, start.elapsed().as_secs_f64())
        })
        .collect();
    runs.sort_by(|a, b| a.1.total_cmp(&b.1));
    runs.swap_remove(0)
}

/// `LINOCUT_FIGURES=folder` also writes the pictures there.
#[test]
#[ignore = "prints figures; run it by name with --ignored --nocapture, optimised"]
fn figures_of_the_samples() {
    let folder = std::env::var("LINOCUT_FIGURES").ok();
    for preset in Preset::ALL {
        for name in SAMPLES {
            let image = sample(&format!("{name}.jpg"), 0);
            let (scene, seconds) = timed(&image, &preset.settings());
            let picture = draw(&scene);
            let moved = draw(&without(&jittered(&scene, 1.0, 1), |path| path.id.starts_with("ground")));
            println!(
                "{:8} {name:10} {:5} paths {:6} cubics {:5.2} dB {:5.0} ms, ground visible after 1 px jitter {:.4} %",
                preset.name(),
                scene.paths.len(),
                scene.segments(),
                psnr_db(&picture, &image),
                seconds * 1e3,
                100.0 * uncovered(&moved),
            );
            if let Some(folder) = &folder {
                let file = format!("{folder}/{}-{name}.png", preset.name());
                std::fs::write(file, picture.encode_png().unwrap()).unwrap();
            }
        }
    }
    for side in [512, 2048] {
        let (scene, seconds) = timed(&noise(side, side, 1), &Settings::photo());
        println!("noise {side}: {} paths, {:.0} ms", scene.paths.len(), seconds * 1e3);
    }
    for max_paths in [512, 1024, 1231, 1698, 2048, 2518, 4000] {
        let image = sample("astronaut.jpg", 0);
        let (scene, _) = timed(&image, &Settings { max_paths, ..Settings::photo() });
        println!("astronaut, {} paths: {:.2} dB", scene.paths.len(), psnr_db(&draw(&scene), &image));
    }
}

/// Processor seconds of the calling thread, from `/proc`; independent of what else the machine does.
fn processor_seconds_of_thread() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let own: f64 = stat.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0.0);
    own * 1e-9
}

#[test]
#[ignore = "prints figures; run it by name with --ignored --nocapture, optimised"]
fn processor_time_of_the_samples() {
    let pool = ctx(1);
    let pictures = SAMPLES.map(|name| (name.to_owned(), sample(&format!("{name}.jpg"), 0)));
    let noises = [512, 2048].map(|side| (format!("noise {side}"), noise(side, side, 1)));
    for (name, image) in pictures.into_iter().chain(noises) {
        let seconds = pool.install(|| {
            let start = processor_seconds_of_thread();
            vectorize(&image, &Settings::photo(), 1, &pool).unwrap();
            processor_seconds_of_thread() - start
        });
        println!("{name:10} {:6.0} ms of one core", seconds * 1e3);
    }
}
