//! The element-wise parts of a tower, fused: LayerNorm, softmax, GELU, bias and residual.
//!
//! Input: row-major slices. Output: new vectors, or the slice changed in place. Invariants: rows are independent
//! of each other. Determinism: each row is summed in a fixed order of sixteen lanes, whatever the thread count.
//! Cost: one read and one write of each operand; loops are written so that the compiler turns them into SIMD.
//!
//! Everything a device version would have to replace, apart from candle's own matrix product, is in this file.

use rayon::prelude::*;

/// Values a parallel task works on at least; far above the cost of handing out a task.
const TASK_VALUES: usize = 1 << 14;
const LANES: usize = 16;

/// Non-linearity between the two products of a block's perceptron.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// x * sigmoid(1.702 x), used by the original CLIP models.
    QuickGelu,
    /// x * Phi(x), with the exact normal distribution function (not the tanh form).
    Gelu,
}

/// Mean and reciprocal standard deviation of a row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RowStats {
    mean: f32,
    rstd: f32,
}

/// Scale and shift of a LayerNorm (Ba et al. 2016), one value a column.
#[derive(Clone, Debug)]
pub(super) struct Norm {
    pub(super) gamma: Vec<f32>,
    pub(super) beta: Vec<f32>,
    pub(super) eps: f32,
}

fn rows_per_task(width: usize) -> usize {
    (TASK_VALUES / width.max(1)).max(1)
}

#[inline(always)]
fn sum_by(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for ((lane, &x), &y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += term(x, y);
        }
    }
    for ((lane, &x), &y) in lanes.iter_mut().zip(a_rest).zip(b_rest) {
        *lane += term(x, y);
    }
    lanes.iter().sum()
}

fn stats_of(row: &[f32], eps: f32) -> RowStats {
    let n = row.len().max(1) as f32;
    let mean = sum_by(row, row, |x, _| x) / n;
    let variance = sum_by(row, row, |x, _| (x - mean) * (x - mean)) / n;
    RowStats { mean, rstd: 1.0 / (variance + eps).sqrt() }
}

/// y = (x - mean) * rstd * gamma + beta, row by row.
pub(super) fn layer_norm(x: &[f32], norm: &Norm) -> (Vec<f32>, Vec<RowStats>) {
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
pub(super) fn layer_norm_backward(
    x: &[f32],
    stats: &[RowStats],
    norm: &Norm,
    g: &[f32],
    residual: Option<&[f32]>,
) -> Vec<f32> {
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

/// Adds `bias` to every row of `x`.
pub(super) fn add_bias(x: &mut [f32], bias: &[f32]) {
    let width = bias.len().max(1);
    x.par_chunks_mut(rows_per_task(width) * width).for_each(|rows| {
        for row in rows.chunks_mut(width) {
            for (x, &bias) in row.iter_mut().zip(bias) {
                *x += bias;
            }
        }
    });
}

/// sum += part.
pub(super) fn add(sum: &mut [f32], part: &[f32]) {
    const TASK: usize = 1 << 14;
    sum.par_chunks_mut(TASK).zip(part.par_chunks(TASK)).for_each(|(sum, part)| {
        sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    });
}

/// x + branch + bias, the end of each half of a block.
pub(super) fn add_residual(x: &[f32], branch: &[f32], bias: &[f32]) -> Vec<f32> {
    let width = bias.len().max(1);
    let task = rows_per_task(width) * width;
    let mut out = vec![0.0; x.len()];
    out.par_chunks_mut(task).zip(x.par_chunks(task)).zip(branch.par_chunks(task)).for_each(|((out, x), branch)| {
        let rows = out.chunks_mut(width).zip(x.chunks(width)).zip(branch.chunks(width));
        for ((out, x), branch) in rows {
            for (((out, &x), &branch), &bias) in out.iter_mut().zip(x).zip(branch).zip(bias) {
                *out = x + branch + bias;
            }
        }
    });
    out
}

/// e^x to two units in the last place for |x| < 87, flushed to the range's ends beyond (Cephes `expf`).
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding 1.5 * 2^23 rounds to an integer that can be read from the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * 0.693_359_4) - n * -2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let mantissa = p * r * r + r + 1.0;
    mantissa * f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000))
}

