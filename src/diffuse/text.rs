//! The text tower of a diffusion model: states of all tokens, and the gradient with respect to the tokens' vectors.
//!
//! Input: token ids, or vectors in their place. Output: states `[tokens, width]` after the last normalisation. Formula: Radford et al. 2021,
//! section 2.4. Invariants: texts fill the whole context, with padding behind the end, as the denoiser sees all of it. Determinism: as
//! [`crate::nn::block`]. Cost: as there.

use super::DiffuseError;
use super::config::TextConfig;
use crate::nn::attention::Rows;
use crate::nn::block::{self, Block};
use crate::nn::matrix::{matrix, read};
use crate::nn::norm::{Norm, RowStats, norm_backward, normalised};
use crate::nn::weights::{Source, norm};
use crate::nn::{NnError, TowerConfig};
use candle_core::Tensor;

/// Weights of the tower.
#[derive(Debug)]
pub(super) struct Text {
    /// `[vocabulary, width]`
    tokens: Vec<f32>,
    /// Standard deviation of the tokens' values.
    pub(super) deviation: f32,
    /// `[context, width]`
    positions: Vec<f32>,
    blocks: Vec<Block>,
    final_norm: Norm,
    pub(super) width: usize,
    pub(super) context_tokens: usize,
}

/// What [`Text::backward`] needs.
#[derive(Debug)]
pub(super) struct Trace {
    blocks: Vec<block::Saved>,
    x: Tensor,
    stats: Vec<RowStats>,
}

fn deviation(values: &[f32]) -> f32 {
    let mean =
        |of: &dyn Fn(f64) -> f64| values.iter().map(|&v| of(f64::from(v))).sum::<f64>() / values.len().max(1) as f64;
    let centre = mean(&|v| v);
    mean(&|v| (v - centre).powi(2)).sqrt() as f32
}

impl Text {
    pub(super) fn load(source: &dyn Source, config: &TextConfig) -> Result<Self, NnError> {
        let TextConfig { width, layers, heads, inner, activation, eps, .. } = *config;
        let tower = TowerConfig { width, hidden: inner, layers, heads, activation, eps };
        let table =
            |name: &str, rows: usize| source.values(&format!("text_model.embeddings.{name}.weight"), &[rows, width]);
        let tokens = table("token_embedding", config.vocabulary)?;
        Ok(Self {
            deviation: deviation(&tokens),
            tokens,
            positions: table("position_embedding", config.context_tokens)?,
            blocks: block::blocks(source, "text_model", &tower)?,
            final_norm: norm(source, "text_model.final_layer_norm", width, eps)?,
            width,
            context_tokens: config.context_tokens,
        })
    }

    /// The vector of a token.
    pub(super) fn vector(&self, id: u32) -> Result<&[f32], DiffuseError> {
        let row = self.tokens.get(id as usize * self.width..(id as usize + 1) * self.width);
        row.ok_or(DiffuseError::TokenId { id, vocabulary: self.tokens.len() / self.width.max(1) })
    }

    /// The vectors of tokens, one after another.
    pub(super) fn vectors(&self, ids: &[u32]) -> Result<Vec<f32>, DiffuseError> {
        Ok(ids.iter().map(|&id| self.vector(id)).collect::<Result<Vec<_>, _>>()?.concat())
    }

    fn rows(&self) -> Rows<'static> {
        Rows { tokens: self.context_tokens, causal: true, picks: None }
    }

    /// States of a text given as the vectors of its tokens, `[context, width]`.
    pub(super) fn forward(&self, vectors: &[f32]) -> Result<(Tensor, Trace), NnError> {
        let placed = vectors.iter().zip(&self.positions).map(|(vector, position)| vector + position).collect();
        let mut x = matrix(placed, self.context_tokens, self.width)?;
        let mut blocks = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            let (y, saved) = block.forward(&x, self.rows())?;
            blocks.push(saved);
            x = y;
        }
        let (states, stats) = normalised(&x, &self.final_norm)?;
        Ok((states, Trace { blocks, x, stats }))
    }

    /// Gradient with respect to the vectors, given that of the states.
    pub(super) fn backward(&self, trace: &Trace, g: &Tensor) -> Result<Vec<f32>, NnError> {
        let mut g = norm_backward(&trace.x, &trace.stats, &self.final_norm, g, None)?;
        for (block, saved) in self.blocks.iter().zip(&trace.blocks).rev() {
            g = block.backward(saved, &g, self.rows())?;
        }
        read(&g, <[f32]>::to_vec)
    }
}
