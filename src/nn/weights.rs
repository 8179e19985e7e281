//! Weights from safetensors: every tensor that a network calls for, checked and widened to f32.
//!
//! Input: the file's bytes, mapped or read. Output: norms and linear maps. Invariants: a tensor is accepted
//! only with the shape the configuration gives it and only if every value is finite; the check precedes the
//! allocation, and what the file does not hold is not allocated. Cost: one copy of the weights.

use candle_core::{Device, Tensor};
use half::{bf16, f16};
use rayon::prelude::*;
use safetensors::{Dtype, SafeTensors};
use std::cell::Cell;

use super::NnError;
use super::conv::{Conv, Windows};
use super::group_norm::GroupNorm;
use super::linear::Linear;
use super::norm::Norm;

/// Where a tower's tensors come from; the second source is random weights for benches and tests.
pub(crate) trait Source {
    /// Values of the tensor called `name`, which must have `shape`.
    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, NnError>;
}

/// A parsed safetensors file.
pub(crate) struct File<'a>(SafeTensors<'a>);

impl<'a> File<'a> {
    /// Checks the header: its length, that tensors lie inside the file and do not overlap.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, NnError> {
        SafeTensors::deserialize(bytes).map(File).map_err(|error| NnError::Weights(error.to_string()))
    }
}

impl Source for File<'_> {
    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, NnError> {
        let missing = |_| NnError::MissingTensor { tensor: name.to_owned(), expected: shape.to_vec() };
        let view = self.0.tensor(name).map_err(missing)?;
        if view.shape() != shape {
            return Err(NnError::TensorShape {
                tensor: name.to_owned(),
                expected: shape.to_vec(),
                found: view.shape().to_vec(),
            });
        }
        let bytes = view.data();
        let values: Vec<f32> = match view.dtype() {
            Dtype::F32 => widen::<4>(bytes, f32::from_le_bytes),
            Dtype::F16 => widen::<2>(bytes, |b| f16::from_le_bytes(b).to_f32()),
            Dtype::BF16 => widen::<2>(bytes, |b| bf16::from_le_bytes(b).to_f32()),
            other => {
                return Err(NnError::TensorType { tensor: name.to_owned(), found: format!("{other:?}") });
            }
        };
        match values.par_iter().position_first(|value| !value.is_finite()) {
            Some(index) => {
                let value = values.get(index).copied().unwrap_or(f32::NAN);
                Err(NnError::TensorValue { tensor: name.to_owned(), index, value })
            }
            None => Ok(values),
        }
    }
}

/// A source that counts what it gives away.
pub(crate) struct Counted<'a> {
    source: &'a dyn Source,
    values: Cell<usize>,
}

impl<'a> Counted<'a> {
    pub(crate) fn new(source: &'a dyn Source) -> Self {
        Self { source, values: Cell::new(0) }
    }

    /// Size of everything that was given away, in f32.
    pub(crate) fn bytes(&self) -> u64 {
        4 * self.values.get() as u64
    }
}

impl Source for Counted<'_> {
    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, NnError> {
        let values = self.source.values(name, shape)?;
        self.values.set(self.values.get() + values.len());
        Ok(values)
    }
}

fn widen<const N: usize>(bytes: &[u8], f: impl Fn([u8; N]) -> f32 + Sync) -> Vec<f32> {
    let (values, _) = bytes.as_chunks::<N>();
    values.par_iter().with_min_len(1 << 16).map(|&bytes| f(bytes)).collect()
}

/// The tensor called `name` as a matrix.
pub(crate) fn matrix_of(source: &dyn Source, name: &str, shape: &[usize], rows: usize) -> Result<Tensor, NnError> {
    let values = source.values(name, shape)?;
    let columns = values.len() / rows.max(1);
    Ok(Tensor::from_vec(values, (rows, columns), &Device::Cpu)?)
}

