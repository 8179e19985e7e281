//! Numerical proof of the rasterizer in f64: what an artist would see as jitter, drift or shapes that will not move.

use std::sync::Arc;

use super::plan::Setup;
use super::tape::{GradOf, TapeOf};
use super::{Size, Trained};
use crate::ctx::{Ctx, Silent};
use crate::rng::{Stage, Stream};
use crate::scene::{FillRule, Scene};

const ALL: Trained = Trained { points: true, opacity: true };
const BACKGROUND: [f64; 3] = [0.9, 0.8, 1.0];

fn ctx() -> Ctx {
    Ctx::new(2, Arc::new(Silent)).unwrap()
}

fn size_of(scene: &Scene) -> Size {
    Size { width_px: scene.width as usize, height_px: scene.height as usize }
}

/// A closed polygon as a chain of straight cubics.
fn polygon(corners: &[[f32; 2]]) -> Vec<[f32; 2]> {
    let at = |[x0, y0]: [f32; 2], [x1, y1]: [f32; 2], t: f32| [x0 + (x1 - x0) * t, y0 + (y1 - y0) * t];
    let next = corners.iter().cycle().skip(1);
    corners.iter().zip(next).flat_map(|(&a, &b)| [a, at(a, b, 1.0 / 3.0), at(a, b, 2.0 / 3.0)]).collect()
}

fn circle([x, y]: [f32; 2], r: f32) -> Vec<[f32; 2]> {
    let k = 0.552_284_8 * r;
    let unit = [
        [r, 0.0],
        [r, k],
        [k, r],
        [0.0, r],
        [-k, r],
        [-r, k],
        [-r, 0.0],
        [-r, -k],
        [-k, -r],
        [0.0, -r],
        [k, -r],
        [r, -k],
    ];
    unit.map(|[dx, dy]| [x + dx, y + dy]).to_vec()
}

/// Weights of a linear loss, one a pixel and plane: smooth, of both signs, nowhere constant.
fn weights(size: Size) -> [Vec<f64>; 3] {
    [0.37, 0.61, 0.83].map(|step| {
        let pixels = 0..size.width_px * size.height_px;
        pixels.map(|at| ((at % size.width_px) as f64 * step + (at / size.width_px) as f64 * 0.23).sin()).collect()
    })
}

fn loss(scene: &Scene, tolerance_px: f64) -> f64 {
    let (size, mut planes) = (size_of(scene), [const { Vec::new() }; 3]);
    TapeOf::default()
        .record(scene, Setup { size, tolerance_px, trained: ALL }, BACKGROUND, planes.each_mut(), &ctx())
        .unwrap();
    planes
        .iter()
        .zip(weights(size))
        .map(|(plane, weights)| plane.iter().zip(weights).map(|(p, w)| p * w).sum::<f64>())
        .sum()
}

fn grad(scene: &Scene, tolerance_px: f64) -> GradOf<f64> {
    let (size, mut planes, mut tape) = (size_of(scene), [const { Vec::new() }; 3], TapeOf::default());
    tape.record(scene, Setup { size, tolerance_px, trained: ALL }, BACKGROUND, planes.each_mut(), &ctx()).unwrap();
    let weights = weights(size);
    tape.undo(scene, weights.each_ref().map(Vec::as_slice), &ctx()).unwrap()
}

/// Central difference of the loss along one f32 number of the scene; the step is what f32 made of it.
fn slope(scene: &Scene, tolerance_px: f64, step: f32, number: impl Fn(&mut Scene) -> &mut f32) -> f64 {
    let (mut above, mut below) = (scene.clone(), scene.clone());
    *number(&mut above) += step;
    *number(&mut below) -= step;
    let width = f64::from(*number(&mut above)) - f64::from(*number(&mut below));
    (loss(&above, tolerance_px) - loss(&below, tolerance_px)) / width
}

/// |a - b| over |b|, as vectors.
fn relative(found: &[f64], expected: &[f64]) -> f64 {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>().sqrt();
    let difference = norm(&mut found.iter().zip(expected).map(|(a, b)| a - b));
    difference / norm(&mut expected.iter().copied())
}

