//! Tone term: keeps the blurred picture near its start, so that a bent letter still reads.
//!
//! Input: the current and the first render. Output: loss and pixel gradient. Formula: Word-As-Image (Iluz et al. 2023,
//! equation 5), mean squared difference after a Gaussian blur; the blur is symmetric, hence its own adjoint.
//! Determinism: rows and columns are whole tasks, so the thread count does not matter. Cost: twelve separable blurs a step, about
//! 490 million multiply-adds for 512 x 512 pixels, shared by all threads.

use crate::ctx::Ctx;
use crate::image::guided::transposed;
use rayon::prelude::*;

/// Standard deviation of the blur as a part of the long side (30 px of 600 in the paper).
const SIGMA_OF_SIDE: f32 = 0.05;

/// The first picture, blurred once.
#[derive(Clone, Debug)]
pub(super) struct Tone {
    width: usize,
    height: usize,
    kernel: Vec<f32>,
    target: [Vec<f32>; 3],
}

impl Tone {
    /// Remembers the blurred `planes` of a `width` by `height` picture.
    pub(super) fn new(width: usize, height: usize, planes: [&[f32]; 3], ctx: &Ctx) -> Self {
        let kernel = gaussian(SIGMA_OF_SIDE * width.max(height) as f32);
        let target = ctx.install(|| planes.map(|plane| blur(plane, width, height, &kernel)));
        Self { width, height, kernel, target }
    }

    /// Weights of the blur, an odd number.
    pub(super) fn kernel(&self) -> &[f32] {
        &self.kernel
    }

    /// The first picture's planes, blurred.
    pub(super) fn target(&self) -> [&[f32]; 3] {
        self.target.each_ref().map(Vec::as_slice)
    }

    /// Mean squared tone difference of `planes`, and `weight` times its gradient added to `gradient`.
    pub(super) fn add_gradient(
        &self,
        planes: [&[f32]; 3],
        weight: f32,
        gradient: &mut [Vec<f32>; 3],
        ctx: &Ctx,
    ) -> f32 {
        let count = (3 * self.width * self.height) as f32;
        let mut loss = 0.0;
        for ((plane, target), gradient) in planes.iter().zip(&self.target).zip(gradient) {
            let mut difference = ctx.install(|| blur(plane, self.width, self.height, &self.kernel));
            for (value, target) in difference.iter_mut().zip(target) {
                *value -= target;
                loss += *value * *value / count;
            }
            let spread = ctx.install(|| blur(&difference, self.width, self.height, &self.kernel));
            for (g, value) in gradient.iter_mut().zip(&spread) {
                *g += weight * 2.0 * value / count;
            }
        }
        loss
    }
}

fn gaussian(sigma: f32) -> Vec<f32> {
    let radius = (3.0 * sigma).ceil().max(1.0) as i32;
    let weights = (-radius..=radius).map(|x| (-0.5 * (x as f32 / sigma.max(0.3)).powi(2)).exp());
    let total: f32 = weights.clone().sum();
    weights.map(|weight| weight / total).collect()
}

/// Separable blur with zeros outside, so that rows and columns are symmetric operators.
fn blur(plane: &[f32], width: usize, height: usize, kernel: &[f32]) -> Vec<f32> {
    let rows = convolve(plane, width, height, kernel);
    let columns = convolve(&transposed(&rows, width), height, width, kernel);
    transposed(&columns, height)
}

fn convolve(plane: &[f32], width: usize, height: usize, kernel: &[f32]) -> Vec<f32> {
    let radius = kernel.len() / 2;
    let mut out = vec![0.0; width * height];
    plane.par_chunks_exact(width).zip(out.par_chunks_exact_mut(width)).for_each(|(source, target)| {
        for (tap, &weight) in kernel.iter().enumerate() {
            // target[x] += weight * source[x + tap - radius], as two aligned runs.
            let from = tap.saturating_sub(radius);
            let to = radius.saturating_sub(tap);
            let source = source.get(from..).unwrap_or_default();
            let target = target.get_mut(to..).unwrap_or_default();
            for (t, s) in target.iter_mut().zip(source) {
                *t += weight * s;
            }
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctx::Silent;
    use crate::rng::{Stage, Stream};
    use std::sync::Arc;

    fn noise(count: usize, index: u32) -> Vec<f32> {
        let mut stream = Stream::new(5, 0, Stage::Test, index);
        (0..count).map(|_| stream.unit()).collect()
    }

    #[test]
    fn tone_gradient_agrees_with_finite_differences() {
        let (width, height) = (23, 17);
        let [first, now] = [0, 1].map(|set| [0, 1, 2].map(|plane| noise(width * height, 3 * set + plane)));
        let ctx = Ctx::new(2, Arc::new(Silent)).unwrap();
        let tone = Tone::new(width, height, first.each_ref().map(Vec::as_slice), &ctx);
        let mut gradient = [0, 1, 2].map(|_| vec![0.0; width * height]);
        tone.add_gradient(now.each_ref().map(Vec::as_slice), 1.0, &mut gradient, &ctx);
        for at in [0, 100, 200, 390] {
            let probe = |step: f32| {
                let mut moved = now.clone();
                moved[1][at] += step;
                let mut unused = [0, 1, 2].map(|_| vec![0.0; width * height]);
                f64::from(tone.add_gradient(moved.each_ref().map(Vec::as_slice), 0.0, &mut unused, &ctx))
            };
            let numeric = (probe(0.5) - probe(-0.5)) as f32;
            let relative = (numeric - gradient[1][at]).abs() / gradient[1][at].abs().max(1e-6);
            assert!(relative < 2e-2, "pixel {at}: {numeric} against {}", gradient[1][at]);
        }
    }

    #[test]
    fn an_unmoved_picture_has_no_tone_loss() {
        let plane = noise(30 * 20, 9);
        let ctx = Ctx::new(2, Arc::new(Silent)).unwrap();
        let tone = Tone::new(30, 20, [&plane; 3], &ctx);
        let mut gradient = [0, 1, 2].map(|_| vec![0.0; 600]);
        assert_eq!(tone.add_gradient([&plane; 3], 1.0, &mut gradient, &ctx), 0.0, "loss of the start");
    }
}
