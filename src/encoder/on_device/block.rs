//! One pre-norm transformer block on a device, over all crops and heads at once: the same function and the same
//! gradient as [`crate::nn::block`] (Vaswani et al. 2017, equation 1; the layout of CLIP, Radford et al. 2021).
//!
//! Input: `[crops * tokens, width]` in f32. Output: the same shape, or one row a crop where only the class token's is
//! wanted. Invariants: nothing is read back to the host; what the gradient needs stays on the device. Determinism: that
//! of the device's products. Cost: as on the processor; kept a token are 5 values a channel, the perceptron's hidden
//! values, and `heads * tokens` attention weights.

use candle_core::{DType, Result, Tensor};

use crate::nn::on_device::{Linear, Norm, Normed, Target, activate, product, slope, softmax, softmax_backward};
use crate::nn::{Activation, block as here};

/// Weights of a block.
#[derive(Debug)]
pub(super) struct Block {
    norm1: Norm,
    query: Linear,
    /// Keys, then values.
    key_value: Linear,
    out: Linear,
    norm2: Norm,
    up: Linear,
    down: Linear,
    heads: usize,
    head: usize,
    dtype: DType,
    activation: Activation,
}

/// How the rows of a block's input form crops.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    pub(super) crops: usize,
    pub(super) tokens: usize,
    /// Whether only the first row of each crop is wanted (the last block of a tower).
    pub(super) class_only: bool,
}

impl Rows {
    /// The rows whose output is wanted.
    fn wanted(self, x: &Tensor) -> Result<Tensor> {
        if !self.class_only {
            return Ok(x.clone());
        }
        let width = x.dim(1)?;
        x.reshape((self.crops, self.tokens, width))?.narrow(1, 0, 1)?.reshape((self.crops, width))
    }

    /// The adjoint of [`Self::wanted`], added to `whole`.
    fn add_to_wanted(self, whole: &Tensor, part: &Tensor) -> Result<Tensor> {
        if !self.class_only {
            return whole + part;
        }
        let width = whole.dim(1)?;
        let rows = whole.reshape((self.crops, self.tokens, width))?;
        let class = (rows.narrow(1, 0, 1)? + part.reshape((self.crops, 1, width))?)?;
        let rest = rows.narrow(1, 1, self.tokens - 1)?;
        Tensor::cat(&[class, rest.contiguous()?], 1)?.reshape((self.crops * self.tokens, width))
    }
}

/// What [`Block::backward`] needs of the forward pass. Operands of products are kept in their format.
#[derive(Debug)]
pub(super) struct Saved {
    normed1: Normed,
    /// `[crops, heads, queries, head]`
    query: Tensor,
    /// `[crops, heads, tokens, head]`
    key: Tensor,
    /// As the keys.
    value: Tensor,
    /// Attention weights `[crops, heads, queries, tokens]`.
    weights: Tensor,
    normed2: Normed,
    /// Before the non-linearity, bias included.
    hidden: Tensor,
}

impl Block {
    pub(super) fn of(block: &here::Block, target: &Target<'_>) -> Result<Self> {
        Ok(Self {
            norm1: Norm::of(&block.norm1, target)?,
            query: Linear::of(&block.query, target)?,
            key_value: Linear::of(&block.key_value, target)?,
            out: Linear::of(&block.out, target)?,
            norm2: Norm::of(&block.norm2, target)?,
            up: Linear::of(&block.up, target)?,
            down: Linear::of(&block.down, target)?,
            heads: block.heads,
            head: block.norm1.gamma.len() / block.heads.max(1),
            dtype: target.dtype,
            activation: block.activation,
        })
    }

    fn scale(&self) -> f64 {
        1.0 / (self.head as f64).sqrt()
    }

