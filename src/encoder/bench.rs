//! Times the image tower.
//!
//! Input: an encoder, a batch size, a number of runs. Output: medians. Determinism: the pixels are; the times are
//! what is asked for. Cost: `runs + 1` forward and backward passes.

use super::{Encoder, EncoderError};
use crate::ctx::Ctx;
use crate::nn::timing;
use crate::rng::{Stage, Stream};

/// Times of the image tower, medians over the runs, in milliseconds for the whole batch.
#[derive(Clone, Debug, serde::Serialize)]
pub struct BenchReport {
    /// Encoder's name.
    pub encoder: String,
    /// Crops in a batch.
    pub batch: usize,
    /// Timed runs.
    pub runs: usize,
    /// Worker threads.
    pub threads: usize,
    /// Forward pass without a trace.
    pub forward_ms: f64,
    /// Forward pass with a trace, then the gradient of the pixels.
    pub forward_backward_ms: f64,
    /// Multiplications and additions of the matrix products, forward and backward, in units of 1e9.
    pub gflop: f64,
    /// `gflop` by the second of `forward_backward_ms`.
    pub gflop_per_second: f64,
}

/// Runs the tower on random pixels.
///
/// # Errors
/// [`EncoderError::Cancelled`], or a failing computation.
pub fn bench(encoder: &Encoder, batch: usize, runs: usize, ctx: &Ctx) -> Result<BenchReport, EncoderError> {
    let side = encoder.input_side_px();
    let mut stream = Stream::new(1, 0, Stage::Test, 0);
    let crops: Vec<f32> = (0..batch * 3 * side * side).map(|_| stream.range(-2.0, 2.0)).collect();
    let d_features = vec![1.0; batch * encoder.embedding_len()];
    let forward = || encoder.embed_crops(&crops, batch, ctx).map(|_| ());
    let both = || {
        let (_, trace) = encoder.embed_crops_traced(&crops, batch, ctx)?;
        encoder.backward(trace, &d_features, ctx).map(|_| ())
    };
    let [forward_ms, forward_backward_ms] = timing::medians(runs, forward, both)?;
    let gflop = gflop(encoder, batch);
    Ok(BenchReport {
        encoder: encoder.name.clone(),
        batch,
        runs,
        threads: ctx.threads(),
        forward_ms,
        forward_backward_ms,
        gflop,
        gflop_per_second: gflop / forward_backward_ms * 1e3,
    })
}

/// Operations of the products that the tower really does: the last block works on one query row a crop.
fn gflop(encoder: &Encoder, batch: usize) -> f64 {
    let (config, tower) = (&encoder.config, &encoder.config.vision);
    let [width, hidden, tokens] = [tower.width, tower.hidden, config.vision_tokens()].map(|n| n as f64);
    let patch = 3.0 * (config.patch_side_px as f64).powi(2);
    let block = |rows: f64| {
        let products = 2.0 * width * (2.0 * width * tokens + rows * (2.0 * width + 2.0 * hidden));
        let attention = 4.0 * rows * tokens * width;
        2.0 * products + 3.0 * attention
    };
    let blocks = block(tokens) * (tower.layers - 1) as f64 + block(1.0);
    let ends = 4.0 * width * (patch * (tokens - 1.0) + config.embedding as f64);
    batch as f64 * (blocks + ends) * 1e-9
}
