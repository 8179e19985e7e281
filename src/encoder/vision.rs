//! The image tower: patches, class token, positions, norm, blocks, norm, projection (Radford et al. 2021; names of
//! the Hugging Face format).
//!
//! Input: `[batch, 3, side, side]` normalised pixels. Output: `[batch, embedding]` features, and the exact gradient
//! of a function of them with respect to the pixels. Invariants: weights never get gradients; the last block works
//! on the class token alone, as nothing else of its output is read. Cost: see [`crate::nn::block`]; the trace holds
//! about 14 values a token, channel and block.

use candle_core::Tensor;

use super::EncoderError;
use super::config::Config;
use crate::ctx::Cancel;
use crate::nn::NnError;
use crate::nn::attention::Rows;
use crate::nn::block::{self, Block, Saved};
use crate::nn::linear::Linear;
use crate::nn::matrix::{matrix, read};
use crate::nn::norm::{Norm, RowStats, norm_backward, normalised};
use crate::nn::weights::{self as tensors, Source};

/// Weights of the image tower.
#[derive(Debug)]
pub(super) struct Vision {
    pub(super) side_px: usize,
    pub(super) patch_px: usize,
    pub(super) patch: Linear,
    pub(super) class: Vec<f32>,
    /// `[1 + patches, width]`
    pub(super) positions: Vec<f32>,
    pub(super) pre_norm: Norm,
    pub(super) blocks: Vec<Block>,
    pub(super) post_norm: Norm,
    pub(super) projection: Linear,
}

/// What a forward pass makes.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// `[batch, embedding]`
    pub(super) features: Vec<f32>,
    /// `[batch, tokens, width]` of each tap.
    pub(super) states: Vec<Vec<f32>>,
}

/// What the backward pass needs of a forward pass.
#[derive(Debug)]
pub(super) struct VisionTrace {
    batch: usize,
    embedded: Tensor,
    pre_stats: Vec<RowStats>,
    blocks: Vec<Saved>,
    class_rows: Tensor,
    post_stats: Vec<RowStats>,
}

impl VisionTrace {
    /// Number of crops.
    pub(super) fn batch(&self) -> usize {
        self.batch
    }
}

impl Vision {
    pub(super) fn load(source: &dyn Source, config: &Config) -> Result<Self, EncoderError> {
        let tower = &config.vision;
        let (width, patch_px) = (tower.width, config.patch_side_px);
        let embeddings = "vision_model.embeddings";
        let patch_name = format!("{embeddings}.patch_embedding.weight");
        let patch = tensors::matrix_of(source, &patch_name, &[width, 3, patch_px, patch_px], width)?;
        let positions = format!("{embeddings}.position_embedding.weight");
        Ok(Self {
            side_px: config.image_side_px,
            patch_px,
            patch: Linear { weight: patch.t()?.contiguous()?, bias: Vec::new() },
            class: source.values(&format!("{embeddings}.class_embedding"), &[width])?,
            positions: source.values(&positions, &[config.vision_tokens(), width])?,
            // The format spells it so.
            pre_norm: tensors::norm(source, "vision_model.pre_layrnorm", width, tower.eps)?,
            blocks: block::blocks(source, "vision_model", tower)?,
            post_norm: tensors::norm(source, "vision_model.post_layernorm", width, tower.eps)?,
            projection: tensors::projection(source, "visual_projection", config.embedding, width)?,
        })
    }

    fn tokens(&self) -> usize {
        1 + (self.side_px / self.patch_px).pow(2)
    }

    /// Values of one crop.
    pub(super) fn crop_len(&self) -> usize {
        3 * self.side_px * self.side_px
    }

