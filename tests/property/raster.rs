//! The rasterizer as its users meet it: same bits everywhere, no input that hangs or spoils a picture, and the same
//! picture as another renderer.

use std::sync::Arc;

use linocut::ctx::{Ctx, Silent};
use linocut::image::Image;
use linocut::raster::{
    Background, RasterError, SceneGrad, Size, Tape, Trained, backward, forward, forward_into, render, visible_area,
    visible_sums,
};
use linocut::rng::{Stage, Stream};
use linocut::scene::{FillRule, Scene};
use proptest::prelude::*;

const ALL: Trained = Trained { points: true, opacity: true };
const WHITE: [f32; 3] = [1.0; 3];

fn ctx(threads: usize) -> Ctx {
    Ctx::new(threads, Arc::new(Silent)).unwrap()
}

fn square(side: usize) -> Size {
    Size { width_px: side, height_px: side }
}

fn rectangle([x0, y0]: [f32; 2], [x1, y1]: [f32; 2]) -> Vec<[f32; 2]> {
    let corners = [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]];
    let third = |a: [f32; 2], b: [f32; 2], t: f32| [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t];
    corners.windows(2).flat_map(|c| [c[0], third(c[0], c[1], 1.0 / 3.0), third(c[0], c[1], 2.0 / 3.0)]).collect()
}

/// Random blobs, some of them large, some translucent, some in a translucent group.
fn random_scene(seed: u64, side: f32, paths: usize) -> Scene {
    let mut stream = Stream::new(seed, 0, Stage::Test, 1);
    let mut scene = Scene::new(side, side);
    for index in 0..paths {
        if index % (paths / 3).max(1) == 0 {
            scene.push_group(format!("group{index}"), if index == 0 { 1.0 } else { stream.range(0.3, 1.0) });
        }
        let opacity = if stream.unit() < 0.5 { 1.0 } else { stream.range(0.2, 1.0) };
        let fill = scene.push_fill([stream.unit(), stream.unit(), stream.unit(), opacity]);
        let (x, y) = (stream.range(-0.1, 1.1) * side, stream.range(-0.1, 1.1) * side);
        let radius = stream.range(0.02, 0.3) * side;
        let corners = 3 * (3 + stream.up_to(4) as usize);
        let contour = (0..corners)
            .map(|at| {
                let angle = std::f32::consts::TAU * at as f32 / corners as f32;
                let r = radius * stream.range(0.7, 1.3);
                [x + r * angle.cos(), y + r * angle.sin()]
            })
            .collect();
        let rule = if stream.unit() < 0.5 { FillRule::NonZero } else { FillRule::EvenOdd };
        scene.push_path(format!("path{index}"), fill, rule, &[contour]);
    }
    scene
}

fn pixel_grad(size: Size) -> Vec<f32> {
    (0..size.width_px * size.height_px).map(|at| (at as f32 * 0.37).sin()).collect()
}

fn both(scene: &Scene, size: Size, threads: usize) -> ([Vec<f32>; 4], SceneGrad) {
    let ctx = ctx(threads);
    let (image, tape) = forward(scene, size, WHITE, ALL, &ctx).unwrap();
    let grad = pixel_grad(size);
    (image.planes, backward(scene, &tape, [&grad, &grad, &grad], &ctx).unwrap())
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let scene = random_scene(3, 150.0, 300);
    let size = Size { width_px: 150, height_px: 131 };
    let first = both(&scene, size, 1);
    for threads in [2, 3] {
        assert!(both(&scene, size, threads) == first, "{threads} threads change the picture or its derivative");
    }
}

#[test]
fn a_tape_used_again_gives_the_same_bits() {
    let (ctx, size) = (ctx(2), square(96));
    let grad = pixel_grad(size);
    let (mut image, mut tape) = (Image::filled(1, 1, WHITE), Tape::default());
    for seed in [1, 2, 1] {
        let scene = random_scene(seed, 96.0, 80);
        forward_into(&scene, size, WHITE, ALL, (&mut image, &mut tape), &ctx).unwrap();
        let found = backward(&scene, &tape, [&grad, &grad, &grad], &ctx).unwrap();
        assert!((image.planes.clone(), found) == both(&scene, size, 1), "seed {seed}: an earlier scene shows through");
    }
}

