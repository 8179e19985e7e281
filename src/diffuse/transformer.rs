//! A transformer over the pixels of a map: attention to itself, attention to the text, a gated perceptron; forward and gradient.
//!
//! Input: maps, states of the text's tokens. Output: maps; gradients with respect to both. Formula: Rombach et al. 2022, appendix E.2.1,
//! with the gated perceptron of Shazeer 2020. Invariants: every token of the text is seen, padding too. Determinism: as the layers.
//! Cost: per pixel and channel 40 * channels operations besides attention; kept for the gradient are 17 maps.

use super::control::Control;
use crate::nn::NnError;
use crate::nn::activation::{gated, gated_backward};
use crate::nn::conv::Grid;
use crate::nn::group_norm::{GroupNorm, GroupStats};
use crate::nn::linear::{Linear, add_residual};
use crate::nn::matrix::{add_to, matrix, read};
use crate::nn::norm::{Norm, RowStats, norm_backward, normalised};
use crate::nn::tiled::Tiled;
use crate::nn::weights::{Source, group_norm, joined, linear, norm, pointwise, projection};
use candle_core::Tensor;

const MAP_EPS: f32 = 1e-6;
const ROW_EPS: f32 = 1e-5;

/// One attention: which rows ask, which answer.
#[derive(Clone, Debug)]
struct Attention {
    norm: Norm,
    query: Linear,
    /// Keys, then values.
    key_value: Linear,
    out: Linear,
}

/// Weights of a transformer.
#[derive(Clone, Debug)]
pub(super) struct Transformer {
    norm: GroupNorm,
    proj_in: Linear,
    own: Attention,
    text: Attention,
    norm3: Norm,
    up: Linear,
    down: Linear,
    proj_out: Linear,
    heads: usize,
}

/// States of the text: `[images * tokens, width]`.
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) states: Tensor,
    pub(super) tokens: usize,
}

#[derive(Debug)]
struct Looked {
    x: Tensor,
    stats: Vec<RowStats>,
    query: Tensor,
    key_value: Tensor,
}

/// What [`Transformer::backward`] needs.
#[derive(Debug)]
pub(super) struct Saved {
    x: Tensor,
    stats: Vec<GroupStats>,
    own: Looked,
    text: Looked,
    x3: Tensor,
    stats3: Vec<RowStats>,
    /// Values and gates, before the bias.
    hidden: Tensor,
    grid: Grid,
}

impl Attention {
    fn load(source: &dyn Source, name: &str, n: usize, width: usize, context: usize) -> Result<Self, NnError> {
        let part = |part: &str| format!("{name}.attn{n}.{part}");
        let from_context = |name: &str| projection(source, &part(name), width, context);
        Ok(Self {
            norm: norm(source, &format!("{name}.norm{n}"), width, ROW_EPS)?,
            query: projection(source, &part("to_q"), width, width)?,
            key_value: joined(from_context("to_k")?, from_context("to_v")?)?,
            out: linear(source, &part("to_out.0"), width, width)?,
        })
    }

    fn sizes(&self, heads: usize, grid: Grid, keys: usize) -> Tiled {
        let head = self.norm.gamma.len() / heads.max(1);
        Tiled { heads, head, sequences: grid.images, queries: grid.pixels(), keys }
    }

    fn residual(&self, x: &Tensor, mixed: &Tensor) -> Result<Tensor, NnError> {
        let branch = self.out.product(mixed)?;
        let y = read(x, |x| read(&branch, |branch| add_residual(x, branch, &self.out.bias)))??;
        matrix(y, x.dim(0)?, x.dim(1)?)
    }
}

impl Transformer {
    /// The transformer called `name` over maps of `width` channels.
    pub(super) fn load(
        source: &dyn Source,
        name: &str,
        width: usize,
        heads: usize,
        context: usize,
        groups: usize,
    ) -> Result<Self, NnError> {
        let block = format!("{name}.transformer_blocks.0");
        Ok(Self {
            norm: group_norm(source, &format!("{name}.norm"), width, groups, MAP_EPS, false)?,
            proj_in: pointwise(source, &format!("{name}.proj_in"), width, width)?,
            own: Attention::load(source, &block, 1, width, width)?,
            text: Attention::load(source, &block, 2, width, context)?,
            norm3: norm(source, &format!("{block}.norm3"), width, ROW_EPS)?,
            up: linear(source, &format!("{block}.ff.net.0.proj"), 8 * width, width)?,
            down: linear(source, &format!("{block}.ff.net.2"), width, 4 * width)?,
            proj_out: pointwise(source, &format!("{name}.proj_out"), width, width)?,
            heads,
        })
    }

