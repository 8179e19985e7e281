//! LayerNorm on the processor, with its gradient.
//!
//! Input: matrices. Output: new ones. Formula: (x - mean) / sqrt(variance + eps) * gamma + beta, row by row (Ba et al. 2016,
//! equations 3 and 4). Invariants: gamma and beta are frozen. Determinism: as [`super::rows`]. Cost: one read and one write of each
//! operand.

use super::NnError;
use super::matrix::{matrix, read};
use super::rows::{rows_per_task, sum_by};
use candle_core::Tensor;
use rayon::prelude::*;

/// Mean and reciprocal standard deviation of a row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RowStats {
    mean: f32,
    rstd: f32,
}

/// Scale and shift of a LayerNorm (Ba et al. 2016), one value a column.
#[derive(Clone, Debug)]
pub(crate) struct Norm {
    pub(crate) gamma: Vec<f32>,
    pub(crate) beta: Vec<f32>,
    pub(crate) eps: f32,
}

fn stats_of(row: &[f32], eps: f32) -> RowStats {
    let n = row.len().max(1) as f32;
    let mean = sum_by(row, row, |x, _| x) / n;
    let variance = sum_by(row, row, |x, _| (x - mean) * (x - mean)) / n;
    RowStats { mean, rstd: 1.0 / (variance + eps).sqrt() }
}

/// y = (x - mean) * rstd * gamma + beta, row by row.
fn layer_norm(x: &[f32], norm: &Norm) -> (Vec<f32>, Vec<RowStats>) {
    let width = norm.gamma.len().max(1);
    let task = rows_per_task(width);
    let mut y = vec![0.0; x.len()];
    let mut stats = vec![RowStats::default(); x.len() / width];
    let tasks = y.par_chunks_mut(task * width).zip(stats.par_chunks_mut(task)).zip(x.par_chunks(task * width));
    tasks.for_each(|((y, stats), x)| {
        for ((y, stats), x) in y.chunks_mut(width).zip(stats).zip(x.chunks(width)) {
            *stats = stats_of(x, norm.eps);
            let RowStats { mean, rstd } = *stats;
            for (((y, &x), &gamma), &beta) in y.iter_mut().zip(x).zip(&norm.gamma).zip(&norm.beta) {
                *y = (x - mean) * rstd * gamma + beta;
            }
        }
    });
    (y, stats)
}

/// Gradient of [`layer_norm`] with respect to its input, plus `residual` where the input also feeds a sum:
/// rstd * (gw - mean(gw) - xh * mean(gw * xh)) with gw = g * gamma and xh the normalised row.
fn layer_norm_backward(x: &[f32], stats: &[RowStats], norm: &Norm, g: &[f32], residual: Option<&[f32]>) -> Vec<f32> {
    let width = norm.gamma.len().max(1);
    let task = rows_per_task(width);
    let mut out = match residual {
        Some(residual) => residual.to_vec(),
        None => vec![0.0; x.len()],
    };
    let inputs = x.par_chunks(task * width).zip(g.par_chunks(task * width)).zip(stats.par_chunks(task));
    out.par_chunks_mut(task * width).zip(inputs).for_each_init(
        || vec![0.0_f32; width],
        |gw, (out, ((x, g), stats))| {
            let rows = out.chunks_mut(width).zip(x.chunks(width)).zip(g.chunks(width)).zip(stats);
            for (((out, x), g), &RowStats { mean, rstd }) in rows {
                for ((gw, &g), &gamma) in gw.iter_mut().zip(g).zip(&norm.gamma) {
                    *gw = g * gamma;
                }
                let n = width as f32;
                let mean_gw = sum_by(gw, gw, |gw, _| gw) / n;
                let mean_gx = sum_by(gw, x, |gw, x| gw * ((x - mean) * rstd)) / n;
                for ((out, &x), &gw) in out.iter_mut().zip(x).zip(gw.iter()) {
                    *out += rstd * (gw - mean_gw - (x - mean) * rstd * mean_gx);
                }
            }
        },
    );
    out
}

/// LayerNorm of a matrix.
pub(crate) fn normalised(x: &Tensor, norm: &Norm) -> Result<(Tensor, Vec<RowStats>), NnError> {
    let (y, stats) = read(x, |x| layer_norm(x, norm))?;
    Ok((matrix(y, x.dim(0)?, x.dim(1)?)?, stats))
}

/// Gradient of [`normalised`], plus `residual`.
pub(crate) fn norm_backward(
    x: &Tensor,
    stats: &[RowStats],
    norm: &Norm,
    g: &Tensor,
    residual: Option<&Tensor>,
) -> Result<Tensor, NnError> {
    let run = |residual: Option<&[f32]>| read(x, |x| read(g, |g| layer_norm_backward(x, stats, norm, g, residual)))?;
    let g_x = match residual {
        Some(residual) => read(residual, |residual| run(Some(residual)))??,
        None => run(None)?,
    };
    matrix(g_x, x.dim(0)?, x.dim(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::differences::{check, noise};

    #[test]
    fn layer_norm_has_the_gradient_of_finite_differences() {
        let norm = Norm { gamma: noise(19, 1), beta: noise(19, 2), eps: 1e-5 };
        let (x, w, residual) = (noise(57, 3), noise(57, 4), noise(57, 9));
        let (_, stats) = layer_norm(&x, &norm);
        let g = layer_norm_backward(&x, &stats, &norm, &w, None);
        check("layer_norm", &x, &w, &g, |x| layer_norm(x, &norm).0);
        let summed = layer_norm_backward(&x, &stats, &norm, &w, Some(&residual));
        assert!(summed.iter().zip(&g).zip(&residual).all(|((s, g), r)| (s - g - r).abs() < 1e-5), "residual is added");
    }
}
