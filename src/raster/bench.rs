//! The rasterizer timed against the limit of the machine.
//!
//! Input: a scene, a raster size, a number of rounds. Output: [`BenchReport`]. Invariants: forward and backward are
//! what an optimisation loop runs: one tape, buffers kept. Determinism: the counts are; the times are the machine's.
//! Cost: as many forward and backward passes as asked for, and 50 ms for the clock rate.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use super::gpu::{Counts, GpuTape};
use super::{RasterError, Size, Tape, Trained, Work, backward, forward_into, work};
use crate::ctx::Ctx;
use crate::gpu::Gpu;
use crate::image::Image;
use crate::scene::Scene;

/// Times of one scene at one raster size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BenchReport {
    /// What there was to do.
    pub work: Work,
    /// Threads used.
    pub threads: usize,
    /// Median of a forward pass, with the record for the way back.
    pub forward_ms: f64,
    /// Median of a backward pass, by points, colours and opacity.
    pub backward_ms: f64,
    /// Clock rate of one core in GHz, measured in the same run.
    pub core_ghz: f64,
    /// Time the walk alone must take: [`Work::limit_cycles`] over the clock rate and the threads.
    pub limit_ms: f64,
    /// Forward plus backward over the limit.
    pub ratio_to_limit: f64,
}

/// Times `rounds` forward and backward passes (at least 1) of `scene` over white, all parameters trained.
///
/// # Errors
/// As [`super::forward`].
pub fn bench(scene: &Scene, size: Size, rounds: usize, ctx: &Ctx) -> Result<BenchReport, RasterError> {
    let work = work(scene, size, ctx)?;
    let trained = Trained { points: true, opacity: true };
    let grad = gradient(size);
    let (mut image, mut tape) = (Image::filled(0, 0, [0.0; 3]), Tape::default());
    let (forward_ms, backward_ms) = medians(rounds, ctx, || {
        forward_into(scene, size, [1.0; 3], trained, (&mut image, &mut tape), ctx)?;
        black_box(&image);
        let middle = Instant::now();
        black_box(backward(scene, &tape, [&grad, &grad, &grad], ctx)?);
        Ok(middle)
    })?;
    let core_ghz = core_ghz();
    let threads = ctx.threads();
    let limit_ms = work.limit_cycles() / (core_ghz * 1e6 * threads as f64);
    let ratio_to_limit = (forward_ms + backward_ms) / limit_ms;
    Ok(BenchReport { work, threads, forward_ms, backward_ms, core_ghz, limit_ms, ratio_to_limit })
}

/// Times of one scene at one raster size on a graphics card.
#[derive(Clone, Debug, PartialEq)]
pub struct GpuBenchReport {
    /// What there was to do.
    pub work: Work,
    /// What the card's lists held.
    pub counts: Counts,
    /// Name and kind of the card.
    pub card: String,
    /// Dispatches there and back.
    pub dispatches: (u64, u64),
    /// Median of a forward pass, submitted and waited for.
    pub forward_ms: f64,
    /// Median of a backward pass, by points, colours and opacity.
    pub backward_ms: f64,
    /// Bytes that both passes must move at least: 24 a point, 56 a line, 40 a line in a tile, 28 a pixel, 16 a path in a tile.
    pub limit_bytes: u64,
    /// [`Self::limit_bytes`] over the time taken.
    pub gb_per_second: f64,
}

/// As [`bench()`] on `gpu`; what is timed is a submission and the wait for it, nothing but counters comes back.
///
/// # Errors
/// As [`super::forward`], and [`RasterError::Gpu`].
pub fn bench_gpu(
    scene: &Scene,
    size: Size,
    rounds: usize,
    gpu: &Arc<Gpu>,
    ctx: &Ctx,
) -> Result<GpuBenchReport, RasterError> {
    let work = work(scene, size, ctx)?;
    let trained = Trained { points: true, opacity: true };
    let grad = gradient(size);
    let mut tape = GpuTape::new(scene, size, [1.0; 3], trained, gpu)?;
    tape.set_pixel_grad([&grad, &grad, &grad])?;
    // The first round compiles shaders and finds the lengths of the lists.
    tape.forward(scene)?;
    tape.undo()?;
    let (forward_ms, backward_ms) = medians(rounds, ctx, || {
        tape.forward(scene)?;
        let middle = Instant::now();
        tape.undo()?;
        Ok(middle)
    })?;
    let counts = tape.counts();
    let limit_bytes = 24 * scene.points.len() as u64
        + 56 * counts.lines
        + 40 * counts.line_tiles
        + 28 * grad.len() as u64
        + 16 * counts.tile_pairs;
    Ok(GpuBenchReport {
        work,
        counts,
        card: format!("{} ({})", gpu.note.name, gpu.note.kind.name()),
        dispatches: tape.dispatches(),
        forward_ms,
        backward_ms,
        limit_bytes,
        gb_per_second: limit_bytes as f64 / (forward_ms + backward_ms) / 1e6,
    })
}

/// One plane of dL/dpixel: of both signs, different from pixel to pixel.
fn gradient(size: Size) -> Vec<f32> {
    (0..size.width_px * size.height_px).map(|index| ((index % 7) as f32 - 3.0) / 3.0).collect()
}

/// Milliseconds there and back, medians of `rounds` rounds (at least 1); a round says when it turned round.
fn medians(
    rounds: usize,
    ctx: &Ctx,
    mut round: impl FnMut() -> Result<Instant, RasterError>,
) -> Result<(f64, f64), RasterError> {
    let (mut forward_ms, mut backward_ms) = (Vec::new(), Vec::new());
    for _ in 0..rounds.max(1) {
        ctx.cancel.check()?;
        let start = Instant::now();
        let middle = round()?;
        forward_ms.push((middle - start).as_secs_f64() * 1e3);
        backward_ms.push(middle.elapsed().as_secs_f64() * 1e3);
    }
    Ok((median(&mut forward_ms), median(&mut backward_ms)))
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Clock rate from a chain of dependent steps of four cycles (a multiplication and an exclusive or on a 64-bit core of
/// the last decade) that no compiler can shorten. The best of several short runs, so that other jobs do not count.
fn core_ghz() -> f64 {
    const STEPS: u32 = 1 << 18;
    let run = || {
        let start = Instant::now();
        let mut value = black_box(0x9E37_79B9_7F4A_7C15_u64);
        let mask = black_box(0xD251_1F53_CD9E_8D57_u64);
        for _ in 0..STEPS {
            value = value.wrapping_mul(value) ^ mask;
        }
        black_box(value);
        4.0 * f64::from(STEPS) / start.elapsed().as_secs_f64() / 1e9
    };
    (0..64).map(|_| run()).fold(0.0, f64::max)
}
