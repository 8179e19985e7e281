//! One pre-norm transformer block, forward and gradient with respect to its input (Vaswani et al. 2017; the
//! layout of CLIP, Radford et al. 2021): x2 = x + attention(norm1(x)), y = x2 + perceptron(norm2(x2)).
//!
//! Input: `[sequences * tokens, width]`. Output: the same shape, or one row a sequence where only one is wanted.
//! Invariants: weights are frozen and never get gradients. Determinism: sequences are independent; sums within one
//! run in a fixed order. Cost: 24 * width^2 operations a token forward and as many backward, plus attention.

use candle_core::Tensor;
use rayon::prelude::*;

use super::matrix::{Linear, add_to_picked, edit, matrix, pick_rows, product, read};
use super::ops::{self, Norm, RowStats};
use super::{Activation, EncoderError};

/// Weights of a block.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) norm1: Norm,
    pub(super) query: Linear,
    /// Keys, then values.
    pub(super) key_value: Linear,
    pub(super) out: Linear,
    pub(super) norm2: Norm,
    pub(super) up: Linear,
    pub(super) down: Linear,
    pub(super) heads: usize,
    pub(super) activation: Activation,
}

/// How the rows of a block's input form sequences.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    /// Rows of one sequence.
    pub(super) tokens: usize,
    /// Whether a token sees only itself and those before it.
    pub(super) causal: bool,
    /// The one row a sequence whose output is wanted (the last block of a tower); all rows where `None`.
    pub(super) picks: Option<&'a [usize]>,
}

/// What [`Block::backward`] needs of the forward pass.
#[derive(Debug)]
pub(super) struct Saved {
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

/// The rows of every sequence, split into heads: `[sequences, rows, parts * heads, width / heads]`, a view.
fn by_head(x: &Tensor, rows: usize, head: usize) -> Result<Tensor, EncoderError> {
    let (all_rows, width) = x.dims2()?;
    Ok(x.reshape((all_rows / rows.max(1), rows, width / head.max(1), head))?)
}

/// One sequence's heads `first..first + heads` of a [`by_head`] view: `[heads, rows, width / heads]`, a view.
fn heads_of(x: &Tensor, sequence: usize, first: usize, heads: usize) -> Result<Tensor, EncoderError> {
    Ok(x.get(sequence)?.narrow(1, first, heads)?.transpose(0, 1)?)
}

/// Writes `[heads, rows, head]` into columns `first * head..` of row-major rows of `width` values.
fn scatter_heads(source: &[f32], rows: usize, head: usize, first: usize, width: usize, out: &mut [f32]) {
    for (at, value) in source.chunks(head.max(1)).enumerate() {
        let (of_head, row) = (at / rows.max(1), at % rows.max(1));
        let start = row * width + (first + of_head) * head;
        if let Some(out) = out.get_mut(start..start + head) {
            out.copy_from_slice(value);
        }
    }
}

impl Block {
    fn width(&self) -> usize {
        self.norm1.gamma.len()
    }

    fn head(&self) -> usize {
        self.width() / self.heads
    }

    fn scale(&self) -> f32 {
        1.0 / (self.head() as f32).sqrt()
    }

    /// The block's output and what the backward pass needs.
    pub(super) fn forward(&self, x: &Tensor, rows: Rows<'_>) -> Result<(Tensor, Saved), EncoderError> {
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
        let (mixed, weights) = self.attend(&query, &key_value, rows)?;
        let attention = self.out.product(&mixed)?;
        let x2 = read(&x_out, |x| read(&attention, |branch| ops::add_residual(x, branch, &self.out.bias)))??;
        let x2 = matrix(x2, query.dim(0)?, width)?;
        let (normed2, stats2) = normalised(&x2, &self.norm2)?;
        let hidden = self.up.product(&normed2)?;
        let active = read(&hidden, |h| ops::activate(h, &self.up.bias, self.activation))?;
        let down = self.down.product(&matrix(active, hidden.dim(0)?, hidden.dim(1)?)?)?;
        let y = read(&x2, |x| read(&down, |branch| ops::add_residual(x, branch, &self.down.bias)))??;
        let y = matrix(y, x2.dim(0)?, width)?;
        Ok((y, Saved { x: x.clone(), stats1, query, key_value, weights, x2, stats2, hidden }))
    }

