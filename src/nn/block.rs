//! One pre-norm transformer block, forward and gradient with respect to its input (Vaswani et al. 2017; the
//! layout of CLIP, Radford et al. 2021): x2 = x + attention(norm1(x)), y = x2 + perceptron(norm2(x2)).
//!
//! Input: `[sequences * tokens, width]`. Output: the same shape, or one row a sequence where only one is wanted.
//! Invariants: weights are frozen and never get gradients. Determinism: sequences are independent; sums within one
//! run in a fixed order. Cost: 24 * width^2 operations a token forward and as many backward, plus attention.

use super::activation::{activate, activate_backward};
use super::attention::{Attention, Rows};
use super::linear::{Linear, add_residual};
use super::matrix::{add_to_picked, edit, matrix, pick_rows, read};
use super::norm::{Norm, RowStats, norm_backward, normalised};
use super::weights::{Source, joined, linear, norm};
use super::{Activation, NnError};
use candle_core::Tensor;

/// Sizes of one transformer.
#[derive(Clone, Debug, PartialEq)]
pub struct TowerConfig {
    /// Values a token.
    pub width: usize,
    /// Values between the two products of the perceptron.
    pub hidden: usize,
    /// Blocks.
    pub layers: usize,
    /// Attention heads; divides `width`.
    pub heads: usize,
    /// Non-linearity of the perceptron.
    pub activation: Activation,
    /// Added to the variance in LayerNorm.
    pub eps: f32,
}

/// Weights of a block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) norm1: Norm,
    pub(crate) query: Linear,
    /// Keys, then values.
    pub(crate) key_value: Linear,
    pub(crate) out: Linear,
    pub(crate) norm2: Norm,
    pub(crate) up: Linear,
    pub(crate) down: Linear,
    pub(crate) heads: usize,
    pub(crate) activation: Activation,
}

/// What [`Block::backward`] needs of the forward pass.
#[derive(Debug)]
pub(crate) struct Saved {
    x: Tensor,
    stats1: Vec<RowStats>,
    query: Tensor,
    key_value: Tensor,
    /// Attention weights `[heads, queries, tokens]`, one tensor a sequence.
    weights: Vec<Tensor>,
    x2: Tensor,
    stats2: Vec<RowStats>,
    /// Before the bias and the non-linearity.
    hidden: Tensor,
}

impl Block {
    fn width(&self) -> usize {
        self.norm1.gamma.len()
    }

    fn attention(&self) -> Attention {
        Attention { heads: self.heads, head: self.width() / self.heads.max(1) }
    }

    /// The block's output and what the backward pass needs.
    pub(crate) fn forward(&self, x: &Tensor, rows: Rows<'_>) -> Result<(Tensor, Saved), NnError> {
        let width = self.width();
        let (normed, stats1) = normalised(x, &self.norm1)?;
        let key_value = self.key_value.forward(&normed)?;
        let (query, x_out) = match rows.picks {
            None => (self.query.forward(&normed)?, x.clone()),
            Some(picks) => {
                let picked = pick_rows(&normed, rows.tokens, picks)?;
                (self.query.forward(&picked)?, pick_rows(x, rows.tokens, picks)?)
            }
        };
        let (mixed, weights) = self.attention().forward(&query, &key_value, rows)?;
        let attention = self.out.product(&mixed)?;
        let x2 = read(&x_out, |x| read(&attention, |branch| add_residual(x, branch, &self.out.bias)))??;
        let x2 = matrix(x2, query.dim(0)?, width)?;
        let (normed2, stats2) = normalised(&x2, &self.norm2)?;
        let hidden = self.up.product(&normed2)?;
        let active = read(&hidden, |h| activate(h, &self.up.bias, self.activation))?;
        let down = self.down.product(&matrix(active, hidden.dim(0)?, hidden.dim(1)?)?)?;
        let y = read(&x2, |x| read(&down, |branch| add_residual(x, branch, &self.down.bias)))??;
        let y = matrix(y, x2.dim(0)?, width)?;
        Ok((y, Saved { x: x.clone(), stats1, query, key_value, weights, x2, stats2, hidden }))
    }

