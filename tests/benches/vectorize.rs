//! Time of a vectorization: a photograph at working size, and noise, the worst case, at two sizes.
#![allow(clippy::expect_used, reason = "a bench without its pictures cannot start")]

use std::sync::Arc;

use divan::Bencher;
use linocut::ctx::{Ctx, Silent};
use linocut::image::Image;
use linocut::rng::{Stage, Stream};
use linocut::vectorize::{Settings, vectorize};

fn main() {
    divan::main();
}

fn photo(name: &str) -> Image {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    let rgb = image::open(file).expect("a sample picture").to_rgb32f();
    let mut out = Image::filled(rgb.width() as usize, rgb.height() as usize, [0.0; 3]);
    for (channel, plane) in out.planes.iter_mut().take(3).enumerate() {
        plane.clear();
        plane.extend(rgb.pixels().map(|pixel| pixel.0[channel]));
    }
    out
}

fn noise(side: usize) -> Image {
    let mut stream = Stream::new(1, 0, Stage::Test, 0);
    let mut out = Image::filled(side, side, [0.0; 3]);
    out.planes.iter_mut().take(3).flatten().for_each(|value| *value = stream.unit());
    out
}

fn run(bencher: Bencher<'_, '_>, image: &Image) {
    let ctx = Ctx::new(2, Arc::new(Silent)).expect("two threads");
    bencher.bench(|| vectorize(image, &Settings::photo(), 1, &ctx));
}

#[divan::bench(args = ["astronaut.jpg", "coffee.jpg", "chelsea.jpg", "rocket.jpg"], sample_count = 10)]
fn photograph(bencher: Bencher<'_, '_>, name: &str) {
    run(bencher, &photo(name));
}

#[divan::bench(args = [512, 2048], sample_count = 3)]
fn white_noise(bencher: Bencher<'_, '_>, side: usize) {
    run(bencher, &noise(side));
}