#[test]
fn untrained_parts_change_nothing_else() {
    let (scene, size, ctx) = (random_scene(8, 64.0, 40), square(64), ctx(1));
    let grad = pixel_grad(size);
    let of = |trained| {
        let (_, tape) = forward(&scene, size, WHITE, trained, &ctx).unwrap();
        backward(&scene, &tape, [&grad, &grad, &grad], &ctx).unwrap()
    };
    let all = of(ALL);
    let points = of(Trained { points: true, ..Trained::default() });
    let colors = of(Trained::default());
    assert_eq!(points.points, all.points, "points alone");
    assert!(colors.points.iter().all(|point| *point == [0.0; 2]), "frozen points");
    for (one, all) in colors.fills.iter().zip(&all.fills) {
        assert!(one.iter().zip(all).take(3).all(|(a, b)| (a - b).abs() <= 1e-4 * (1.0 + b.abs())), "{one:?} {all:?}");
    }
}

#[test]
fn whole_pixels_of_shift_shift_the_picture() {
    let scene = random_scene(11, 64.0, 30);
    let mut moved = scene.clone();
    for [x, y] in &mut moved.points {
        // Coordinates on a grid of 1/64 pixel, so that f32 can shift them exactly.
        (*x, *y) = ((*x * 64.0).round() / 64.0, (*y * 64.0).round() / 64.0);
    }
    let still = moved.clone();
    moved.points.iter_mut().for_each(|[x, y]| (*x, *y) = (*x + 5.0, *y + 3.0));
    let (a, b) = (both(&still, square(64), 1).0, both(&moved, square(64), 1).0);
    for y in 3..64 {
        for x in 5..64 {
            let (here, there) = (a[0][(y - 3) * 64 + x - 5], b[0][y * 64 + x]);
            // What leaves the canvas on the left is summed in another order: rounding, no more.
            assert!((here - there).abs() < 2e-5, "({x}, {y}): {here} became {there}");
        }
    }
}

fn svg_of(scene: &Scene) -> String {
    use std::fmt::Write;
    let mut svg = format!("<svg xmlns='http://www.w3.org/2000/svg' width='{0}' height='{0}'>", scene.width);
    for group in &scene.groups {
        write!(svg, "<g opacity='{}'>", group.opacity).unwrap();
        for path in &scene.paths[group.paths.start as usize..group.paths.end as usize] {
            let [r, g, b, a] = scene.fills[path.fill as usize];
            let rule = if path.rule == FillRule::EvenOdd { "evenodd" } else { "nonzero" };
            let [r, g, b] = [r, g, b].map(|value| (value * 255.0).round());
            write!(svg, "<path fill='rgb({r},{g},{b})' fill-opacity='{a}' fill-rule='{rule}' d='").unwrap();
            for contour in scene.contours_of(path) {
                write!(svg, "M{} {}", contour[0][0], contour[0][1]).unwrap();
                for (at, segment) in contour.chunks(3).enumerate() {
                    let end = contour.get(3 * at + 3).unwrap_or(&contour[0]);
                    write!(svg, "C{} {} {} {}", segment[1][0], segment[1][1], segment[2][0], segment[2][1]).unwrap();
                    write!(svg, " {} {}", end[0], end[1]).unwrap();
                }
                svg.push('Z');
            }
            svg.push_str("'/>");
        }
        svg.push_str("</g>");
    }
    svg + "</svg>"
}

/// Root mean square difference to resvg, and the share of pixels off by more than 0.05.
fn against_resvg(scene: &Scene, svg: &str, side: usize) -> (f64, f64) {
    let tree = resvg::usvg::Tree::from_str(svg, &resvg::usvg::Options::default()).unwrap();
    let mut pixmap = resvg::tiny_skia::Pixmap::new(side as u32, side as u32).unwrap();
    pixmap.fill(resvg::tiny_skia::Color::WHITE);
    resvg::render(&tree, resvg::tiny_skia::Transform::identity(), &mut pixmap.as_mut());
    let image = render(scene, square(side), Background::Rgb(WHITE), &ctx(2)).unwrap();
    let (mut square_sum, mut off) = (0.0, 0);
    for (at, pixel) in pixmap.data().chunks(4).enumerate() {
        let difference = |plane: usize| f64::from(image.planes[plane][at]) - f64::from(pixel[plane]) / 255.0;
        let all = [difference(0), difference(1), difference(2)];
        square_sum += all.iter().map(|value| value * value).sum::<f64>();
        off += usize::from(all.iter().any(|value| value.abs() > 0.05));
    }
    let pixels = (side * side) as f64;
    ((square_sum / (3.0 * pixels)).sqrt(), off as f64 / pixels)
}

#[test]
fn the_picture_is_what_resvg_draws() {
    for (seed, side, paths) in [(21, 256, 60), (22, 200, 300)] {
        let mut scene = random_scene(seed, side as f32, paths);
        scene.fills.iter_mut().flatten().for_each(|value| *value = (*value * 255.0).round() / 255.0);
        let (rmse, off) = against_resvg(&scene, &svg_of(&scene), side);
        assert!(rmse <= 0.01, "{paths} paths: RMSE {rmse:.4}");
        assert!(off <= 0.02, "{paths} paths: {:.2} % of the pixels are off by more than 0.05", off * 100.0);
    }
}

