//! The non-linearities of a perceptron on the processor, with their slopes, and the exponential they are made of.
//!
//! Input: values before the bias. Output: values. Formula: GELU and its sigmoid form (Hendrycks and Gimpel 2016, section 2), SiLU, GEGLU.
//! Invariants: no function of the system's library, whose last bits differ from machine to machine. Determinism: element by
//! element. Cost: some twenty operations a value, in SIMD.

use super::rows::rows_per_task;
use rayon::prelude::*;

/// Non-linearity between the two products of a block's perceptron.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// x * sigmoid(1.702 x), used by the original CLIP models.
    QuickGelu,
    /// x * Phi(x), with the exact normal distribution function (not the tanh form).
    Gelu,
}

/// e^x to two units in the last place for |x| < 87, flushed to the range's ends beyond (Cephes `expf`).
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
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

/// x * sigmoid(x) (Elfwing et al. 2018, equation 1).
#[inline(always)]
pub(super) fn silu(x: f32) -> f32 {
    x / (1.0 + exp(-x))
}

#[inline(always)]
pub(super) fn silu_slope(x: f32) -> f32 {
    let s = 1.0 / (1.0 + exp(-x));
    s * (1.0 + x * (1.0 - s))
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
pub(crate) fn activate(h: &[f32], bias: &[f32], activation: Activation) -> Vec<f32> {
    let mut out = vec![0.0; h.len()];
    match activation {
        Activation::QuickGelu => map_rows(h, bias, &mut out, |x, _| quick_gelu(x)),
        Activation::Gelu => map_rows(h, bias, &mut out, |x, _| gelu(x)),
    }
    out
}

/// g * act'(h + bias), in place of `g`.
pub(crate) fn activate_backward(h: &[f32], bias: &[f32], activation: Activation, g: &mut [f32]) {
    match activation {
        Activation::QuickGelu => map_rows(h, bias, g, |x, g| g * quick_gelu_slope(x)),
        Activation::Gelu => map_rows(h, bias, g, |x, g| g * gelu_slope(x)),
    }
}

/// Value * gelu(gate) of rows that hold values, then gates, both before the bias (GEGLU, Shazeer 2020, section 2).
pub(crate) fn gated(h: &[f32], bias: &[f32]) -> Vec<f32> {
    let half = (bias.len() / 2).max(1);
    let (value_bias, gate_bias) = bias.split_at(half.min(bias.len()));
    let mut out = vec![0.0; h.len() / 2];
    let task = rows_per_task(2 * half);
    out.par_chunks_mut(task * half).zip(h.par_chunks(task * 2 * half)).for_each(|(out, h)| {
        for (out, h) in out.chunks_mut(half).zip(h.chunks(2 * half)) {
            let (values, gates) = h.split_at(half.min(h.len()));
            let values = values.iter().zip(value_bias).map(|(value, bias)| value + bias);
            let gates = gates.iter().zip(gate_bias).map(|(gate, bias)| gate + bias);
            out.iter_mut().zip(values.zip(gates)).for_each(|(out, (value, gate))| *out = value * gelu(gate));
        }
    });
    out
}

/// Gradient of [`gated`] with respect to h.
pub(crate) fn gated_backward(h: &[f32], bias: &[f32], g: &[f32]) -> Vec<f32> {
    let half = (bias.len() / 2).max(1);
    let (value_bias, gate_bias) = bias.split_at(half.min(bias.len()));
    let mut out = vec![0.0; h.len()];
    let task = rows_per_task(2 * half);
    let inputs = h.par_chunks(task * 2 * half).zip(g.par_chunks(task * half));
    out.par_chunks_mut(task * 2 * half).zip(inputs).for_each(|(out, (h, g))| {
        for ((out, h), g) in out.chunks_mut(2 * half).zip(h.chunks(2 * half)).zip(g.chunks(half)) {
            let (values, gates) = h.split_at(half.min(h.len()));
            let (g_values, g_gates) = out.split_at_mut(half.min(h.len()));
            let gates = gates.iter().zip(gate_bias).map(|(gate, bias)| gate + bias);
            let values = values.iter().zip(value_bias).map(|(value, bias)| value + bias);
            let outs = g_values.iter_mut().zip(g_gates);
            for (((g_value, g_gate), (value, gate)), &g) in outs.zip(values.zip(gates)).zip(g) {
                *g_value = g * gelu(gate);
                *g_gate = g * value * gelu_slope(gate);
            }
        }
    });
    out
}

/// SiLU of every value.
pub(crate) fn silus(x: &[f32]) -> Vec<f32> {
    x.iter().map(|&x| silu(x)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::differences::{check, noise};

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
    fn activations_have_the_gradient_of_finite_differences() {
        for activation in [Activation::QuickGelu, Activation::Gelu] {
            let (h, bias, w) = (noise(60, 5), noise(20, 6), noise(60, 7));
            let mut g = w.clone();
            activate_backward(&h, &bias, activation, &mut g);
            check("activation", &h, &w, &g, |h| activate(h, &bias, activation));
        }
    }

    #[test]
    fn a_gated_perceptron_has_the_gradient_of_finite_differences() {
        let (h, bias, w) = (noise(40, 5), noise(8, 6), noise(20, 7));
        let g = gated_backward(&h, &bias, &w);
        check("gated", &h, &w, &g, |h| gated(h, &bias));
    }
}
