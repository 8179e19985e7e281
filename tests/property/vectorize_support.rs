//! Pictures, drawing and scores for the vectorization tests; drawing goes through `resvg`'s rasterizer, so that these
//! tests judge the scene and not our own rasterizer.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::sync::Arc;

use linocut::ctx::{Ctx, Silent};
use linocut::image::Image;
use linocut::rng::{Stage, Stream};
use linocut::scene::{FillRule, Path, Scene};
use resvg::tiny_skia::{self, Color, FillRule as SkiaRule, Paint, PathBuilder, Pixmap, Transform};

pub(crate) fn ctx(threads: usize) -> Ctx {
    Ctx::new(threads, Arc::new(Silent)).unwrap()
}

/// A sample of the `examples` folder, halved `halvings` times by box means.
pub(crate) fn sample(name: &str, halvings: u32) -> Image {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    let rgb = image::open(file).unwrap().to_rgb8();
    let (width, height) = (rgb.width() as usize, rgb.height() as usize);
    let mut out = Image::filled(width, height, [0.0; 3]);
    for (index, pixel) in rgb.pixels().enumerate() {
        for channel in 0..3 {
            out.planes[channel][index] = f32::from(pixel.0[channel]) / 255.0;
        }
    }
    (0..halvings).fold(out, |picture, _| halved(&picture))
}

fn halved(source: &Image) -> Image {
    let (width, height) = (source.width / 2, source.height / 2);
    let mut out = Image::filled(width, height, [0.0; 3]);
    for (plane, full) in out.planes.iter_mut().zip(&source.planes) {
        for (index, value) in plane.iter_mut().enumerate() {
            let at = 2 * (index / width) * source.width + 2 * (index % width);
            *value = 0.25 * (full[at] + full[at + 1] + full[at + source.width] + full[at + source.width + 1]);
        }
    }
    out
}

/// Independent uniform colours, the hardest picture for anything that counts components.
pub(crate) fn noise(width: usize, height: usize, seed: u64) -> Image {
    let mut stream = Stream::new(seed, 0, Stage::Test, 0);
    let mut out = Image::filled(width, height, [0.0; 3]);
    for index in 0..width * height {
        for channel in 0..3 {
            out.planes[channel][index] = stream.unit();
        }
    }
    out
}

/// The picture whose pixel (x, y) is `pixel(x, y)`.
pub(crate) fn painted(width: usize, height: usize, pixel: impl Fn(usize, usize) -> [f32; 3]) -> Image {
    let mut out = Image::filled(width, height, [0.0; 3]);
    for index in 0..width * height {
        let rgb = pixel(index % width, index / width);
        for (plane, value) in out.planes.iter_mut().zip(rgb) {
            plane[index] = value;
        }
    }
    out
}

/// The scene with every coordinate moved by independent normal noise.
pub(crate) fn jittered(scene: &Scene, sigma_px: f32, seed: u64) -> Scene {
    let mut stream = Stream::new(seed, 0, Stage::Test, 1);
    let mut out = scene.clone();
    for value in out.points.iter_mut().flatten() {
        *value += sigma_px * stream.normal();
    }
    out
}

/// The scene without the paths that `drops` names.
pub(crate) fn without(scene: &Scene, drops: impl Fn(&Path) -> bool) -> Scene {
    let mut out = Scene::new(scene.width, scene.height);
    for path in scene.paths.iter().filter(|path| !drops(path)) {
        let fill = out.push_fill(scene.fills[path.fill as usize]);
        let contours: Vec<Vec<[f32; 2]>> = scene.contours_of(path).map(<[[f32; 2]]>::to_vec).collect();
        out.push_path(path.id.clone(), fill, path.rule, &contours);
    }
    out
}

/// Draws at canvas size on a transparent background.
pub(crate) fn draw(scene: &Scene) -> Pixmap {
    let mut pixmap = Pixmap::new(scene.width as u32, scene.height as u32).unwrap();
    for path in &scene.paths {
        let mut builder = PathBuilder::new();
        for contour in scene.contours_of(path) {
            builder.move_to(contour[0][0], contour[0][1]);
            for at in (0..contour.len()).step_by(3) {
                let [a, b] = [contour[at + 1], contour[at + 2]];
                let c = contour[(at + 3) % contour.len()];
                builder.cubic_to(a[0], a[1], b[0], b[1], c[0], c[1]);
            }
            builder.close();
        }
        let Some(outline) = builder.finish() else { continue };
        let [r, g, b, a] = scene.fills[path.fill as usize];
        let mut paint = Paint { anti_alias: true, ..Paint::default() };
        paint.set_color(Color::from_rgba(r, g, b, a).unwrap());
        let rule = if path.rule == FillRule::NonZero { SkiaRule::Winding } else { SkiaRule::EvenOdd };
        pixmap.fill_path(&outline, &paint, rule, Transform::identity(), None);
    }
    pixmap
}

/// Share of the canvas that is not covered, 0 to 1.
pub(crate) fn uncovered(pixmap: &tiny_skia::Pixmap) -> f64 {
    let missing: f64 = pixmap.pixels().iter().map(|pixel| 1.0 - f64::from(pixel.alpha()) / 255.0).sum();
    missing / pixmap.pixels().len() as f64
}

/// Peak signal-to-noise ratio in decibels over the three colours.
pub(crate) fn psnr_db(pixmap: &Pixmap, image: &Image) -> f64 {
    let mut error = 0.0;
    for (index, pixel) in pixmap.pixels().iter().enumerate() {
        for (channel, value) in [pixel.red(), pixel.green(), pixel.blue()].into_iter().enumerate() {
            error += (f64::from(value) / 255.0 - f64::from(image.planes[channel][index])).powi(2);
        }
    }
    -10.0 * (error / (3 * pixmap.pixels().len()) as f64).max(1e-10).log10()
}