fn shapes(opacity: [f32; 2], group_opacity: f32) -> Scene {
    let mut scene = Scene::new(40.0, 36.0);
    scene.push_group("below".to_owned(), 1.0);
    let fill = scene.push_fill([0.8, 0.2, 0.1, opacity[0]]);
    let outline = polygon(&[[-6.3, -4.1], [33.7, 5.2], [44.9, 30.3], [7.1, 31.6]]);
    scene.push_path("big".to_owned(), fill, FillRule::NonZero, &[outline]);
    scene.push_group("above".to_owned(), group_opacity);
    let fill = scene.push_fill([0.1, 0.7, 0.4, opacity[1]]);
    scene.push_path("disc".to_owned(), fill, FillRule::NonZero, &[circle([21.3, 17.8], 9.4)]);
    let fill = scene.push_fill([0.3, 0.3, 0.9, 0.6]);
    let ring = [circle([13.1, 14.7], 8.2), circle([14.2, 15.1], 3.9)];
    scene.push_path("ring".to_owned(), fill, FillRule::EvenOdd, &ring);
    scene
}

#[test]
fn control_points_of_curves_follow_finite_differences() {
    for (rule, group_opacity) in [(FillRule::NonZero, 1.0), (FillRule::EvenOdd, 0.7)] {
        let mut scene = Scene::new(32.0, 28.0);
        scene.push_group("base".to_owned(), 1.0);
        let fill = scene.push_fill([0.2, 0.5, 0.9, 0.8]);
        scene.push_path("back".to_owned(), fill, FillRule::NonZero, &[circle([15.37, 12.61], 10.13)]);
        scene.push_group("layer".to_owned(), group_opacity);
        let fill = scene.push_fill([0.9, 0.4, 0.1, 0.9]);
        scene.push_path("front".to_owned(), fill, rule, &[circle([22.71, 15.93], 11.37), circle([24.19, 15.07], 4.43)]);
        let tolerance_px = 1e-6;
        let exact = grad(&scene, tolerance_px).points;
        let found: Vec<f64> = exact.iter().flatten().copied().collect();
        let expected: Vec<f64> = (0..found.len())
            .map(|at| slope(&scene, tolerance_px, 1.0 / 2048.0, |scene| &mut scene.points[at / 2][at % 2]))
            .collect();
        let error = relative(&found, &expected);
        assert!(error <= 1e-5, "{rule:?}, group {group_opacity}: relative error {error:.2e}");
    }
}

#[test]
fn corners_of_polygons_follow_finite_differences() {
    let corners = [[3.31, 2.77], [27.13, 6.41], [35.87, 25.19], [14.71, 19.37], [5.23, 29.11]];
    let scene_of = |corners: &[[f32; 2]]| {
        let mut scene = Scene::new(32.0, 32.0);
        let fill = scene.push_fill([0.2, 0.5, 0.9, 0.8]);
        scene.push_path("polygon".to_owned(), fill, FillRule::NonZero, &[polygon(corners)]);
        scene
    };
    let points = grad(&scene_of(&corners), 0.1).points;
    let n = corners.len();
    let (mut found, mut expected) = (Vec::new(), Vec::new());
    for corner in 0..n {
        let behind = 3 * ((corner + n - 1) % n);
        for axis in 0..2 {
            // A corner takes the controls at the thirds of both its sides along.
            let share = |point: usize, weight: f64| weight * points[point][axis];
            let sides = share(3 * corner + 1, 2.0 / 3.0) + share(3 * corner + 2, 1.0 / 3.0);
            let sides_behind = share(behind + 1, 1.0 / 3.0) + share(behind + 2, 2.0 / 3.0);
            found.push(share(3 * corner, 1.0) + sides + sides_behind);
            let step = 1.0 / 4096.0;
            let moved = |by: f32| {
                let mut corners = corners;
                corners[corner][axis] += by;
                (loss(&scene_of(&corners), 0.1), f64::from(corners[corner][axis]))
            };
            let ((above, high), (below, low)) = (moved(step), moved(-step));
            expected.push((above - below) / (high - low));
        }
    }
    let error = relative(&found, &expected);
    assert!(error <= 1e-5, "relative error {error:.2e}");
}

#[test]
fn a_coarse_subdivision_still_moves_the_curve() {
    let mut scene = Scene::new(32.0, 32.0);
    let fill = scene.push_fill([0.2, 0.5, 0.9, 1.0]);
    scene.push_path("disc".to_owned(), fill, FillRule::NonZero, &[circle([15.37, 16.61], 12.13)]);
    let (coarse, fine) = (grad(&scene, 1e-3).points, grad(&scene, 1e-6).points);
    let flat = |points: &[[f64; 2]]| points.iter().flatten().copied().collect::<Vec<_>>();
    let error = relative(&flat(&coarse), &flat(&fine));
    assert!(error <= 1e-3, "at a tolerance of a thousandth of a pixel: {error:.2e}");
}

