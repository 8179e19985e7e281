//! Image tower: forward, and forward with the gradient of the pixels, at the sizes of ViT-B/32 and of the built-in
//! encoder; the crop operator at the built-in size.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot be set up cannot start")]

use std::sync::Arc;

use divan::Bencher;
use linocut::ctx::{Ctx, Silent};
use linocut::encoder::crops::Crops;
use linocut::encoder::crops::draw::{CropPreset, Region, draw};
use linocut::encoder::{Activation, Config, Encoder, TowerConfig};
use linocut::rng::{Stage, Stream};

fn main() {
    divan::main();
}

fn small() -> Config {
    let tower = TowerConfig { width: 192, hidden: 768, layers: 6, heads: 3, activation: Activation::Gelu, eps: 1e-5 };
    let text = TowerConfig { layers: 3, ..tower.clone() };
    let sizes = Config { image_side_px: 64, patch_side_px: 8, embedding: 256, vocabulary: 8192, ..Config::vit_b_32() };
    Config { vision: tower, text, context_tokens: 24, ..sizes }
}

fn tower(bencher: Bencher<'_, '_>, config: Config, batch: usize, backward: bool) {
    let ctx = Ctx::new(0, Arc::new(Silent)).unwrap();
    let encoder = Encoder::random("random", config, 1).unwrap();
    let side = encoder.input_side_px();
    let mut stream = Stream::new(1, 0, Stage::Test, 0);
    let crops: Vec<f32> = (0..batch * 3 * side * side).map(|_| stream.range(-2.0, 2.0)).collect();
    let d_features = vec![1.0; batch * encoder.embedding_len()];
    bencher.bench_local(|| {
        if backward {
            let (_, trace) = encoder.embed_crops_traced(&crops, batch, &ctx).unwrap();
            encoder.backward(trace, &d_features, &ctx).unwrap()
        } else {
            encoder.embed_crops(&crops, batch, &ctx).unwrap()
        }
    });
}

#[divan::bench(args = [false, true], sample_count = 5)]
fn vit_b_32_batch_16(bencher: Bencher<'_, '_>, backward: bool) {
    tower(bencher, Config::vit_b_32(), 16, backward);
}

#[divan::bench(args = [16, 32], sample_count = 10)]
fn built_in_forward_backward(bencher: Bencher<'_, '_>, batch: usize) {
    tower(bencher, small(), batch, true);
}

#[divan::bench(args = [16, 32], sample_count = 10)]
fn crops_forward_adjoint_512(bencher: Bencher<'_, '_>, count: usize) {
    let ctx = Ctx::new(0, Arc::new(Silent)).unwrap();
    let mut stream = Stream::new(1, 0, Stage::Crops, 0);
    let preset = CropPreset::Stratified { crops: count };
    let specs = draw(Region::whole(512, 512), (512, 512), preset, &mut stream).unwrap();
    let plane = vec![0.5; 512 * 512];
    bencher.bench_local(|| {
        let crops = Crops::new(&specs, 512, 512, &small()).unwrap();
        let out = crops.forward([&plane, &plane, &plane], &ctx).unwrap();
        crops.adjoint(&out, &ctx).unwrap()
    });
}
