//! Group normalisation on the processor, alone or with SiLU behind it, with the gradient of its input.
//!
//! Input: maps ([`super::conv`]). Output: maps. Formula: (x - mean) / sqrt(variance + eps) * gamma + beta with one mean and variance a
//! group of channels and image (Wu and He 2018, equations 1 to 3); SiLU is v * sigmoid(v) (Elfwing et al. 2018, equation 1).
//! Invariants: gamma and beta are frozen. Determinism: sums run in f64, over blocks of rows that do not depend on the thread count.
//! Cost: two reads and one write of the map each way.

use super::NnError;
use super::activation::{silu, silu_slope};
use super::conv::Grid;
use super::matrix::{matrix, read};
use candle_core::Tensor;
use rayon::prelude::*;

/// Rows that are summed at a time.
const BLOCK_ROWS: usize = 128;

/// Scale and shift, one value a channel, of a normalisation by groups.
#[derive(Clone, Debug)]
pub(crate) struct GroupNorm {
    pub(crate) gamma: Vec<f32>,
    pub(crate) beta: Vec<f32>,
    pub(crate) groups: usize,
    pub(crate) eps: f32,
    /// Whether SiLU follows.
    pub(crate) silu: bool,
}

/// Mean and reciprocal standard deviation for each image and channel; channels of a group share theirs.
#[derive(Clone, Debug)]
pub(crate) struct GroupStats {
    mean: Vec<f32>,
    rstd: Vec<f32>,
}

/// Two sums a channel of what `terms` adds for each row of one image.
fn sums(rows: &[f32], channels: usize, terms: impl Fn(usize, &[f32], &mut [[f64; 2]]) + Sync) -> Vec<[f64; 2]> {
    let block = BLOCK_ROWS * channels;
    let parts = rows.par_chunks(block.max(1)).enumerate().map(|(n, rows)| {
        let mut sums = vec![[0.0; 2]; channels];
        for (row, x) in rows.chunks(channels.max(1)).enumerate() {
            terms(n * BLOCK_ROWS + row, x, &mut sums);
        }
        sums
    });
    let parts: Vec<_> = parts.collect();
    let mut whole = vec![[0.0; 2]; channels];
    for part in parts {
        for (whole, part) in whole.iter_mut().zip(part) {
            *whole = [whole[0] + part[0], whole[1] + part[1]];
        }
    }
    whole
}

impl GroupNorm {
    fn per_group(&self) -> usize {
        (self.gamma.len() / self.groups.max(1)).max(1)
    }

    /// Means over groups of two sums a channel, `rows` rows long.
    fn group_means(&self, sums: &[[f64; 2]], rows: usize) -> Vec<[f64; 2]> {
        let count = (rows * self.per_group()).max(1) as f64;
        let group = |group: &[[f64; 2]]| {
            let [a, b] = group.iter().fold([0.0; 2], |sum, part| [sum[0] + part[0], sum[1] + part[1]]);
            [a / count, b / count]
        };
        sums.chunks(self.per_group()).map(group).collect()
    }

    fn stats(&self, image: &[f32], rows: usize) -> GroupStats {
        let channels = self.gamma.len();
        let moments = sums(image, channels, |_, x, sums| {
            for (sum, &x) in sums.iter_mut().zip(x) {
                let x = f64::from(x);
                *sum = [sum[0] + x, sum[1] + x * x];
            }
        });
        let (mut mean, mut rstd) = (Vec::with_capacity(channels), Vec::with_capacity(channels));
        for [first, second] in self.group_means(&moments, rows) {
            let variance = (second - first * first).max(0.0);
            for _ in 0..self.per_group() {
                mean.push(first as f32);
                rstd.push((1.0 / (variance + f64::from(self.eps)).sqrt()) as f32);
            }
        }
        GroupStats { mean, rstd }
    }

    /// The normalised map and the statistics of every image.
    pub(crate) fn forward(&self, x: &Tensor, grid: Grid) -> Result<(Tensor, Vec<GroupStats>), NnError> {
        let channels = self.gamma.len();
        let image_len = (grid.pixels() * channels).max(1);
        let (out, stats) = read(x, |x| {
            let mut out = vec![0.0; x.len()];
            let stats: Vec<_> = x.chunks(image_len).map(|image| self.stats(image, grid.pixels())).collect();
            for ((x, out), stats) in x.chunks(image_len).zip(out.chunks_mut(image_len)).zip(&stats) {
                self.apply(x, out, stats);
            }
            (out, stats)
        })?;
        Ok((matrix(out, grid.rows(), channels)?, stats))
    }