#[test]
fn colours_and_opacities_follow_finite_differences() {
    for scene in [shapes([0.5, 0.9], 1.0), shapes([0.75, 0.5], 0.4)] {
        let exact = grad(&scene, 0.1);
        let (mut found, mut expected) = (Vec::new(), Vec::new());
        for fill in 0..scene.fills.len() {
            for channel in 0..4 {
                found.push(exact.paints[fill][channel]);
                expected.push(slope(&scene, 0.1, 1.0 / 64.0, |scene| &mut scene.fills[fill][channel]));
            }
        }
        let error = relative(&found, &expected);
        assert!(error <= 1e-5, "relative error {error:.2e}");
    }
}

#[test]
fn opacity_one_keeps_its_derivative() {
    let scene = shapes([1.0, 1.0], 1.0);
    let exact = grad(&scene, 0.1).paints;
    for (fill, exact) in exact.iter().enumerate() {
        let mut below = scene.clone();
        below.fills[fill][3] -= 1.0 / 64.0;
        let expected = (loss(&scene, 0.1) - loss(&below, 0.1)) * 64.0;
        let error = (exact[3] - expected).abs() / expected.abs();
        assert!(error <= 1e-9, "fill {fill}: the loss is linear in opacity, found {} for {expected}", exact[3]);
    }
}

/// A shape traced from pixels has all its edges on their borders; its top must be as easy to move as its left side.
#[test]
fn edges_on_pixel_borders_take_the_derivative_of_the_pixels_behind_them_along_their_whole_length() {
    let mut scene = Scene::new(64.0, 64.0);
    let fill = scene.push_fill([0.2, 0.7, 0.4, 1.0]);
    let corners = [[8.0, 8.0], [56.0, 8.0], [56.0, 56.0], [8.0, 56.0]];
    scene.push_path("square".to_owned(), fill, FillRule::NonZero, &[polygon(&corners)]);
    let found = grad(&scene, 0.1).points;
    // Moving the top edge down uncovers row 8, moving the left one to the right uncovers column 8.
    let weights = weights(size_of(&scene));
    let uncovered = |at: &dyn Fn(usize) -> usize| {
        let pixel = |pixel: usize| -> f64 {
            let [r, g, b] = weights.each_ref().map(|plane| plane[pixel]);
            let fill = [0.2f32, 0.7, 0.4].map(f64::from);
            r * (BACKGROUND[0] - fill[0]) + g * (BACKGROUND[1] - fill[1]) + b * (BACKGROUND[2] - fill[2])
        };
        (8..56).map(|along| pixel(at(along))).sum::<f64>()
    };
    let top = (0..4).map(|point| found[point][1]).sum::<f64>();
    let left = [9, 10, 11, 0].map(|point| found[point][0]).iter().sum::<f64>();
    let (expected_top, expected_left) = (uncovered(&|x| 8 * 64 + x), uncovered(&|y| y * 64 + 8));
    assert!((top - expected_top).abs() < 1e-9, "top edge: {top} for {expected_top}");
    assert!((left - expected_left).abs() < 1e-9, "left edge: {left} for {expected_left}");
}

/// Covers of one white path on black.
fn covers(width: usize, height: usize, rule: FillRule, contours: &[Vec<[f32; 2]>]) -> Vec<f64> {
    let mut scene = Scene::new(width as f32, height as f32);
    let fill = scene.push_fill([1.0; 4]);
    scene.push_path("path".to_owned(), fill, rule, contours);
    let mut planes = [const { Vec::new() }; 3];
    TapeOf::default()
        .record(
            &scene,
            Setup { size: size_of(&scene), tolerance_px: 1e-4, trained: ALL },
            [0.0; 3],
            planes.each_mut(),
            &ctx(),
        )
        .unwrap();
    let [red, ..] = planes;
    red
}

#[test]
fn rectangles_at_sub_pixel_offsets_have_their_exact_area() {
    let corners = [[2.25, 1.5], [9.75, 1.5], [9.75, 5.125], [2.25, 5.125]];
    let found = covers(13, 7, FillRule::NonZero, &[polygon(&corners)]);
    let overlap = |low: f64, high: f64, at: usize| (high.min(at as f64 + 1.0) - low.max(at as f64)).max(0.0);
    for (at, &found) in found.iter().enumerate() {
        let expected = overlap(2.25, 9.75, at % 13) * overlap(1.5, 5.125, at / 13);
        assert!((found - expected).abs() < 1e-12, "pixel ({}, {}): {found} for {expected}", at % 13, at / 13);
    }
}