    /// softmax(q k^T / sqrt(head)) v for every sequence and head.
    fn attend(
        &self,
        query: &Tensor,
        key_value: &Tensor,
        rows: Rows<'_>,
    ) -> Result<(Tensor, Vec<Tensor>), EncoderError> {
        let (width, head, heads, tokens) = (self.width(), self.head(), self.heads, rows.tokens);
        let queries = if rows.picks.is_some() { 1 } else { tokens };
        let (query, key_value) = (by_head(query, queries, head)?, by_head(key_value, tokens, head)?);
        let sequences = query.dim(0)?;
        let mut mixed = vec![0.0; sequences * queries * width];
        let one = |(sequence, mixed): (usize, &mut [f32])| -> Result<Tensor, EncoderError> {
            let q = heads_of(&query, sequence, 0, heads)?;
            let k = heads_of(&key_value, sequence, 0, heads)?;
            let v = heads_of(&key_value, sequence, heads, heads)?;
            let weights = product(&q, &k.t()?)?;
            let pick = rows.picks.and_then(|picks| picks.get(sequence)).copied();
            let visible = |row: usize| if rows.causal { pick.unwrap_or(row % queries) + 1 } else { tokens };
            edit(&weights, |s| ops::softmax(s, tokens, self.scale(), visible))?;
            let result = product(&weights, &v)?;
            read(&result, |result| scatter_heads(result, queries, head, 0, width, mixed))?;
            Ok(weights)
        };
        let weights = mixed.par_chunks_mut(queries * width).enumerate().map(one).collect::<Result<Vec<_>, _>>()?;
        Ok((matrix(mixed, sequences * queries, width)?, weights))
    }

    /// Gradient with respect to the block's input, given the gradient of its output.
    pub(super) fn backward(&self, saved: &Saved, g: &Tensor, rows: Rows<'_>) -> Result<Tensor, EncoderError> {
        let width = self.width();
        let g_hidden = self.down.backward(g)?;
        read(&saved.hidden, |h| edit(&g_hidden, |g| ops::activate_backward(h, &self.up.bias, self.activation, g)))??;
        let g_normed2 = self.up.backward(&g_hidden)?;
        let g_x2 = norm_backward(&saved.x2, &saved.stats2, &self.norm2, &g_normed2, Some(g))?;
        let g_mixed = self.out.backward(&g_x2)?;
        let (g_query, g_key_value) = self.attend_backward(saved, &g_mixed, rows)?;
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

    /// Gradients with respect to queries and to keys and values.
    fn attend_backward(&self, saved: &Saved, g: &Tensor, rows: Rows<'_>) -> Result<(Tensor, Tensor), EncoderError> {
        let (width, head, heads, tokens) = (self.width(), self.head(), self.heads, rows.tokens);
        let queries = if rows.picks.is_some() { 1 } else { tokens };
        let (query, key_value) = (by_head(&saved.query, queries, head)?, by_head(&saved.key_value, tokens, head)?);
        let g = by_head(g, queries, head)?;
        let sequences = query.dim(0)?;
        let mut g_query = vec![0.0; sequences * queries * width];
        let mut g_key_value = vec![0.0; sequences * tokens * 2 * width];
        let targets = g_query.par_chunks_mut(queries * width).zip(g_key_value.par_chunks_mut(tokens * 2 * width));
        targets.zip(&saved.weights).enumerate().try_for_each(|(sequence, ((g_query, g_key_value), weights))| {
            let q = heads_of(&query, sequence, 0, heads)?;
            let k = heads_of(&key_value, sequence, 0, heads)?;
            let v = heads_of(&key_value, sequence, heads, heads)?;
            let g = heads_of(&g, sequence, 0, heads)?;
            let g_v = product(&weights.transpose(1, 2)?, &g)?;
            let g_scores = product(&g, &v.transpose(1, 2)?)?;
            read(weights, |p| edit(&g_scores, |g| ops::softmax_backward(p, tokens, self.scale(), g)))??;
            let g_q = product(&g_scores, &k)?;
            let g_k = product(&g_scores.transpose(1, 2)?, &q)?;
            read(&g_q, |g| scatter_heads(g, queries, head, 0, width, g_query))?;
            read(&g_k, |g| scatter_heads(g, tokens, head, 0, 2 * width, g_key_value))?;
            read(&g_v, |g| scatter_heads(g, tokens, head, heads, 2 * width, g_key_value))
        })?;
        let g_query = matrix(g_query, sequences * queries, width)?;
        Ok((g_query, matrix(g_key_value, sequences * tokens, 2 * width)?))
    }
}

/// LayerNorm of a matrix.
pub(super) fn normalised(x: &Tensor, norm: &Norm) -> Result<(Tensor, Vec<RowStats>), EncoderError> {
    let (y, stats) = read(x, |x| ops::layer_norm(x, norm))?;
    Ok((matrix(y, x.dim(0)?, x.dim(1)?)?, stats))
}

/// Gradient of [`normalised`], plus `residual`.
pub(super) fn norm_backward(
    x: &Tensor,
    stats: &[RowStats],
    norm: &Norm,
    g: &Tensor,
    residual: Option<&Tensor>,
) -> Result<Tensor, EncoderError> {
    let run =
        |residual: Option<&[f32]>| read(x, |x| read(g, |g| ops::layer_norm_backward(x, stats, norm, g, residual)))?;
    let g_x = match residual {
        Some(residual) => read(residual, |residual| run(Some(residual)))??,
        None => run(None)?,
    };
    matrix(g_x, x.dim(0)?, x.dim(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::TowerConfig;
    use crate::encoder::weights::{self, Random};
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
        let block = weights::blocks(&Random { seed: 4 }, "tower", &config).unwrap().remove(0);
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
