//! Small pictures whose scenes are known.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use linocut::image::Image;
use linocut::scene::Scene;
use linocut::vectorize::{Settings, vectorize};

use crate::property::vectorize_support::{ctx, draw, painted, psnr_db};

/// Coverage of the pixel (x, y) by a shape, from 8 x 8 samples.
fn coverage(x: usize, y: usize, is_inside: impl Fn(f32, f32) -> bool) -> f32 {
    let offset = |step: usize| (step as f32 + 0.5) / 8.0;
    let hits = (0..64).filter(|step| is_inside(x as f32 + offset(step % 8), y as f32 + offset(step / 8))).count();
    hits as f32 / 64.0
}

fn mix(a: [f32; 3], b: [f32; 3], t: f32) -> [f32; 3] {
    [0, 1, 2].map(|channel| a[channel] + (b[channel] - a[channel]) * t)
}

/// A red disc and a blue slanted bar on white, antialiased.
fn logo() -> Image {
    let (white, red, blue) = ([1.0; 3], [0.85, 0.1, 0.15], [0.1, 0.2, 0.7]);
    painted(128, 96, |x, y| {
        let disc = coverage(x, y, |x, y| (x - 40.0).hypot(y - 48.0) < 27.5);
        let bar = coverage(x, y, |x, y| (12.0..84.0).contains(&y) && (x - 92.0 + 0.2 * y).abs() < 9.0);
        mix(mix(white, red, disc), blue, bar)
    })
}

fn group<'a>(scene: &'a Scene, id: &str) -> &'a [linocut::scene::Path] {
    let group = scene.groups.iter().find(|group| group.id == id).unwrap();
    &scene.paths[group.paths.start as usize..group.paths.end as usize]
}

#[test]
fn a_flat_logo_is_its_shapes_and_nothing_else() {
    let image = logo();
    let scene = vectorize(&image, &Settings::logo(), 1, &ctx(2)).unwrap();
    for round in ["round-1", "round-2"] {
        let paths = group(&scene, round);
        let fills: Vec<[f32; 4]> = paths.iter().map(|path| scene.fills[path.fill as usize]).collect();
        assert_eq!(paths.len(), 3, "{round} is paper, disc and bar, not slivers along their edges: {fills:?}");
        let curves: Vec<usize> =
            paths.iter().map(|path| scene.contours_of(path).map(<[_]>::len).sum::<usize>() / 3).collect();
        assert!(curves.iter().all(|&count| count <= 16), "{round}: {curves:?} curves");
    }
    let score = psnr_db(&draw(&scene), &image);
    assert!(score > 28.0, "{score:.2} dB");
}

#[test]
fn two_flat_halves_meet_at_the_pixel_edge() {
    let image = painted(20, 10, |x, _| if x < 12 { [1.0, 0.0, 0.0] } else { [0.0, 0.0, 1.0] });
    let scene = vectorize(&image, &Settings::photo(), 1, &ctx(1)).unwrap();
    let names: Vec<&str> = scene.paths.iter().map(|path| path.id.as_str()).collect();
    assert_eq!(names.len(), 5, "ground, and two shapes in each of two rounds: {names:?}");
    assert!(names[0] == "ground-1" && names[1].starts_with("r1-") && names[3].starts_with("r2-"), "{names:?}");
    for pair in [1, 3] {
        let extent = |path: usize| {
            let xs: Vec<f32> = scene.contours_of(&scene.paths[path]).flatten().map(|point| point[0]).collect();
            (xs.iter().copied().fold(f32::MAX, f32::min), xs.iter().copied().fold(f32::MIN, f32::max))
        };
        let reach_px = 3.0;
        assert_eq!(extent(pair), (-2.0, 12.0 + reach_px), "the larger half reaches under the smaller");
        assert_eq!(extent(pair + 1), (12.0, 22.0), "the smaller half is exact");
    }
    assert!(psnr_db(&draw(&scene), &image) > 99.0, "the picture is reproduced exactly");
}
