//! The rasterizer on a graphics card against the one on the CPU. Every test here needs a card, or Mesa's drawing in software:
//! `cargo xtask test` runs them where there is one, and says how many it left out where there is none.

mod crops;
mod edit;
pub(crate) mod scenes;

use std::sync::Arc;

use linocut::ctx::{Ctx, Silent};
use linocut::gpu::{Gpu, Wanted};
use linocut::image::Image;
use linocut::raster::gpu::{GpuTape, render};
use linocut::raster::{self, Background, SceneGrad, Size, Trained};
use linocut::scene::Scene;

const ALL: Trained = Trained { points: true, opacity: true };
const BACKGROUND: [f32; 3] = [0.9, 0.8, 1.0];
/// What the two may differ by.
const MOST_PIXEL: f32 = 1e-4;
const MOST_GRADIENT: f64 = 1e-4;

fn ctx() -> Ctx {
    Ctx::new(2, Arc::new(Silent)).unwrap()
}

fn gpu() -> Arc<Gpu> {
    Wanted::from_environment().open().unwrap()
}

fn pixel_grad(size: Size) -> [Vec<f32>; 3] {
    [0.37, 0.61, 0.83].map(|step: f32| {
        let pixels = 0..size.width_px * size.height_px;
        pixels.map(|at| ((at % size.width_px) as f32 * step + (at / size.width_px) as f32 * 0.23).sin()).collect()
    })
}

fn on_cpu(scene: &Scene, size: Size, trained: Trained) -> (Image, SceneGrad) {
    let ctx = ctx();
    let (image, tape) = raster::forward(scene, size, BACKGROUND, trained, &ctx).unwrap();
    let grad = pixel_grad(size);
    let grad = raster::backward(scene, &tape, grad.each_ref().map(Vec::as_slice), &ctx).unwrap();
    (image, grad)
}

fn on_gpu(scene: &Scene, size: Size, trained: Trained) -> (Image, SceneGrad) {
    let mut tape = GpuTape::new(scene, size, BACKGROUND, trained, &gpu()).unwrap();
    tape.forward(scene).unwrap();
    let grad = pixel_grad(size);
    (tape.image().unwrap(), tape.backward(scene, grad.each_ref().map(Vec::as_slice)).unwrap())
}

fn largest_difference(a: &Image, b: &Image) -> f32 {
    assert_eq!((a.width, a.height), (b.width, b.height), "sizes");
    let pairs = a.planes.iter().zip(&b.planes).flat_map(|(a, b)| a.iter().zip(b));
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn relative<'a>(found: impl Iterator<Item = &'a f32>, expected: impl Iterator<Item = &'a f32>) -> f64 {
    let (mut off, mut all) = (0.0, 0.0);
    for (found, expected) in found.zip(expected) {
        off += f64::from(found - expected).powi(2);
        all += f64::from(*expected).powi(2);
    }
    (off / all.max(1e-30)).sqrt()
}

/// Largest difference of a pixel, and relative distances of the derivatives by points and fills.
fn compare(scene: &Scene, size: Size, trained: Trained) -> (f32, [f64; 2]) {
    let ((image, grad), (expected_image, expected)) = (on_gpu(scene, size, trained), on_cpu(scene, size, trained));
    let points = relative(grad.points.as_flattened().iter(), expected.points.as_flattened().iter());
    let fills = relative(grad.fills.as_flattened().iter(), expected.fills.as_flattened().iter());
    (largest_difference(&image, &expected_image), [points, fills])
}

fn assert_alike(name: &str, scene: &Scene, size: Size, trained: Trained) {
    let (pixel, gradients) = compare(scene, size, trained);
    println!("{name}: pixels {pixel:.1e}, gradients by points, fills {gradients:?}");
    assert!(pixel <= MOST_PIXEL, "{name}: a pixel is off by {pixel}");
    assert!(gradients.iter().all(|&off| off <= MOST_GRADIENT), "{name}: relative {gradients:?}");
}

fn size_of(scene: &Scene) -> Size {
    Size { width_px: scene.width.ceil() as usize, height_px: scene.height.ceil() as usize }
}

