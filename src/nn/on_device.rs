//! The layers as tensor operations that every device of candle has.
//!
//! Input: f32 tensors of any device. Output: f32 tensors of the same device. Invariants: only the operands of products
//! take the precision of the network; sums, norms, softmax and activations are f32. No tensor is tracked by candle's
//! autograd. Determinism: that of the device's kernels; no atomics are used by those called here. Cost: each line
//! reads and writes its operands once, as nothing is fused; the files beside it are the fused form for the processor.

use candle_core::{D, DType, Device, Result, Tensor};

use super::{Activation, linear, norm};

/// Where weights go, and the number format of products there.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) device: &'a Device,
    pub(crate) dtype: DType,
}

impl Target<'_> {
    /// One f32 value a column.
    pub(crate) fn row(&self, values: &[f32]) -> Result<Tensor> {
        Tensor::from_slice(values, values.len(), self.device)
    }
}

/// a b, computed in the format of the operands and summed in f32 or better; a bf16 result is rounded once.
pub(crate) fn product(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    a.matmul(b)?.to_dtype(DType::F32)
}

/// A frozen affine map y = x W^T + b.
#[derive(Debug)]
pub(crate) struct Linear {
    /// W^T, `[inputs, outputs]`, in the format of products.
    pub(crate) weight: Tensor,
    /// f32; absent where the map has none.
    bias: Option<Tensor>,
}

impl Linear {
    pub(crate) fn of(linear: &linear::Linear, target: &Target<'_>) -> Result<Self> {
        let bias = (!linear.bias.is_empty()).then(|| target.row(&linear.bias)).transpose()?;
        Ok(Self { weight: linear.weight.to_device(target.device)?.to_dtype(target.dtype)?, bias })
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = product(&x.to_dtype(self.weight.dtype())?, &self.weight)?;
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }

    /// Gradient with respect to x: g W.
    pub(crate) fn backward(&self, g: &Tensor) -> Result<Tensor> {
        product(&g.to_dtype(self.weight.dtype())?, &self.weight.t()?)
    }
}

/// Scale and shift of a LayerNorm (Ba et al. 2016, equations 3 and 4), one value a column.
#[derive(Debug)]
pub(crate) struct Norm {
    gamma: Tensor,
    beta: Tensor,
    eps: f64,
}

/// What [`Norm::backward`] needs: the rows with mean 0 and variance 1, and the reciprocal standard deviations.
#[derive(Debug)]
pub(crate) struct Normed {
    unit: Tensor,
    rstd: Tensor,
}

impl Norm {
    pub(crate) fn of(norm: &norm::Norm, target: &Target<'_>) -> Result<Self> {
        Ok(Self { gamma: target.row(&norm.gamma)?, beta: target.row(&norm.beta)?, eps: f64::from(norm.eps) })
    }

    /// (x - mean) * rstd * gamma + beta, row by row.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<(Tensor, Normed)> {
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let rstd = (variance + self.eps)?.sqrt()?.recip()?;
        let unit = centred.broadcast_mul(&rstd)?;
        let y = unit.broadcast_mul(&self.gamma)?.broadcast_add(&self.beta)?;
        Ok((y, Normed { unit, rstd }))
    }

    /// rstd * (gw - mean(gw) - u * mean(gw * u)) with gw = g * gamma and u the unit row.
    pub(crate) fn backward(&self, normed: &Normed, g: &Tensor) -> Result<Tensor> {
        let gw = g.broadcast_mul(&self.gamma)?;
        let along = (&gw * &normed.unit)?.mean_keepdim(D::Minus1)?;
        let centred = gw.broadcast_sub(&gw.mean_keepdim(D::Minus1)?)?;
        (centred - normed.unit.broadcast_mul(&along)?)?.broadcast_mul(&normed.rstd)
    }
}

/// softmax(scale * s) along the last dimension, less the largest value so that no exponential overflows.
pub(crate) fn softmax(s: &Tensor, scale: f64) -> Result<Tensor> {
    let s = s.broadcast_sub(&s.max_keepdim(D::Minus1)?)?;
    let e = (s * scale)?.exp()?;
    e.broadcast_div(&e.sum_keepdim(D::Minus1)?)
}

/// Gradient of [`softmax`] with respect to s: scale * p * (g - sum(g * p)).
pub(crate) fn softmax_backward(p: &Tensor, g: &Tensor, scale: f64) -> Result<Tensor> {
    let inner = (g * p)?.sum_keepdim(D::Minus1)?;
    (g.broadcast_sub(&inner)? * p)? * scale
}

/// 1 / (1 + e^(-1.702 x)). Where the exponential overflows, the quotient is zero as it should be.
fn gate(x: &Tensor) -> Result<Tensor> {
    ((x * -1.702)?.exp()? + 1.0)?.recip()
}

/// The non-linearity of a block's perceptron (Hendrycks and Gimpel 2016, section 2, both forms).
pub(crate) fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::QuickGelu => x * gate(x)?,
        Activation::Gelu => x.gelu_erf(),
    }
}

/// Its derivative at x: s (1 + 1.702 x (1 - s)) with s the gate, or Phi(x) + x phi(x).
pub(crate) fn slope(x: &Tensor, activation: Activation) -> Result<Tensor> {
    const INV_SQRT_TAU: f64 = 0.398_942_280_401_432_7;
    match activation {
        Activation::QuickGelu => {
            let s = gate(x)?;
            let rest = (x * s.affine(-1.702, 1.702)?)?;
            s * (rest + 1.0)?
        }
        Activation::Gelu => {
            let distribution = (x * std::f64::consts::FRAC_1_SQRT_2)?.erf()?.affine(0.5, 0.5)?;
            let density = ((x.sqr()? * -0.5)?.exp()? * INV_SQRT_TAU)?;
            distribution + (x * density)?
        }
    }
}
