//! Attention with several heads on the processor, with its gradient (Vaswani et al. 2017, equation 1).
//!
//! Input: queries `[sequences * queries, width]`, keys and values `[sequences * tokens, 2 * width]`. Output: mixed values, and the
//! weights that the gradient needs. Invariants: a token sees its own sequence alone, and where that is wanted only those before
//! it. Determinism: sequences are independent; sums within one run in a fixed order. Cost: 4 * tokens * width operations a query.

use super::NnError;
use super::matrix::{edit, matrix, read};
use super::product::product;
use super::softmax::{softmax, softmax_backward};
use candle_core::Tensor;
use rayon::prelude::*;

/// How many heads there are and how many values each has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attention {
    pub(crate) heads: usize,
    pub(crate) head: usize,
}

/// How the rows of an input form sequences.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    /// Rows of one sequence.
    pub(crate) tokens: usize,
    /// Whether a token sees only itself and those before it.
    pub(crate) causal: bool,
    /// The one row a sequence whose output is wanted (the last block of a tower); all rows where `None`.
    pub(crate) picks: Option<&'a [usize]>,
}

/// The rows of every sequence, split into heads: `[sequences, rows, parts * heads, width / heads]`, a view.
fn by_head(x: &Tensor, rows: usize, head: usize) -> Result<Tensor, NnError> {
    let (all_rows, width) = x.dims2()?;
    Ok(x.reshape((all_rows / rows.max(1), rows, width / head.max(1), head))?)
}

/// One sequence's heads `first..first + heads` of a [`by_head`] view: `[heads, rows, width / heads]`, a view.
fn heads_of(x: &Tensor, sequence: usize, first: usize, heads: usize) -> Result<Tensor, NnError> {
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

impl Attention {
    fn scale(&self) -> f32 {
        1.0 / (self.head as f32).sqrt()
    }

    /// softmax(q k^T / sqrt(head)) v for every sequence and head.
    pub(crate) fn forward(
        &self,
        query: &Tensor,
        key_value: &Tensor,
        rows: Rows<'_>,
    ) -> Result<(Tensor, Vec<Tensor>), NnError> {
        let Self { heads, head } = *self;
        let (width, tokens) = (heads * head, rows.tokens);
        let queries = if rows.picks.is_some() { 1 } else { tokens };
        let (query, key_value) = (by_head(query, queries, head)?, by_head(key_value, tokens, head)?);
        let sequences = query.dim(0)?;
        let mut mixed = vec![0.0; sequences * queries * width];
        let one = |(sequence, mixed): (usize, &mut [f32])| -> Result<Tensor, NnError> {
            let q = heads_of(&query, sequence, 0, heads)?;
            let k = heads_of(&key_value, sequence, 0, heads)?;
            let v = heads_of(&key_value, sequence, heads, heads)?;
            let weights = product(&q, &k.t()?)?;
            let pick = rows.picks.and_then(|picks| picks.get(sequence)).copied();
            let visible = |row: usize| if rows.causal { pick.unwrap_or(row % queries) + 1 } else { tokens };
            edit(&weights, |s| softmax(s, tokens, self.scale(), visible))?;
            let result = product(&weights, &v)?;
            read(&result, |result| scatter_heads(result, queries, head, 0, width, mixed))?;
            Ok(weights)
        };
        let weights = mixed.par_chunks_mut(queries * width).enumerate().map(one).collect::<Result<Vec<_>, _>>()?;
        Ok((matrix(mixed, sequences * queries, width)?, weights))
    }

    /// Gradients with respect to queries and to keys and values.
    pub(crate) fn backward(
        &self,
        query: &Tensor,
        key_value: &Tensor,
        weights: &[Tensor],
        g: &Tensor,
        rows: Rows<'_>,
    ) -> Result<(Tensor, Tensor), NnError> {
        let Self { heads, head } = *self;
        let (width, tokens) = (heads * head, rows.tokens);
        let queries = if rows.picks.is_some() { 1 } else { tokens };
        let (query, key_value) = (by_head(query, queries, head)?, by_head(key_value, tokens, head)?);
        let g = by_head(g, queries, head)?;
        let sequences = query.dim(0)?;
        let mut g_query = vec![0.0; sequences * queries * width];
        let mut g_key_value = vec![0.0; sequences * tokens * 2 * width];
        let targets = g_query.par_chunks_mut(queries * width).zip(g_key_value.par_chunks_mut(tokens * 2 * width));
        targets.zip(weights).enumerate().try_for_each(|(sequence, ((g_query, g_key_value), weights))| {
            let q = heads_of(&query, sequence, 0, heads)?;
            let k = heads_of(&key_value, sequence, 0, heads)?;
            let v = heads_of(&key_value, sequence, heads, heads)?;
            let g = heads_of(&g, sequence, 0, heads)?;
            let g_v = product(&weights.transpose(1, 2)?, &g)?;
            let g_scores = product(&g, &v.transpose(1, 2)?)?;
            read(weights, |p| edit(&g_scores, |g| softmax_backward(p, tokens, self.scale(), g)))??;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::differences::{check, noise};

    #[test]
    fn attention_has_the_gradient_of_finite_differences_for_every_arrangement_of_rows() {
        let attention = Attention { heads: 2, head: 3 };
        let (sequences, tokens, width) = (2, 5, 6);
        for (picks, causal) in [(None, false), (None, true), (Some(&[0, 0][..]), false), (Some(&[3, 1][..]), true)] {
            let rows = Rows { tokens, causal, picks };
            let queries = sequences * if picks.is_some() { 1 } else { tokens };
            let (query, key_value) = (noise(queries * width, 1), noise(sequences * tokens * 2 * width, 2));
            let w = noise(queries * width, 3);
            let values = |tensor: &Tensor| read(tensor, <[f32]>::to_vec).unwrap();
            let of = |query: &[f32], key_value: &[f32]| {
                let query = matrix(query.to_vec(), queries, width).unwrap();
                let key_value = matrix(key_value.to_vec(), sequences * tokens, 2 * width).unwrap();
                let (mixed, weights) = attention.forward(&query, &key_value, rows).unwrap();
                (values(&mixed), query, key_value, weights)
            };
            let (_, query_there, key_value_there, weights) = of(&query, &key_value);
            let g = matrix(w.clone(), queries, width).unwrap();
            let (g_query, g_key_value) =
                attention.backward(&query_there, &key_value_there, &weights, &g, rows).unwrap();
            check("queries", &query, &w, &values(&g_query), |query| of(query, &key_value).0);
            check("keys and values", &key_value, &w, &values(&g_key_value), |key_value| of(&query, key_value).0);
        }
    }
}
