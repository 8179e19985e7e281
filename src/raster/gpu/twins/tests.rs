//! The chain of twins against the rasterizer on the CPU, and what must hold for any card: strips, lists that grow, bindings.

use std::sync::Arc;

use super::super::constants::TILE;
use super::super::stages;
use super::chain::{Capacity, Chain};
use super::vector::{Vec4, Vector};
use super::{TWINS, scenes};
use crate::ctx::{Ctx, Silent};
use crate::raster::{SceneGrad, Size, Trained, backward, forward};
use crate::scene::Scene;

const ALL: Trained = Trained { points: true, opacity: true };
const BACKGROUND: [f32; 3] = [0.9, 0.8, 1.0];
/// What the twins and the CPU may differ by.
const MOST_PIXEL: f32 = 1e-4;
const MOST_GRADIENT: f64 = 1e-4;
/// The picture is one strip.
const WHOLE: u32 = u32::MAX;

/// Lists that every scene here fits.
const LONG: Capacity = Capacity { lines: 50_000, refs: 50_000, cells: 20_000, items: 20_000, batches: 2_000 };

type Grads<'a> = [(&'a str, &'a [f32]); 2];

fn size_of(scene: &Scene) -> Size {
    Size { width_px: scene.width.ceil() as usize, height_px: scene.height.ceil() as usize }
}

/// dL/dpixel: smooth, of both signs, nowhere constant.
fn pixel_grad(size: Size) -> [Vec<f32>; 3] {
    [0.37, 0.61, 0.83].map(|step: f32| {
        let pixels = 0..size.width_px * size.height_px;
        pixels.map(|at| ((at % size.width_px) as f32 * step + (at / size.width_px) as f32 * 0.23).sin()).collect()
    })
}

/// The shortest lists that a chain may begin with.
fn shortest(size: Size) -> Capacity {
    let tiles = (size.width_px as u32).div_ceil(TILE) * (size.height_px as u32).div_ceil(TILE);
    Capacity { lines: 0, refs: 0, cells: 0, items: tiles, batches: 0 }
}

fn chain(scene: &Scene, size: Size, trained: Trained, strip_rows: u32, capacity: Capacity) -> Chain {
    let mut chain = Chain::new(scene, size, BACKGROUND, trained, strip_rows, capacity);
    let [red, green, blue] = pixel_grad(size);
    let pixels = red.iter().zip(&green).zip(&blue);
    chain.buffers.image_grad = pixels.map(|((r, g), b)| Vector([*r, *g, *b, 0.0])).collect();
    chain
}

/// Picture and derivatives, in strips.
fn by_twins(scene: &Scene, size: Size, trained: Trained, strip_rows: u32) -> (Vec<Vec4>, SceneGrad) {
    let mut chain = chain(scene, size, trained, strip_rows, shortest(size));
    chain.forward();
    let image = chain.buffers.image.clone();
    (image, chain.backward())
}

/// `scene` with every point `by` times as far from the middle.
fn scaled(scene: &Scene, by: f32) -> Scene {
    let mut scene = scene.clone();
    let [x, y] = [0.5 * scene.width, 0.5 * scene.height];
    scene.points.iter_mut().for_each(|point| *point = [x + by * (point[0] - x), y + by * (point[1] - y)]);
    scene
}

fn grads(grad: &SceneGrad) -> Grads<'_> {
    [("points", grad.points.as_flattened()), ("fills", grad.fills.as_flattened())]
}

/// |found - expected| over |expected|, as vectors.
fn relative(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len(), "derivatives");
    let square = |value: f64| value * value;
    let off: f64 = found.iter().zip(expected).map(|(found, expected)| square(f64::from(found - expected))).sum();
    let all: f64 = expected.iter().map(|&expected| square(f64::from(expected))).sum();
    (off / all.max(1e-30)).sqrt()
}

fn assert_as_on_the_cpu(name: &str, scene: &Scene, size: Size, trained: Trained) {
    let ctx = Ctx::new(1, Arc::new(Silent)).unwrap();
    let (expected, tape) = forward(scene, size, BACKGROUND, trained, &ctx).unwrap();
    let expected_grad = backward(scene, &tape, pixel_grad(size).each_ref().map(Vec::as_slice), &ctx).unwrap();
    let (image, grad) = by_twins(scene, size, trained, WHOLE);
    for (at, pixel) in image.iter().enumerate() {
        for (plane, values) in expected.planes.iter().take(3).enumerate() {
            let (found, expected, row) = (pixel[plane], values[at], at / size.width_px);
            let off = (found - expected).abs();
            assert!(off <= MOST_PIXEL, "{name}: pixel ({}, {row}): {found} for {expected}", at % size.width_px);
        }
    }
    for ((what, found), (_, expected)) in grads(&grad).into_iter().zip(grads(&expected_grad)) {
        let off = relative(found, expected);
        println!("{name}: derivatives by {what} are off by {off:.1e}");
        assert!(off <= MOST_GRADIENT, "{name}: derivatives by {what} are off by {off:.1e}");
    }
}