/// Error function, absolute error below 3e-7: the rational minimax form that Eigen and XLA use on [-4, 4].
#[inline(always)]
fn erf(x: f32) -> f32 {
    let x = x.clamp(-4.0, 4.0);
    let s = x * x;
    let mut p = -2.726_142_3e-10_f32;
    for c in [2.770_681_4e-8, -2.101_024e-6, -5.692_506_5e-5, -7.349_906e-4, -2.954_6e-3, -1.609_603_3e-2] {
        p = p * s + c;
    }
    let mut q = -1.456_607_2e-5_f32;
    for c in [-2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2] {
        q = q * s + c;
    }
    x * p / q
}

#[inline(always)]
fn quick_gelu(x: f32) -> f32 {
    x / (1.0 + exp(-1.702 * x))
}

#[inline(always)]
fn quick_gelu_slope(x: f32) -> f32 {
    let s = 1.0 / (1.0 + exp(-1.702 * x));
    s * (1.0 + 1.702 * x * (1.0 - s))
}

#[inline(always)]
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

#[inline(always)]
fn gelu_slope(x: f32) -> f32 {
    const INV_SQRT_TAU: f32 = 0.398_942_3;
    0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2)) + x * INV_SQRT_TAU * exp(-0.5 * x * x)
}

#[inline(always)]
fn map_rows(h: &[f32], bias: &[f32], out: &mut [f32], f: impl Fn(f32, f32) -> f32 + Sync) {
    let width = bias.len().max(1);
    let task = rows_per_task(width) * width;
    out.par_chunks_mut(task).zip(h.par_chunks(task)).for_each(|(out, h)| {
        for (out, h) in out.chunks_mut(width).zip(h.chunks(width)) {
            for ((out, &h), &bias) in out.iter_mut().zip(h).zip(bias) {
                *out = f(h + bias, *out);
            }
        }
    });
}

/// act(h + bias).
pub(super) fn activate(h: &[f32], bias: &[f32], activation: Activation) -> Vec<f32> {
    let mut out = vec![0.0; h.len()];
    match activation {
        Activation::QuickGelu => map_rows(h, bias, &mut out, |x, _| quick_gelu(x)),
        Activation::Gelu => map_rows(h, bias, &mut out, |x, _| gelu(x)),
    }
    out
}

/// g * act'(h + bias), in place of `g`.
pub(super) fn activate_backward(h: &[f32], bias: &[f32], activation: Activation, g: &mut [f32]) {
    match activation {
        Activation::QuickGelu => map_rows(h, bias, g, |x, g| g * quick_gelu_slope(x)),
        Activation::Gelu => map_rows(h, bias, g, |x, g| g * gelu_slope(x)),
    }
}

/// softmax(scale * s) of each row of `keys` values, in place. `visible(row)` is how many leading keys the row may
/// see; the others get weight zero.
pub(super) fn softmax(s: &mut [f32], keys: usize, scale: f32, visible: impl Fn(usize) -> usize) {
    for (row, s) in s.chunks_mut(keys.max(1)).enumerate() {
        let (seen, hidden) = s.split_at_mut(visible(row).min(keys));
        hidden.fill(0.0);
        let max = seen.iter().fold(f32::NEG_INFINITY, |max, &s| if s > max { s } else { max });
        for s in seen.iter_mut() {
            *s = exp(scale * (*s - max));
        }
        let inverse = 1.0 / sum_by(seen, seen, |s, _| s);
        for s in seen.iter_mut() {
            *s *= inverse;
        }
    }
}