#[test]
fn areas_of_triangles_and_circles_are_exact() {
    let triangle = covers(24, 24, FillRule::NonZero, &[polygon(&[[1.3, 2.7], [22.1, 8.9], [6.4, 21.5]])]);
    let expected = 0.5 * ((22.1 - 1.3) * (21.5 - 2.7) - (6.4 - 1.3) * (8.9 - 2.7));
    assert!((triangle.iter().sum::<f64>() - expected).abs() < 1e-4, "f32 corners of a triangle of {expected}");
    let disc = covers(24, 24, FillRule::NonZero, &[circle([11.3, 12.6], 9.5)]).iter().sum::<f64>();
    let expected = std::f64::consts::PI * 9.5 * 9.5;
    assert!((disc / expected - 1.0).abs() < 3e-4, "four cubics are a circle to 3 in 10000: {disc} for {expected}");
    let ring = [circle([11.3, 12.6], 9.5), circle([11.3, 12.6], 4.0)];
    let odd = covers(24, 24, FillRule::EvenOdd, &ring).iter().sum::<f64>();
    let expected = std::f64::consts::PI * (9.5 * 9.5 - 4.0 * 4.0);
    assert!((odd / expected - 1.0).abs() < 3e-4, "even-odd leaves the ring: {odd} for {expected}");
}

#[test]
fn abutting_shapes_share_their_edge_pixels_exactly() {
    let (a, b) = ([7.3, -1.0], [11.9, 21.0]);
    let left = covers(20, 20, FillRule::NonZero, &[polygon(&[[-3.0, -1.0], a, b, [-3.0, 21.0]])]);
    let right = covers(20, 20, FillRule::NonZero, &[polygon(&[a, [25.0, -1.0], [25.0, 21.0], b])]);
    for (at, (left, right)) in left.iter().zip(&right).enumerate() {
        assert!((left + right - 1.0).abs() < 1e-12, "pixel ({}, {}): {left} + {right}", at % 20, at / 20);
    }
}

#[test]
fn moving_everything_moves_as_much_as_moving_the_pixels() {
    let mut scene = Scene::new(32.0, 32.0);
    let fill = scene.push_fill([0.2, 0.5, 0.9, 1.0]);
    scene.push_path("disc".to_owned(), fill, FillRule::NonZero, &[circle([15.37, 16.61], 9.13)]);
    let points = grad(&scene, 0.01).points;
    for axis in 0..2 {
        let found: f64 = points.iter().map(|point| point[axis]).sum();
        let moved = |by: f32| {
            let mut scene = scene.clone();
            scene.points.iter_mut().for_each(|point| point[axis] += by);
            loss(&scene, 0.01)
        };
        let step = 1.0 / 4096.0;
        let expected = (moved(step) - moved(-step)) / f64::from(2.0 * step);
        assert!((found / expected - 1.0).abs() < 1e-4, "axis {axis}: {found} for {expected}");
    }
}

#[test]
fn random_polygons_cover_between_nothing_and_all_in_single_precision() {
    let mut stream = Stream::new(5, 0, Stage::Test, 0);
    for round in 0..50 {
        let mut scene = Scene::new(37.0, 21.0);
        let fill = scene.push_fill([1.0; 4]);
        let corners: Vec<_> = (0..12).map(|_| [stream.range(-20.0, 60.0), stream.range(-20.0, 40.0)]).collect();
        scene.push_path("star".to_owned(), fill, FillRule::EvenOdd, &[polygon(&corners)]);
        let mut single = [const { Vec::new() }; 3];
        let mut double = [const { Vec::new() }; 3];
        let size = size_of(&scene);
        TapeOf::<f32>::default()
            .record(&scene, Setup { size, tolerance_px: 0.1, trained: ALL }, [0.0; 3], single.each_mut(), &ctx())
            .unwrap();
        TapeOf::<f64>::default()
            .record(&scene, Setup { size, tolerance_px: 0.1, trained: ALL }, [0.0; 3], double.each_mut(), &ctx())
            .unwrap();
        for (at, (&single, &double)) in single[0].iter().zip(&double[0]).enumerate() {
            assert!((0.0..=1.0).contains(&single), "round {round}, pixel {at}: cover {single}");
            assert!((f64::from(single) - double).abs() < 2e-4, "round {round}, pixel {at}: {single} for {double}");
        }
    }
}