/// `<name>.weight` and `<name>.bias` of a LayerNorm.
pub(crate) fn norm(source: &dyn Source, name: &str, width: usize, eps: f32) -> Result<Norm, NnError> {
    let values = |part: &str| source.values(&format!("{name}.{part}"), &[width]);
    Ok(Norm { gamma: values("weight")?, beta: values("bias")?, eps })
}

/// `<name>.weight` without a bias.
pub(crate) fn projection(source: &dyn Source, name: &str, to: usize, from: usize) -> Result<Linear, NnError> {
    let weight = matrix_of(source, &format!("{name}.weight"), &[to, from], to)?;
    Ok(Linear { weight: weight.t()?.contiguous()?, bias: Vec::new() })
}

/// `<name>.weight` and `<name>.bias` of an affine map.
pub(crate) fn linear(source: &dyn Source, name: &str, to: usize, from: usize) -> Result<Linear, NnError> {
    let bias = source.values(&format!("{name}.bias"), &[to])?;
    Ok(Linear { bias, ..projection(source, name, to, from)? })
}

/// `<name>.weight` and `<name>.bias` of a convolution with windows of three by three, `[to, from, 3, 3]` in the file.
pub(crate) fn conv(source: &dyn Source, name: &str, to: usize, from: usize, windows: Windows) -> Result<Conv, NnError> {
    let weight = source.values(&format!("{name}.weight"), &[to, from, 3, 3])?;
    // [to, from, taps] as [taps, from, to].
    let weight = Tensor::from_vec(weight, (to, from, 9), &Device::Cpu)?.permute((2, 1, 0))?.contiguous()?;
    let bias = source.values(&format!("{name}.bias"), &[to])?;
    Ok(Conv { linear: Linear { weight: weight.reshape((9 * from, to))?, bias }, inputs: from, windows })
}

/// `<name>.weight` and `<name>.bias` of a convolution with windows of one pixel: an affine map of each pixel.
pub(crate) fn pointwise(source: &dyn Source, name: &str, to: usize, from: usize) -> Result<Linear, NnError> {
    let weight = matrix_of(source, &format!("{name}.weight"), &[to, from, 1, 1], to)?;
    let bias = source.values(&format!("{name}.bias"), &[to])?;
    Ok(Linear { weight: weight.t()?.contiguous()?, bias })
}

/// `<name>.weight` and `<name>.bias` of a normalisation by groups.
pub(crate) fn group_norm(
    source: &dyn Source,
    name: &str,
    channels: usize,
    groups: usize,
    eps: f32,
    silu: bool,
) -> Result<GroupNorm, NnError> {
    let Norm { gamma, beta, eps } = norm(source, name, channels, eps)?;
    Ok(GroupNorm { gamma, beta, groups, eps, silu })
}

/// Two affine maps of one input as one: the outputs of the first, then those of the second.
pub(crate) fn joined(first: Linear, second: Linear) -> Result<Linear, NnError> {
    let weight = Tensor::cat(&[&first.weight, &second.weight], 1)?.contiguous()?;
    Ok(Linear { weight, bias: [first.bias, second.bias].concat() })
}

/// Random weights of the right size, for benches and tests without a model file.
pub(crate) struct Random {
    pub(crate) seed: u64,
}

impl Source for Random {
    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, NnError> {
        let count = shape.iter().product();
        if name.ends_with("norm.weight") || name.contains("layer_norm1.weight") || name.contains("layer_norm2.weight") {
            return Ok(vec![1.0; count]);
        }
        let key = blake3::hash(name.as_bytes());
        let index = key.as_bytes().first_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let fan_in = shape.get(1..).filter(|rest| !rest.is_empty()).map_or(2500, |rest| rest.iter().product());
        let spread = 1.0 / (fan_in.max(1) as f32).sqrt();
        let mut stream = crate::rng::Stream::new(self.seed, 0, crate::rng::Stage::Test, index);
        // Uniform with the variance of a normal start: one draw a value instead of twelve.
        Ok((0..count).map(|_| stream.range(-1.732, 1.732) * spread).collect())
    }
}
