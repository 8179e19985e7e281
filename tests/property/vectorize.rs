//! What must hold for every picture that is vectorized.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use linocut::image::{Alpha, Image};
use linocut::scene::Scene;
use linocut::vectorize::{Preset, RegionRound, Settings, VectorizeError, vectorize};
use proptest::prelude::*;

use super::vectorize_support::{ctx, draw, jittered, noise, painted, psnr_db, sample, uncovered, without};

fn scene_of(image: &Image, settings: &Settings) -> Scene {
    let scene = vectorize(image, settings, 1, &ctx(2)).unwrap();
    scene.validate().unwrap();
    assert!(scene.paths.len() <= settings.max_paths, "{} paths, {} allowed", scene.paths.len(), settings.max_paths);
    let mut ids: Vec<&str> = scene.paths.iter().map(|path| path.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), scene.paths.len(), "path names are unique");
    scene
}

fn paths_in(scene: &Scene, group: &str) -> usize {
    scene.groups.iter().find(|g| g.id == group).map_or(0, |g| g.paths.len())
}

#[test]
fn photographs_are_close_to_their_source() {
    for (name, floor_db) in [("astronaut.jpg", 24.5), ("coffee.jpg", 26.5), ("chelsea.jpg", 27.0), ("rocket.jpg", 26.5)]
    {
        let image = sample(name, 1);
        let scene = scene_of(&image, &Settings::photo());
        let score = psnr_db(&draw(&scene), &image);
        assert!(score >= floor_db, "{name}: {score:.2} dB, at least {floor_db} expected");
    }
}

#[test]
fn jitter_of_one_pixel_opens_no_cracks() {
    let image = sample("coffee.jpg", 1);
    let scene = scene_of(&image, &Settings::photo());
    assert_eq!(uncovered(&draw(&without(&scene, |path| path.id.starts_with("ground")))), 0.0, "at rest");
    let moved = jittered(&scene, 1.0, 5);
    let ground = uncovered(&draw(&without(&moved, |path| path.id.starts_with("ground"))));
    assert!(ground < 1e-4, "ground shows on {:.4} % of the canvas", 100.0 * ground);
    let open = uncovered(&draw(&moved));
    assert!(open < 1e-5, "{:.4} % of the canvas is open", 100.0 * open);
}

#[test]
fn the_same_seed_gives_the_same_scene_for_any_number_of_threads() {
    let image = sample("rocket.jpg", 2);
    let settings =
        Settings { region: Some(RegionRound { rect_px: [20, 10, 40, 30], colors: 12 }), ..Settings::photo() };
    let scenes: Vec<Scene> = [1, 2, 3].map(|n| vectorize(&image, &settings, 9, &ctx(n)).unwrap()).into();
    assert!(scenes[0] == scenes[1] && scenes[1] == scenes[2], "scenes differ between thread counts");
}

#[test]
fn every_preset_works_on_hard_pictures_within_its_budget() {
    let (width, height) = (96, 80);
    let hard = [
        ("noise", noise(width, height, 3)),
        ("checkerboard", painted(width, height, |x, y| [((x + y) % 2) as f32; 3])),
        ("gradient", painted(width, height, |x, y| [x as f32 / 96.0, y as f32 / 80.0, 0.5])),
        ("lines", painted(width, height, |x, _| [(x % 2) as f32; 3])),
        ("one colour", Image::filled(width, height, [0.2, 0.4, 0.6])),
    ];
    for preset in Preset::ALL {
        for (name, image) in &hard {
            for max_paths in [3, 40, 1000] {
                let scene = scene_of(image, &Settings { max_paths, ..preset.settings() });
                let open = uncovered(&draw(&without(&scene, |path| path.id.starts_with("ground"))));
                assert!(open < 1e-6, "{name}, {}: {open} open without ground", preset.name());
            }
        }
    }
}

#[test]
fn a_picture_of_one_colour_is_one_shape_a_round_in_exactly_that_colour() {
    let scene = scene_of(&Image::filled(7, 5, [0.25, 0.5, 0.75]), &Settings::photo());
    assert_eq!(scene.paths.len(), 3, "ground and two rounds");
    for fill in &scene.fills {
        assert_eq!(*fill, [0.25, 0.5, 0.75, 1.0], "fill");
    }
}

#[test]
fn the_smallest_pictures_work() {
    for (width, height) in [(1, 1), (2, 1), (1, 3), (2, 2)] {
        let image = noise(width, height, 1);
        for preset in Preset::ALL {
            let scene = scene_of(&image, &preset.settings());
            assert_eq!(uncovered(&draw(&scene)), 0.0, "{width} x {height}, {}", preset.name());
        }
    }
}