#[test]
fn transparent_pictures_lie_over_any_background_as_opaque_ones() {
    let (scene, ctx, size) = (random_scene(31, 70.0, 40), ctx(2), square(70));
    let clear = render(&scene, size, Background::Transparent, &ctx).unwrap();
    let rgb = [0.2, 0.6, 0.9];
    let opaque = render(&scene, size, Background::Rgb(rgb), &ctx).unwrap();
    for at in 0..clear.pixels() {
        for (plane, level) in rgb.iter().enumerate() {
            let over = clear.planes[plane][at] + (1.0 - clear.planes[3][at]) * level;
            assert!((over - opaque.planes[plane][at]).abs() < 1e-5, "pixel {at}: {over}");
        }
    }
    assert!(opaque.planes[3].iter().all(|&alpha| alpha == 1.0), "opaque background, opaque picture");
}

#[test]
fn any_raster_size_works_down_to_one_pixel() {
    let (scene, ctx) = (random_scene(41, 50.0, 20), ctx(1));
    for (width_px, height_px) in [(1, 1), (1, 40), (1023, 2), (5, 17)] {
        let size = Size { width_px, height_px };
        let (image, tape) = forward(&scene, size, WHITE, ALL, &ctx).unwrap();
        let grad = pixel_grad(size);
        let found = backward(&scene, &tape, [&grad, &grad, &grad], &ctx).unwrap();
        assert!(image.validate().is_ok(), "{width_px} x {height_px}: picture");
        assert!(found.points.iter().flatten().all(|value| value.is_finite()), "{width_px} x {height_px}: derivative");
    }
    let error = render(&scene, Size { width_px: 0, height_px: 4 }, Background::Transparent, &ctx).unwrap_err();
    assert!(matches!(error, RasterError::Size(_)), "{error}");
}

#[test]
fn bad_numbers_are_refused_by_name() {
    let ctx = ctx(1);
    let refuse = |spoil: &dyn Fn(&mut Scene)| {
        let mut scene = random_scene(51, 32.0, 9);
        spoil(&mut scene);
        forward(&scene, square(32), WHITE, ALL, &ctx).unwrap_err().to_string()
    };
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let message = refuse(&|scene| {
            let at = scene.contours[scene.paths[4].contours.start as usize].start as usize;
            scene.points[at + 1][0] = bad;
        });
        assert!(message.contains("'path4'"), "{message}");
        assert!(refuse(&|scene| scene.fills[2][0] = bad).contains("fill 2"), "colour {bad}");
    }
    assert!(refuse(&|scene| scene.fills[3][3] = 1.5).contains("fill 3"), "opacity beyond 1");
    assert!(refuse(&|scene| scene.groups[1].opacity = -0.1).contains("group"), "group opacity below 0");
    let scene = random_scene(51, 32.0, 9);
    let (_, tape) = forward(&scene, square(32), WHITE, ALL, &ctx).unwrap();
    let mut grad = vec![0.0; 32 * 32];
    assert!(matches!(backward(&scene, &tape, [&grad[1..], &grad, &grad], &ctx), Err(RasterError::PlaneSize { .. })));
    let other = random_scene(51, 32.0, 8);
    assert!(matches!(backward(&other, &tape, [&grad, &grad, &grad], &ctx), Err(RasterError::OtherScene { .. })));
    grad[7] = f32::NAN;
    let error = backward(&scene, &tape, [&grad, &grad, &grad], &ctx).unwrap_err();
    assert!(matches!(error, RasterError::PlaneNotFinite { index: 7, .. }), "{error}");
}