    /// Gradient with respect to the block's input, given the gradient of its output.
    pub(crate) fn backward(&self, saved: &Saved, g: &Tensor, rows: Rows<'_>) -> Result<Tensor, NnError> {
        let width = self.width();
        let g_hidden = self.down.backward(g)?;
        read(&saved.hidden, |h| edit(&g_hidden, |g| activate_backward(h, &self.up.bias, self.activation, g)))??;
        let g_normed2 = self.up.backward(&g_hidden)?;
        let g_x2 = norm_backward(&saved.x2, &saved.stats2, &self.norm2, &g_normed2, Some(g))?;
        let g_mixed = self.out.backward(&g_x2)?;
        let Saved { query, key_value, weights, .. } = saved;
        let (g_query, g_key_value) = self.attention().backward(query, key_value, weights, &g_mixed, rows)?;
        let g_normed = self.key_value.backward(&g_key_value)?;
        let g_from_query = self.query.backward(&g_query)?;
        let Some(picks) = rows.picks else {
            let summed = (g_normed + g_from_query)?;
            return norm_backward(&saved.x, &saved.stats1, &self.norm1, &summed, Some(&g_x2));
        };
        let add_picked = |whole: &Tensor, part: &Tensor| {
            read(part, |part| edit(whole, |whole| add_to_picked(whole, part, width, rows.tokens, picks)))?
        };
        add_picked(&g_normed, &g_from_query)?;
        let g_x = norm_backward(&saved.x, &saved.stats1, &self.norm1, &g_normed, None)?;
        add_picked(&g_x, &g_x2)?;
        Ok(g_x)
    }
}

/// The blocks of a tower: tensors `<tower>.encoder.layers.<n>.*`.
pub(crate) fn blocks(source: &dyn Source, tower: &str, config: &TowerConfig) -> Result<Vec<Block>, NnError> {
    (0..config.layers).map(|n| block(source, &format!("{tower}.encoder.layers.{n}"), config)).collect()
}

fn block(source: &dyn Source, name: &str, config: &TowerConfig) -> Result<Block, NnError> {
    let TowerConfig { width, hidden, heads, activation, eps, .. } = *config;
    let attention = |part: &str| linear(source, &format!("{name}.self_attn.{part}"), width, width);
    Ok(Block {
        norm1: norm(source, &format!("{name}.layer_norm1"), width, eps)?,
        query: attention("q_proj")?,
        key_value: joined(attention("k_proj")?, attention("v_proj")?)?,
        out: attention("out_proj")?,
        norm2: norm(source, &format!("{name}.layer_norm2"), width, eps)?,
        up: linear(source, &format!("{name}.mlp.fc1"), hidden, width)?,
        down: linear(source, &format!("{name}.mlp.fc2"), width, hidden)?,
        heads,
        activation,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::weights::Random;
    use crate::rng::{Stage, Stream};

    fn noise(n: usize, index: u32) -> Vec<f32> {
        let mut stream = Stream::new(23, 0, Stage::Test, index);
        (0..n).map(|_| stream.normal()).collect()
    }

    fn dot(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    }

    #[test]
    fn a_block_has_the_gradient_of_finite_differences_for_every_arrangement_of_rows() {
        let config =
            TowerConfig { width: 15, hidden: 22, layers: 1, heads: 3, activation: Activation::Gelu, eps: 1e-5 };
        let block = blocks(&Random { seed: 4 }, "tower", &config).unwrap().remove(0);
        let (sequences, tokens) = (2, 7);
        let x = noise(sequences * tokens * 15, 1);
        for (picks, causal) in [(None, false), (None, true), (Some(&[0, 0][..]), false), (Some(&[5, 2][..]), true)] {
            let rows = Rows { tokens, causal, picks };
            let forward =
                |x: &[f32]| block.forward(&matrix(x.to_vec(), sequences * tokens, 15).unwrap(), rows).unwrap();
            let (y, saved) = forward(&x);
            let weights = noise(y.elem_count(), 2);
            let g = matrix(weights.clone(), y.dim(0).unwrap(), 15).unwrap();
            let gradient = read(&block.backward(&saved, &g, rows).unwrap(), <[f32]>::to_vec).unwrap();
            let value = |x: &[f32]| read(&forward(x).0, |y| dot(y, &weights)).unwrap();
            for index in 0..8 {
                let direction = noise(x.len(), 3 + index);
                let at = |h: f32| value(&x.iter().zip(&direction).map(|(x, d)| x + h * d).collect::<Vec<_>>());
                let central = |h: f32| (at(h) - at(-h)) / (2.0 * f64::from(h));
                let expected = (4.0 * central(4e-3) - central(8e-3)) / 3.0;
                let (found, scale) = (dot(&gradient, &direction), dot(&gradient, &gradient).sqrt());
                assert!((found - expected).abs() < 5e-4 * scale, "{picks:?} {causal}: {found}, not {expected}");
            }
        }
    }
}