#[test]
#[ignore = "needs a graphics card"]
fn random_scenes_with_layers_are_drawn_and_undone_as_on_the_cpu() {
    for (seed, paths) in [(1, 3), (2, 40), (3, 200)] {
        let scene = scenes::random(seed, 150.0, paths);
        assert_alike(&format!("{paths} paths"), &scene, Size { width_px: 173, height_px: 131 }, ALL);
    }
}

#[test]
#[ignore = "needs a graphics card"]
fn slivers_huge_shapes_and_shapes_off_the_canvas_are_as_on_the_cpu() {
    let scene = scenes::awkward(96.0);
    assert_alike("awkward", &scene, size_of(&scene), ALL);
}

#[test]
#[ignore = "needs a graphics card"]
fn a_thousand_layers_over_the_whole_canvas_are_as_on_the_cpu() {
    let scene = scenes::stack(160.0, 1000);
    assert_alike("1000 layers", &scene, size_of(&scene), ALL);
}

#[test]
#[ignore = "needs a graphics card"]
fn ten_thousand_paths_are_as_on_the_cpu() {
    let scene = scenes::random(9, 512.0, 10_000);
    assert_alike("10 000 paths", &scene, size_of(&scene), ALL);
}

#[test]
#[ignore = "needs a graphics card"]
fn two_runs_are_bit_identical() {
    let scene = scenes::random(4, 200.0, 300);
    let [first, second] = [(); 2].map(|()| on_gpu(&scene, size_of(&scene), ALL));
    assert_eq!(first, second, "picture or derivative");
}

#[test]
#[ignore = "needs a graphics card"]
fn transparent_pictures_of_any_size_are_as_on_the_cpu() {
    let scene = scenes::random(5, 100.0, 60);
    for (width_px, height_px) in [(1, 1), (17, 300), (640, 33)] {
        let size = Size { width_px, height_px };
        for background in [Background::Transparent, Background::Rgb(BACKGROUND)] {
            let found = render(&scene, size, background, &gpu(), &ctx()).unwrap();
            let expected = raster::render(&scene, size, background, &ctx()).unwrap();
            let off = largest_difference(&found, &expected);
            assert!(off <= MOST_PIXEL, "{width_px} x {height_px}, {background:?}: {off}");
        }
    }
}

/// A strip may turn out to need more than its buffers can hold only after those above it were shown; then the rest is cut anew,
/// and not at the same rows.
#[test]
#[ignore = "needs a graphics card"]
fn strips_that_are_cut_anew_leave_no_row_out() {
    let mut scene = scenes::stack(640.0, 48);
    // Heavy below, light above.
    for (index, point) in scene.points.iter_mut().enumerate() {
        if index / 12 % 12 != 0 {
            point[1] = 384.0 + 0.4 * point[1];
        }
    }
    let gpu = gpu();
    let sizes = [65, 80, 144, 208].map(|height_px| Size { width_px: 640, height_px });
    let drawn = |size| render(&scene, size, Background::Rgb(BACKGROUND), &gpu, &ctx()).unwrap();
    let whole = sizes.map(drawn);
    for kib in [6144, 4096, 3072] {
        gpu.limit_buffers(kib << 10);
        for (size, whole) in sizes.iter().zip(&whole) {
            let off = largest_difference(&drawn(*size), whole);
            assert_eq!(off, 0.0, "{} px high in buffers of {kib} KiB", size.height_px);
        }
    }
    gpu.destroy();
}

/// The sample drawings at 512 pixels.
#[test]
#[ignore = "needs a graphics card and LINOCUT_SAMPLES"]
fn the_samples_are_drawn_and_undone_as_on_the_cpu() {
    for name in ["tajmahal", "horseriding"] {
        let bytes = std::fs::read(crate::util::sample(&format!("{name}.svg"))).unwrap();
        let (scene, _) = linocut::scene::svg_in::scene_from_svg(&bytes).unwrap();
        let side = |length: f32| (length * 512.0 / scene.width.max(scene.height)).round() as usize;
        let size = Size { width_px: side(scene.width), height_px: side(scene.height) };
        assert_alike(name, &scene, size, ALL);
    }
}