fn bits(image: &[Vec4]) -> Vec<[u32; 4]> {
    image.iter().map(|pixel| pixel.0.map(f32::to_bits)).collect()
}

fn grad_bits(grad: &SceneGrad) -> Vec<u32> {
    grads(grad).into_iter().flat_map(|(_, values)| values).map(|value| value.to_bits()).collect()
}

#[test]
fn layers_holes_and_even_odd_paths_look_and_move_as_on_the_cpu() {
    for (seed, paths) in [(1, 3), (2, 40), (3, 120), (6, 60)] {
        let scene = scenes::random(seed, 120.0, paths);
        let size = Size { width_px: 173, height_px: 131 };
        assert_as_on_the_cpu(&format!("seed {seed}, {paths} paths"), &scene, size, ALL);
    }
}

#[test]
fn slivers_huge_shapes_and_shapes_off_the_canvas_look_and_move_as_on_the_cpu() {
    for side in [96.0, 90.0] {
        let scene = scenes::awkward(side);
        assert_as_on_the_cpu(&format!("awkward, {side} px"), &scene, size_of(&scene), ALL);
    }
}

#[test]
fn two_hundred_paths_over_one_pixel_keep_their_colours_and_derivatives() {
    let scene = scenes::stack(70.0, 200);
    assert_as_on_the_cpu("stack", &scene, size_of(&scene), ALL);
}

#[test]
fn pictures_of_any_size_are_as_on_the_cpu() {
    let scene = scenes::random(5, 100.0, 30);
    for (width_px, height_px) in [(1, 1), (17, 150), (320, 33), (16, 16)] {
        let size = Size { width_px, height_px };
        assert_as_on_the_cpu(&format!("{width_px} x {height_px}"), &scene, size, ALL);
    }
}

#[test]
fn derivatives_that_nobody_trains_are_zero() {
    let scene = scenes::random(7, 100.0, 30);
    let size = size_of(&scene);
    let (expected_image, expected) = by_twins(&scene, size, ALL, WHOLE);
    for (points, opacity) in [(true, false), (false, true), (false, false)] {
        let trained = Trained { points, opacity };
        let (image, grad) = by_twins(&scene, size, trained, WHOLE);
        assert_eq!(bits(&image), bits(&expected_image), "{trained:?}: picture");
        let points = if points { expected.points.clone() } else { vec![[0.0; 2]; expected.points.len()] };
        // A line that nobody moves is not kept where it is horizontal, so points may be summed in another order.
        let off = relative(grad.points.as_flattened(), points.as_flattened());
        assert!(off <= 1e-6, "{trained:?}: derivatives by points are off by {off:.1e}");
        let by_fill = |&[r, g, b, a]: &[f32; 4]| [r, g, b, if opacity { a } else { 0.0 }];
        assert_eq!(grad.fills, expected.fills.iter().map(by_fill).collect::<Vec<_>>(), "{trained:?}: fills");
    }
}

#[test]
fn a_picture_drawn_in_strips_is_the_picture_drawn_whole() {
    for scene in [scenes::random(11, 140.0, 50), scenes::awkward(96.0), scenes::stack(70.0, 60)] {
        let (expected, expected_grad) = by_twins(&scene, size_of(&scene), ALL, WHOLE);
        for strip_rows in [1, 2, 4] {
            let (image, grad) = by_twins(&scene, size_of(&scene), ALL, strip_rows);
            assert_eq!(bits(&image), bits(&expected), "strips of {strip_rows} rows of tiles");
            for ((what, found), (_, expected)) in grads(&grad).into_iter().zip(grads(&expected_grad)) {
                let off = relative(found, expected);
                // Sums in another order, of terms that cancel.
                assert!(off <= 2e-6, "strips of {strip_rows}: derivatives by {what} are off by {off:.1e}");
            }
        }
    }
}

#[test]
fn lists_that_are_too_short_grow_to_what_the_scene_needs_and_change_nothing() {
    for scene in [scenes::random(12, 140.0, 50), scenes::stack(70.0, 60)] {
        let size = size_of(&scene);
        let mut expected = chain(&scene, size, ALL, WHOLE, LONG);
        let need = expected.pass();
        let (expected_image, expected_grad) = (expected.buffers.image.clone(), expected.backward());
        let Capacity { lines, refs, cells, items, batches } = need;
        let starts = [
            shortest(size),
            Capacity { lines: lines / 2, ..need },
            Capacity { refs: refs - 1, ..need },
            Capacity { cells: cells / 2, ..need },
            Capacity { items: items - 1, ..need },
            Capacity { batches: batches / 2, ..need },
            Capacity { lines: 7, refs: 3, cells: 5, items: items / 2 + 20, batches: 1 },
        ];
        for start in starts {
            let mut found = chain(&scene, size, ALL, WHOLE, start);
            let passes = found.forward();
            assert!((2..=3).contains(&passes), "from {start:?} to {need:?} in {passes} passes");
            assert_eq!(found.capacity, need, "what the counters told, from {start:?}");
            assert_eq!(bits(&found.buffers.image), bits(&expected_image), "picture, from {start:?}");
            assert_eq!(grad_bits(&found.backward()), grad_bits(&expected_grad), "derivatives, from {start:?}");
        }
    }
}