#[test]
fn transparent_parts_stay_open_and_have_no_ground() {
    let mut image = painted(64, 64, |x, _| if x < 32 { [0.8, 0.1, 0.1] } else { [0.1, 0.1, 0.8] });
    let is_hole = |index: usize| (20..44).contains(&(index % 64)) && (20..44).contains(&(index / 64));
    for index in (0..64 * 64).filter(|&index| is_hole(index)) {
        image.planes[3][index] = 0.0;
    }
    let scene = scene_of(&image, &Settings::photo());
    assert_eq!(paths_in(&scene, "ground"), 0, "no ground under a picture with alpha");
    let drawn = draw(&scene);
    for (index, pixel) in drawn.pixels().iter().enumerate() {
        let (dx, dy) = ((index % 64) as f32 - 31.5, (index / 64) as f32 - 31.5);
        let reach = dx.abs().max(dy.abs());
        assert!(reach > 11.0 || pixel.alpha() == 0, "pixel {index} in the hole is covered");
        assert!(reach < 13.0 || pixel.alpha() == 255, "pixel {index} around the hole is open");
    }
    image.planes[3].fill(0.0);
    assert!(scene_of(&image, &Settings::photo()).paths.is_empty(), "nothing visible, no shapes");
}

#[test]
fn a_region_round_adds_detail_inside_its_rectangle_only() {
    let image = sample("astronaut.jpg", 2);
    let rect_px = [40, 10, 40, 48];
    let region = Some(RegionRound { rect_px, colors: 30 });
    let settings = Settings { rounds: vec![6], region, max_paths: 600, ..Settings::photo() };
    let scene = scene_of(&image, &settings);
    let group = scene.groups.last().unwrap();
    assert!(group.id == "region-1" && group.paths.len() > 20, "{} paths in {}", group.paths.len(), group.id);
    for path in &scene.paths[group.paths.start as usize..] {
        for &[x, y] in scene.contours_of(path).flatten() {
            assert!((36.0..=84.0).contains(&x) && (6.0..=62.0).contains(&y), "{} reaches ({x}, {y})", path.id);
        }
    }
}

#[test]
fn bad_input_is_refused_with_the_value_and_a_way_out() {
    let image = Image::filled(32, 16, [0.5; 3]);
    let region = |rect_px| Settings { region: Some(RegionRound { rect_px, colors: 5 }), ..Settings::photo() };
    for rect_px in [[30, 0, 4, 4], [0, 0, 0, 4], [u32::MAX, 0, 2, 2]] {
        let error = vectorize(&image, &region(rect_px), 1, &ctx(1)).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("32 x 16") && message.contains(&rect_px[0].to_string()), "{message}");
    }
    let mut broken = image.clone();
    broken.planes[1][33] = f32::NAN;
    let message = vectorize(&broken, &Settings::photo(), 1, &ctx(1)).unwrap_err().to_string();
    assert!(message.contains("(1, 1)"), "{message}");
    let stopped = ctx(1);
    stopped.cancel.cancel();
    let error = vectorize(&image, &Settings::photo(), 1, &stopped).unwrap_err();
    assert!(matches!(error, VectorizeError::Cancelled(_)), "{error}");
}

#[test]
fn colours_outside_the_display_range_are_clamped() {
    let scene = scene_of(&Image::filled(4, 4, [7.0, -3.0, 0.5]), &Settings::photo());
    assert!(scene.fills.iter().all(|fill| *fill == [1.0, 0.0, 0.5, 1.0]), "{:?}", scene.fills);
}

#[test]
fn premultiplied_pictures_give_the_same_scene_as_straight_ones() {
    let mut straight = painted(24, 24, |x, _| if x < 12 { [0.5, 0.25, 0.0] } else { [0.0, 0.5, 1.0] });
    straight.planes[3].iter_mut().skip(200).for_each(|alpha| *alpha = 0.5);
    let premultiplied = straight.clone().into_premultiplied();
    assert_eq!(premultiplied.alpha, Alpha::Premultiplied, "set-up");
    assert_eq!(scene_of(&straight, &Settings::photo()), scene_of(&premultiplied, &Settings::photo()), "scenes");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn random_pictures_are_covered_and_within_budget(
        width in 1usize..40, height in 1usize..40, cell in 1usize..9, seed in 0u64..1000,
        max_paths in 3usize..300, min_area_px in 1u32..20, overlap_px in 0u32..5, preset in 0usize..4,
    ) {
        let small = noise(width.div_ceil(cell), height.div_ceil(cell), seed);
        let image = painted(width, height, |x, y| {
            let at = (y / cell) * small.width + x / cell;
            [small.planes[0][at], small.planes[1][at], small.planes[2][at]]
        });
        let settings = Settings { max_paths, min_area_px, overlap_px, ..Preset::ALL[preset].settings() };
        let scene = scene_of(&image, &settings);
        prop_assert!(uncovered(&draw(&scene)) == 0.0, "canvas is open");
        for [x, y] in scene.points.iter().flatten().collect::<Vec<_>>().chunks(2).map(|p| [*p[0], *p[1]]) {
            prop_assert!(x > -12.0 && y > -12.0 && x < width as f32 + 12.0 && y < height as f32 + 12.0, "({x}, {y})");
        }
    }
}
