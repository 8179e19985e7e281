//! Forward, backward and full-size render of a generated scene of stacked blobs, about the size of a two-round trace.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot be set up cannot start")]

use std::sync::Arc;

use divan::Bencher;
use linocut::ctx::{Ctx, Silent};
use linocut::image::Image;
use linocut::raster::{Background, Size, Tape, Trained, backward, forward_into, render};
use linocut::rng::{Stage, Stream};
use linocut::scene::{FillRule, Scene};

const SIZE: Size = Size { width_px: 512, height_px: 512 };
const ALL: Trained = Trained { points: true, opacity: true };
const WHITE: [f32; 3] = [1.0; 3];

fn main() {
    divan::main();
}

/// 3000 blobs of 12 cubics, small ones on top.
fn scene() -> Scene {
    let mut stream = Stream::new(1, 0, Stage::Test, 2);
    let mut scene = Scene::new(512.0, 512.0);
    for index in 0..3000 {
        let fill = scene.push_fill([stream.unit(), stream.unit(), stream.unit(), 1.0]);
        let (x, y) = (stream.range(0.0, 512.0), stream.range(0.0, 512.0));
        let radius = stream.range(3.0, 6.0) + 60.0 / (1.0 + index as f32 * 0.05);
        let contour = (0..36).map(|at| {
            let angle = std::f32::consts::TAU * at as f32 / 36.0;
            let r = radius * stream.range(0.8, 1.2);
            [x + r * angle.cos(), y + r * angle.sin()]
        });
        scene.push_path(format!("blob{index}"), fill, FillRule::NonZero, &[contour.collect()]);
    }
    scene
}

fn ctx(threads: usize) -> Ctx {
    Ctx::new(threads, Arc::new(Silent)).expect("threads for the bench")
}

#[divan::bench(args = [1, 2])]
fn forward_512(bencher: Bencher<'_, '_>, threads: usize) {
    let (scene, ctx) = (scene(), ctx(threads));
    let (mut image, mut tape) = (Image::filled(512, 512, WHITE), Tape::default());
    bencher.bench_local(|| forward_into(&scene, SIZE, WHITE, ALL, (&mut image, &mut tape), &ctx));
}

#[divan::bench(args = [1, 2])]
fn backward_512(bencher: Bencher<'_, '_>, threads: usize) {
    let (scene, ctx) = (scene(), ctx(threads));
    let (mut image, mut tape) = (Image::filled(512, 512, WHITE), Tape::default());
    forward_into(&scene, SIZE, WHITE, ALL, (&mut image, &mut tape), &ctx).expect("a valid scene");
    let grad: Vec<f32> = (0..512 * 512).map(|at| (at as f32 * 0.37).sin()).collect();
    bencher.bench_local(|| backward(&scene, &tape, [&grad, &grad, &grad], &ctx));
}

#[divan::bench(args = [1, 2])]
fn render_2048(bencher: Bencher<'_, '_>, threads: usize) {
    let (scene, ctx) = (scene(), ctx(threads));
    let size = Size { width_px: 2048, height_px: 2048 };
    bencher.bench_local(|| render(&scene, size, Background::Transparent, &ctx));
}