    /// Part `part` of `[crops * rows, parts * width]` by head: `[crops, heads, rows, head]`, contiguous, because the
    /// batched products of some devices take no other.
    fn split(&self, x: &Tensor, crops: usize, part: usize) -> Result<Tensor> {
        let (all_rows, width) = x.dims2()?;
        let by_head = x.reshape((crops, all_rows / crops.max(1), width / self.head.max(1), self.head))?;
        by_head.narrow(2, part * self.heads, self.heads)?.transpose(1, 2)?.contiguous()
    }

    /// The inverse of [`Self::split`] for one part.
    fn merge(&self, x: &Tensor) -> Result<Tensor> {
        let (crops, heads, rows, head) = x.dims4()?;
        x.transpose(1, 2)?.reshape((crops * rows, heads * head))
    }

    /// The block's output and what the backward pass needs.
    pub(super) fn forward(&self, x: &Tensor, rows: Rows) -> Result<(Tensor, Saved)> {
        let (normed, normed1) = self.norm1.forward(x)?;
        let key_value = self.key_value.forward(&normed)?.to_dtype(self.dtype)?;
        let query = self.query.forward(&rows.wanted(&normed)?)?.to_dtype(self.dtype)?;
        let query = self.split(&query, rows.crops, 0)?;
        let (key, value) = (self.split(&key_value, rows.crops, 0)?, self.split(&key_value, rows.crops, 1)?);
        let scores = product(&query, &key.transpose(2, 3)?)?;
        let weights = softmax(&scores, self.scale())?.to_dtype(self.dtype)?;
        let mixed = self.merge(&product(&weights, &value)?)?;
        let x2 = (rows.wanted(x)? + self.out.forward(&mixed)?)?;
        let (normed, normed2) = self.norm2.forward(&x2)?;
        let hidden = self.up.forward(&normed)?;
        let y = (x2 + self.down.forward(&activate(&hidden, self.activation)?)?)?;
        Ok((y, Saved { normed1, query, key, value, weights, normed2, hidden }))
    }

    /// Gradient with respect to the block's input, given the gradient `g` of its output: the chain rule of
    /// [`Self::forward`] read from its last line to its first.
    pub(super) fn backward(&self, saved: &Saved, g: &Tensor, rows: Rows) -> Result<Tensor> {
        let g_hidden = (self.down.backward(g)? * slope(&saved.hidden, self.activation)?)?;
        let g_x2 = (g + self.norm2.backward(&saved.normed2, &self.up.backward(&g_hidden)?)?)?;
        let (g_query, g_key_value) = self.attend_backward(saved, &self.out.backward(&g_x2)?)?;
        let g_normed = self.key_value.backward(&g_key_value)?;
        let g_normed = rows.add_to_wanted(&g_normed, &self.query.backward(&g_query)?)?;
        rows.add_to_wanted(&self.norm1.backward(&saved.normed1, &g_normed)?, &g_x2)
    }

    /// Gradients with respect to queries and to keys and values. With weights P = softmax(scale Q K^T) and mixed P V:
    /// dV = P^T G, dP = G V^T, dS by the softmax, dQ = dS K, dK = dS^T Q.
    fn attend_backward(&self, saved: &Saved, g: &Tensor) -> Result<(Tensor, Tensor)> {
        let g = self.split(&g.to_dtype(self.dtype)?, saved.query.dim(0)?, 0)?;
        let g_value = product(&saved.weights.transpose(2, 3)?, &g)?;
        let g_weights = product(&g, &saved.value.transpose(2, 3)?)?;
        let g_scores = softmax_backward(&saved.weights.to_dtype(DType::F32)?, &g_weights, self.scale())?;
        let g_scores = g_scores.to_dtype(self.dtype)?;
        let g_query = product(&g_scores, &saved.key)?;
        let g_key = product(&g_scores.transpose(2, 3)?, &saved.query)?;
        let g_key_value = Tensor::cat(&[self.merge(&g_key)?, self.merge(&g_value)?], 1)?;
        Ok((self.merge(&g_query)?, g_key_value))
    }
}