    fn apply(&self, x: &[f32], out: &mut [f32], stats: &GroupStats) {
        let channels = self.gamma.len().max(1);
        // x * scale + shift, so that a value is touched once.
        let scale: Vec<f32> = stats.rstd.iter().zip(&self.gamma).map(|(rstd, gamma)| rstd * gamma).collect();
        let shift = stats.mean.iter().zip(&scale).zip(&self.beta).map(|((mean, scale), beta)| beta - mean * scale);
        let shift: Vec<f32> = shift.collect();
        let block = BLOCK_ROWS * channels;
        out.par_chunks_mut(block).zip(x.par_chunks(block)).for_each(|(out, x)| {
            for (out, x) in out.chunks_mut(channels).zip(x.chunks(channels)) {
                let linear = x.iter().zip(&scale).zip(&shift).map(|((&x, &scale), &shift)| x * scale + shift);
                if self.silu {
                    out.iter_mut().zip(linear).for_each(|(out, v)| *out = silu(v));
                } else {
                    out.iter_mut().zip(linear).for_each(|(out, v)| *out = v);
                }
            }
        });
    }

    /// Gradient with respect to the input `x`:
    /// rstd * (gw - mean(gw) - u * mean(gw * u)) with u the normalised map and gw = g * gamma * slope.
    pub(crate) fn backward(&self, x: &Tensor, stats: &[GroupStats], g: &Tensor, grid: Grid) -> Result<Tensor, NnError> {
        let image_len = (grid.pixels() * self.gamma.len()).max(1);
        let mut out = read(g, <[f32]>::to_vec)?;
        read(x, |x| {
            for ((x, g), stats) in x.chunks(image_len).zip(out.chunks_mut(image_len)).zip(stats) {
                self.weigh(x, g, stats);
                self.pull(x, g, stats, grid.pixels());
            }
        })?;
        matrix(out, grid.rows(), self.gamma.len())
    }

    /// g * gamma * slope, in place of g.
    fn weigh(&self, x: &[f32], g: &mut [f32], stats: &GroupStats) {
        let channels = self.gamma.len().max(1);
        let block = BLOCK_ROWS * channels;
        g.par_chunks_mut(block).zip(x.par_chunks(block)).for_each(|(g, x)| {
            for (g, x) in g.chunks_mut(channels).zip(x.chunks(channels)) {
                let affine = self.gamma.iter().zip(&self.beta);
                let unit = x.iter().zip(&stats.mean).zip(&stats.rstd).map(|((x, mean), rstd)| (x - mean) * rstd);
                for ((g, unit), (&gamma, &beta)) in g.iter_mut().zip(unit).zip(affine) {
                    *g *= if self.silu { gamma * silu_slope(unit * gamma + beta) } else { gamma };
                }
            }
        });
    }

    /// The gradient through mean and variance, in place of gw.
    fn pull(&self, x: &[f32], gw: &mut [f32], stats: &GroupStats, pixels: usize) {
        let channels = self.gamma.len().max(1);
        let moments = sums(gw, channels, |row, gw, sums| {
            let x = x.get(row * channels..).unwrap_or_default();
            let unit = x.iter().zip(&stats.mean).zip(&stats.rstd).map(|((x, mean), rstd)| (x - mean) * rstd);
            for ((sum, &gw), unit) in sums.iter_mut().zip(gw).zip(unit) {
                *sum = [sum[0] + f64::from(gw), sum[1] + f64::from(gw * unit)];
            }
        });
        let means = self.group_means(&moments, pixels);
        let of_channel =
            means.iter().flat_map(|mean| std::iter::repeat_n([mean[0] as f32, mean[1] as f32], self.per_group()));
        let of_channel: Vec<[f32; 2]> = of_channel.collect();
        let block = BLOCK_ROWS * channels;
        gw.par_chunks_mut(block).zip(x.par_chunks(block)).for_each(|(g, x)| {
            for (g, x) in g.chunks_mut(channels).zip(x.chunks(channels)) {
                let stats = stats.mean.iter().zip(&stats.rstd);
                for (((g, &x), (&mean, &rstd)), &[flat, along]) in g.iter_mut().zip(x).zip(stats).zip(&of_channel) {
                    *g = rstd * (*g - flat - (x - mean) * rstd * along);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::differences::{check, noise};

    #[test]
    fn group_norm_has_the_gradient_of_finite_differences_with_and_without_silu() {
        let grid = Grid { images: 2, height: 3, width: 4 };
        let channels = 6;
        for (silu, groups) in [(false, 2), (true, 3), (true, 6)] {
            let norm = GroupNorm { gamma: noise(channels, 1), beta: noise(channels, 2), groups, eps: 1e-5, silu };
            let (x, w) = (noise(grid.rows() * channels, 3), noise(grid.rows() * channels, 4));
            let of = |x: &[f32]| matrix(x.to_vec(), grid.rows(), channels).unwrap();
            let values = |tensor: &Tensor| read(tensor, <[f32]>::to_vec).unwrap();
            let (_, stats) = norm.forward(&of(&x), grid).unwrap();
            let g = norm.backward(&of(&x), &stats, &of(&w), grid).unwrap();
            check("group norm", &x, &w, &values(&g), |x| values(&norm.forward(&of(x), grid).unwrap().0));
        }
    }
}