/// Gradient of [`softmax`]: scale * p * (g - sum(g * p)), in place of `g`.
pub(super) fn softmax_backward(p: &[f32], keys: usize, scale: f32, g: &mut [f32]) {
    for (p, g) in p.chunks(keys.max(1)).zip(g.chunks_mut(keys.max(1))) {
        let inner = sum_by(p, g, |p, g| p * g);
        for (g, &p) in g.iter_mut().zip(p) {
            *g = scale * p * (*g - inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Stage, Stream};

    fn noise(n: usize, index: u32) -> Vec<f32> {
        let mut stream = Stream::new(5, 0, Stage::Test, index);
        (0..n).map(|_| stream.normal()).collect()
    }

    /// Compares `gradient` with central differences of sum(weights * f(x)), summed in f64.
    fn check(name: &str, x: &[f32], weights: &[f32], gradient: &[f32], f: impl Fn(&[f32]) -> Vec<f32>) {
        let value = |x: &[f32]| -> f64 { f(x).iter().zip(weights).map(|(&y, &w)| f64::from(y) * f64::from(w)).sum() };
        let scale = gradient.iter().fold(0.0_f64, |m, &g| m.max(f64::from(g).abs()));
        for i in 0..x.len() {
            let step = |h: f32| {
                let mut moved = x.to_vec();
                moved[i] += h;
                (value(&moved), f64::from(moved[i]))
            };
            let ((up, at_up), (down, at_down)) = (step(4e-3), step(-4e-3));
            let expected = (up - down) / (at_up - at_down);
            let error = (expected - f64::from(gradient[i])).abs() / scale;
            assert!(error < 5e-4, "{name}: value {i}: differences {expected}, gradient {}", gradient[i]);
        }
    }

    #[test]
    fn exp_and_erf_agree_with_double_precision() {
        for i in -8000..=8000 {
            let x = i as f32 * 0.01;
            let exact = f64::from(x).exp();
            assert!((f64::from(exp(x)) - exact).abs() <= 3e-7 * exact, "exp({x}) = {}, not {exact}", exp(x));
        }
        for (x, exact) in [(0.0, 0.0), (0.1, 0.112_462_916_018), (0.5, 0.520_499_877_813), (1.0, 0.842_700_792_949)] {
            assert!((f64::from(erf(x)) - exact).abs() < 3e-7, "erf({x}) = {}, not {exact}", erf(x));
        }
        for (x, exact) in [(-2.0, -0.995_322_265_018), (3.0, 0.999_977_909_503), (9.0, 1.0)] {
            assert!((f64::from(erf(x)) - exact).abs() < 3e-7, "erf({x}) = {}, not {exact}", erf(x));
        }
    }

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

    #[test]
    fn activations_have_the_gradient_of_finite_differences() {
        for activation in [Activation::QuickGelu, Activation::Gelu] {
            let (h, bias, w) = (noise(60, 5), noise(20, 6), noise(60, 7));
            let mut g = w.clone();
            activate_backward(&h, &bias, activation, &mut g);
            check("activation", &h, &w, &g, |h| activate(h, &bias, activation));
        }
    }

    #[test]
    fn softmax_has_the_gradient_of_finite_differences_and_hides_later_keys() {
        let visible = |row: usize| row + 2;
        let forward = |s: &[f32]| {
            let mut p = s.to_vec();
            softmax(&mut p, 7, 0.4, visible);
            p
        };
        let (s, w) = (noise(35, 8), noise(35, 10));
        let p = forward(&s);
        assert_eq!(p[2..7], [0.0; 5], "hidden keys get no weight");
        let mut g = w.clone();
        softmax_backward(&p, 7, 0.4, &mut g);
        check("softmax", &s, &w, &g, forward);
    }

    #[test]
    fn residual_and_bias_are_plain_sums() {
        assert_eq!(add_residual(&[1.0, 2.0], &[10.0, 20.0], &[100.0, 200.0]), [111.0, 222.0]);
        let mut x = [1.0, 2.0, 3.0, 4.0];
        add_bias(&mut x, &[10.0, 20.0]);
        assert_eq!(x, [11.0, 22.0, 13.0, 24.0]);
    }
}