#[test]
fn shapes_far_off_tiny_flat_or_huge_do_no_harm() {
    let mut scene = Scene::new(64.0, 64.0);
    let fill = scene.push_fill([1.0, 0.0, 0.0, 1.0]);
    let mut push = |contour: Vec<[f32; 2]>| {
        let id = format!("path{}", scene.paths.len());
        scene.push_path(id, fill, FillRule::NonZero, &[contour]);
    };
    push(rectangle([-900.0, -900.0], [-800.0, -800.0]));
    push(rectangle([70.0, 10.0], [1e30, 20.0]));
    push(rectangle([10.0, 10.0], [10.0, 50.0]));
    push(vec![[20.0, 20.0]; 9]);
    push(rectangle([30.0, 10.0], [30.001, 60.0]));
    push(vec![[1e30, -1e30], [-3e38, 1e30], [1e30, 3e38], [5.0, 5.0], [-1e30, 7.0], [1e9, -1e9]]);
    push(Vec::new());
    let (ctx, size) = (ctx(2), square(64));
    let (image, tape) = forward(&scene, size, WHITE, ALL, &ctx).unwrap();
    let grad = pixel_grad(size);
    let found = backward(&scene, &tape, [&grad, &grad, &grad], &ctx).unwrap();
    assert!(image.validate().is_ok(), "picture stays finite");
    assert!(found.points.iter().flatten().chain(found.fills.iter().flatten()).all(|value| value.is_finite()));
    assert!(found.points[..12].iter().all(|point| *point == [0.0; 2]), "what is off the canvas has no derivative");
    let mut covering = Scene::new(64.0, 64.0);
    let fill = covering.push_fill([0.0, 0.0, 1.0, 1.0]);
    covering.push_path("all".to_owned(), fill, FillRule::NonZero, &[rectangle([-1e30, -1e30], [1e30, 1e30])]);
    let image = render(&covering, size, Background::Rgb(WHITE), &ctx).unwrap();
    assert!(image.planes[0].iter().all(|&red| red == 0.0), "a shape larger than any canvas covers it");
}

#[test]
fn a_thousand_layers_over_the_whole_canvas_fade_as_they_should() {
    let mut scene = Scene::new(48.0, 48.0);
    for layer in 0..1000 {
        let fill = scene.push_fill([0.25, 0.5, 0.75, 0.01]);
        let id = format!("layer{layer}");
        scene.push_path(id, fill, FillRule::NonZero, &[rectangle([-2.0, -2.0], [50.0, 50.0])]);
    }
    let (image, grad) = both(&scene, square(48), 2);
    let left = 0.99_f64.powi(1000);
    let expected = 0.25 + left * 0.75;
    assert!((f64::from(image[0][100]) - expected).abs() < 1e-4, "{} for {expected}", image[0][100]);
    let ratio = grad.fills[999][0] / grad.fills[499][0];
    let expected = 0.99_f64.powi(-500);
    assert!((f64::from(ratio) / expected - 1.0).abs() < 1e-3, "front to middle layer: {ratio} for {expected}");
}

#[test]
fn visible_areas_and_background_fill_the_canvas() {
    let (scene, size, ctx) = (random_scene(61, 80.0, 50), square(80), ctx(2));
    let ones = vec![1.0; 6400];
    let areas = visible_area(&scene, size, &ones, &ctx).unwrap();
    let clear = render(&scene, size, Background::Transparent, &ctx).unwrap();
    let covered: f32 = clear.planes[3].iter().sum();
    assert!((areas.iter().sum::<f32>() / covered - 1.0).abs() < 1e-4, "{} of {covered}", areas.iter().sum::<f32>());
    let planes = [vec![0.5; 6400], vec![0.25; 6400], (0..6400).map(|at| at as f32 / 6400.0).collect()];
    let sums = visible_sums(&scene, size, planes.each_ref().map(Vec::as_slice), &ctx).unwrap();
    for (path, (&area, [red, green, blue, weight])) in areas.iter().zip(sums).enumerate() {
        assert!((weight - area).abs() <= 1e-3 * (1.0 + area), "path {path}: area {area}, weight {weight}");
        assert!((red - 0.5 * area).abs() + (green - 0.25 * area).abs() <= 1e-3 * (1.0 + area), "path {path}: mean");
        assert!((0.0..=area * 1.001 + 1e-3).contains(&blue), "path {path}: mean within the picture's range");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn random_scenes_stay_finite_and_in_range(
        points in prop::collection::vec(prop::array::uniform2(-60.0_f32..120.0), 12),
        rgba in prop::array::uniform4(0.0_f32..=1.0),
        group_opacity in 0.0_f32..=1.0,
        even_odd: bool,
        width_px in 1_usize..70,
        height_px in 1_usize..70,
    ) {
        let mut scene = Scene::new(60.0, 60.0);
        scene.push_group("group".to_owned(), group_opacity);
        let fill = scene.push_fill(rgba);
        let rule = if even_odd { FillRule::EvenOdd } else { FillRule::NonZero };
        scene.push_path("path".to_owned(), fill, rule, &[points]);
        let (image, grad) = both(&scene, Size { width_px, height_px }, 1);
        prop_assert!(image.iter().flatten().all(|value| (-1e-6..=1.000_001).contains(value)));
        prop_assert!(grad.points.iter().flatten().all(|value| value.is_finite()));
        prop_assert!(grad.fills.iter().flatten().all(|value| value.is_finite()));
    }
}