    fn rows<'a>(&self, block: usize, picks: &'a [usize]) -> Rows<'a> {
        let last = block + 1 == self.blocks.len();
        Rows { tokens: self.tokens(), causal: false, picks: last.then_some(picks) }
    }

    /// Tokens of one crop, the class token among them, and channels of each.
    pub(super) fn token_shape(&self) -> [usize; 2] {
        [self.tokens(), self.class.len()]
    }

    /// Features of crops, and the states of all tokens after each of the blocks `taps`, which come in order and before the last one.
    /// With `keep`, also what [`Self::backward`] needs.
    pub(super) fn forward(
        &self,
        crops: &[f32],
        keep: bool,
        taps: &[usize],
        cancel: &Cancel,
    ) -> Result<(Seen, Option<VisionTrace>), EncoderError> {
        let batch = crops.len() / self.crop_len();
        let embedded = self.embed(crops, batch)?;
        let (mut x, pre_stats) = normalised(&embedded, &self.pre_norm)?;
        let picks = vec![0; batch];
        let mut saved_blocks = Vec::with_capacity(self.blocks.len());
        let mut states = Vec::new();
        for (n, block) in self.blocks.iter().enumerate() {
            cancel.check()?;
            let (y, saved) = block.forward(&x, self.rows(n, &picks))?;
            x = y;
            if keep {
                saved_blocks.push(saved);
            }
            if taps.contains(&n) {
                states.push(read(&x, <[f32]>::to_vec)?);
            }
        }
        let (pooled, post_stats) = normalised(&x, &self.post_norm)?;
        let features = read(&self.projection.product(&pooled)?, <[f32]>::to_vec)?;
        let trace = VisionTrace { batch, embedded, pre_stats, blocks: saved_blocks, class_rows: x, post_stats };
        Ok((Seen { features, states }, keep.then_some(trace)))
    }

    /// Gradient with respect to the crops, given those of the features and of the states after some blocks. Frees the trace block by
    /// block.
    pub(super) fn backward(
        &self,
        mut trace: VisionTrace,
        d_features: &[f32],
        d_states: &[(usize, &[f32])],
        cancel: &Cancel,
    ) -> Result<Vec<f32>, EncoderError> {
        let batch = trace.batch;
        let g = matrix(d_features.to_vec(), batch, self.projection.weight.dim(1)?)?;
        let g = self.projection.backward(&g)?;
        let mut g = norm_backward(&trace.class_rows, &trace.post_stats, &self.post_norm, &g, None)?;
        let picks = vec![0; batch];
        for (n, block) in self.blocks.iter().enumerate().rev() {
            cancel.check()?;
            let saved = trace.blocks.pop().ok_or(NnError::Layout("the trace lacks a block"))?;
            for (_, d_state) in d_states.iter().filter(|(tap, _)| *tap == n) {
                let width = self.class.len();
                g = (g + matrix(d_state.to_vec(), d_state.len() / width, width)?)?;
            }
            g = block.backward(&saved, &g, self.rows(n, &picks))?;
        }
        let g = norm_backward(&trace.embedded, &trace.pre_stats, &self.pre_norm, &g, None)?;
        self.embed_backward(&g, batch)
    }

    /// Calls `f(patch row, offset in the patch, offset in the crop, run)` for each run of pixels of one crop.
    fn for_each_run(&self, mut f: impl FnMut(usize, usize, usize, usize)) {
        let (side, patch) = (self.side_px, self.patch_px);
        let grid = side / patch;
        for at in 0..grid * grid {
            let (top, left) = (at / grid * patch, at % grid * patch);
            for channel in 0..3 {
                for row in 0..patch {
                    f(at, (channel * patch + row) * patch, (channel * side + top + row) * side + left, patch);
                }
            }
        }
    }

    /// Token rows: class and patches, plus positions.
    fn embed(&self, crops: &[f32], batch: usize) -> Result<Tensor, EncoderError> {
        let (width, tokens) = (self.class.len(), self.tokens());
        let patch_len = 3 * self.patch_px * self.patch_px;
        let crop_patches = (tokens - 1) * patch_len;
        let mut patches = vec![0.0; batch * crop_patches];
        for (patches, crop) in patches.chunks_mut(crop_patches).zip(crops.chunks(self.crop_len())) {
            self.for_each_run(|patch, to, from, run| {
                let to = patch * patch_len + to;
                if let (Some(to), Some(from)) = (patches.get_mut(to..to + run), crop.get(from..from + run)) {
                    to.copy_from_slice(from);
                }
            });
        }
        let patches = self.patch.product(&matrix(patches, batch * (tokens - 1), patch_len)?)?;
        let rows = read(&patches, |patches| {
            let mut rows = Vec::with_capacity(batch * tokens * width);
            for patches in patches.chunks((tokens - 1) * width) {
                let values = self.class.iter().chain(patches);
                rows.extend(values.zip(&self.positions).map(|(value, position)| value + position));
            }
            rows
        })?;
        Ok(matrix(rows, batch * tokens, width)?)
    }

    /// Gradient of [`Self::embed`]: of the patch rows back to pixels; the class token depends on none.
    fn embed_backward(&self, g: &Tensor, batch: usize) -> Result<Vec<f32>, EncoderError> {
        let (width, tokens) = (self.class.len(), self.tokens());
        let patch_len = 3 * self.patch_px * self.patch_px;
        let rows = read(g, |g| {
            let crops = g.chunks(tokens * width).filter_map(|rows| rows.get(width..));
            crops.flatten().copied().collect::<Vec<f32>>()
        })?;
        let patches = self.patch.backward(&matrix(rows, batch * (tokens - 1), width)?)?;
        let mut crops = vec![0.0; batch * self.crop_len()];
        read(&patches, |patches| {
            let pairs = crops.chunks_mut(self.crop_len()).zip(patches.chunks((tokens - 1) * patch_len));
            for (crop, patches) in pairs {
                self.for_each_run(|patch, from, to, run| {
                    let from = patch * patch_len + from;
                    if let (Some(to), Some(from)) = (crop.get_mut(to..to + run), patches.get(from..from + run)) {
                        to.copy_from_slice(from);
                    }
                });
            }
        })?;
        Ok(crops)
    }
}