    /// The map that comes out, and what the gradient needs where nothing was taken from another sequence.
    pub(super) fn forward(
        &self,
        x: &Tensor,
        grid: Grid,
        context: &Context,
        control: Option<&Control<'_>>,
    ) -> Result<(Tensor, Saved), NnError> {
        let (normed, stats) = self.norm.forward(x, grid)?;
        let inner = self.proj_in.forward(&normed)?;
        let (normed, row_stats) = normalised(&inner, &self.own.norm)?;
        let (query, key_value) = (self.own.query.product(&normed)?, self.own.key_value.product(&normed)?);
        let taken = control.and_then(|control| control.of_pixels(grid.pixels()));
        let mixed = self.own.sizes(self.heads, grid, grid.pixels()).forward(&query, &key_value, taken.as_ref())?;
        let x2 = self.own.residual(&inner, &mixed)?;
        let own = Looked { x: inner, stats: row_stats, query, key_value };
        let (normed, row_stats) = normalised(&x2, &self.text.norm)?;
        let (query, key_value) = (self.text.query.product(&normed)?, self.text.key_value.product(&context.states)?);
        let taken = control.and_then(Control::of_text);
        let mixed = self.text.sizes(self.heads, grid, context.tokens).forward(&query, &key_value, taken.as_ref())?;
        let x3 = self.text.residual(&x2, &mixed)?;
        let text = Looked { x: x2, stats: row_stats, query, key_value };
        let (normed, stats3) = normalised(&x3, &self.norm3)?;
        let hidden = self.up.product(&normed)?;
        let active = read(&hidden, |hidden| gated(hidden, &self.up.bias))?;
        let down = self.down.forward(&matrix(active, hidden.dim(0)?, hidden.dim(1)? / 2)?)?;
        add_to(&down, &x3)?;
        let y = self.proj_out.forward(&down)?;
        add_to(&y, x)?;
        Ok((y, Saved { x: x.clone(), stats, own, text, x3, stats3, hidden, grid }))
    }

    /// Gradients with respect to the map and to the text's states.
    pub(super) fn backward(&self, saved: &Saved, g: &Tensor) -> Result<(Tensor, Tensor), NnError> {
        let Saved { x, stats, own, text, x3, stats3, hidden, grid } = saved;
        let g_inner = self.proj_out.backward(g)?;
        let g_active = self.down.backward(&g_inner)?;
        let g_hidden = read(hidden, |h| read(&g_active, |g| gated_backward(h, &self.up.bias, g)))??;
        let g_normed = self.up.backward(&matrix(g_hidden, hidden.dim(0)?, hidden.dim(1)?)?)?;
        let g_x3 = norm_backward(x3, stats3, &self.norm3, &g_normed, Some(&g_inner))?;
        let keys = text.key_value.dim(0)? / grid.images.max(1);
        let (g_query, g_key_value) = self.looked_back(&self.text, text, &g_x3, *grid, keys)?;
        let g_context = self.text.key_value.backward(&g_key_value)?;
        let g_normed = self.text.query.backward(&g_query)?;
        let g_x2 = norm_backward(&text.x, &text.stats, &self.text.norm, &g_normed, Some(&g_x3))?;
        let (g_query, g_key_value) = self.looked_back(&self.own, own, &g_x2, *grid, grid.pixels())?;
        let g_normed = self.own.query.backward(&g_query)?;
        add_to(&g_normed, &self.own.key_value.backward(&g_key_value)?)?;
        let g_inner = norm_backward(&own.x, &own.stats, &self.own.norm, &g_normed, Some(&g_x2))?;
        let g_x = self.norm.backward(x, stats, &self.proj_in.backward(&g_inner)?, *grid)?;
        add_to(&g_x, g)?;
        Ok((g_x, g_context))
    }

    fn looked_back(
        &self,
        attention: &Attention,
        looked: &Looked,
        g: &Tensor,
        grid: Grid,
        keys: usize,
    ) -> Result<(Tensor, Tensor), NnError> {
        let g_mixed = attention.out.backward(g)?;
        attention.sizes(self.heads, grid, keys).backward(&looked.query, &looked.key_value, &g_mixed)
    }
}