#[test]
fn shapes_that_outgrow_their_lists_while_they_are_optimised_disturb_nothing() {
    for (seed, by) in [(13, 1.5), (14, 2.5), (15, 6.0)] {
        let large = scenes::random(seed, 140.0, 40);
        let small = scaled(&large, 1.0 / by);
        let size = size_of(&small);
        for strip_rows in [WHOLE, 2] {
            let (expected, expected_grad) = by_twins(&large, size, ALL, strip_rows);
            let need = chain(&small, size, ALL, strip_rows, LONG).pass();
            // What is left of the last iteration lies behind what still fits: all lists too short, or one alone.
            for start in [need, Capacity { lines: need.lines, ..LONG }, Capacity { refs: need.refs, ..LONG }] {
                let mut found = chain(&small, size, ALL, strip_rows, start);
                assert_eq!(found.forward(), 1, "seed {seed}: the lists are as long as the small scene needs");
                found.upload(&large);
                assert!(found.forward() <= 3, "seed {seed}: passes");
                assert_eq!(bits(&found.buffers.image), bits(&expected), "seed {seed}: picture");
                assert_eq!(grad_bits(&found.backward()), grad_bits(&expected_grad), "seed {seed}: derivatives");
            }
        }
    }
}

#[test]
fn paths_that_share_a_tile_are_drawn_in_the_order_of_the_scene() {
    let scene = scenes::random(17, 120.0, 80);
    let mut chain = chain(&scene, size_of(&scene), ALL, WHOLE, LONG);
    chain.forward();
    let tiles = shortest(size_of(&scene)).items as usize;
    for (tile, header) in chain.buffers.items[..tiles].iter().enumerate() {
        let items = &chain.buffers.items[header.cell as usize..][..header.first_ref as usize];
        assert!(items.is_sorted_by(|behind, in_front| behind.path < in_front.path), "tile {tile}");
        let layers = items.iter().map(|item| (item.path, item.layer_opacity));
        for (path, opacity) in layers {
            let group = scene.groups.iter().find(|group| group.paths.contains(&path)).unwrap();
            assert_eq!(opacity, group.opacity, "tile {tile}, path {path}: the group's opacity");
        }
    }
}

#[test]
fn a_path_that_is_not_finite_is_named() {
    let mut scene = scenes::random(16, 100.0, 12);
    let path = &scene.paths[5];
    let start = scene.contours[path.contours.start as usize].start as usize;
    for (at, bad) in [(0, f32::NAN), (1, f32::INFINITY), (2, f32::NEG_INFINITY)] {
        let good = std::mem::replace(&mut scene.points[start + at], [1.0, bad]);
        let size = size_of(&scene);
        let mut chain = chain(&scene, size, ALL, WHOLE, shortest(size));
        chain.pass();
        let named = scene.paths.len() - chain.buffers.counters[super::super::constants::counter::BAD_PATH] as usize;
        assert_eq!(named, 5, "a point with {bad}");
        scene.points[start + at] = good;
    }
}

/// The names of a twin's buffers as its function has them.
fn parameters(source: &str) -> Vec<&str> {
    let (_, rest) = source.split_once("pub(super) fn run(").unwrap();
    let (parameters, _) = rest.split_once(") {").unwrap();
    let names = parameters.split(',').filter_map(|parameter| Some(parameter.split_once(':')?.0.trim()));
    names.collect()
}

#[test]
fn every_stage_has_a_twin_that_takes_its_buffers_in_order() {
    for stage in stages::all() {
        let stem = stage.shader.name;
        let twin = TWINS.iter().find(|twin| twin.stem == stem);
        let twin = twin.unwrap_or_else(|| panic!("write src/raster/gpu/twins/{stem}.rs, the twin of {stem}.wgsl"));
        assert_eq!(twin.buffers, stage.buffers, "{stem}: the twin's list of buffers");
        let names = parameters(twin.source);
        assert_eq!(names.first(), Some(&"frame"), "{stem}: binding 0");
        assert_eq!(names[1..], *stage.buffers, "{stem}: the parameters of the twin");
    }
    assert_eq!(TWINS.len(), stages::all().count(), "a twin without a stage");
}
