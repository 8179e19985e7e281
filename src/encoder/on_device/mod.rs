//! The image tower on any device of the tensor library: the same function and the same hand-written gradient as
//! [`super::vision`], with all crops in one batch (Radford et al. 2021; gradient by the chain rule).
//!
//! Input: `[batch, 3, side, side]` normalised pixels in main memory. Output: `[batch, embedding]` features and the
//! gradient of the pixels, in main memory. Invariants: weights are moved once; between the upload of the crops and the
//! download of the result nothing crosses to the host, so that a card is never waited for in between; the trace stays
//! on the device. Determinism: that of the device's products, which is why places are classes of their own
//! ([`crate::ctx::EncoderPlace::class`]). Cost: see [`block`]; nothing is fused, so a card is best used with many crops.

mod block;
#[cfg(test)]
mod tests;

use candle_core::{DType, Device, Tensor};

use super::EncoderError;
use super::vision::Vision;
use crate::ctx::{Cancel, Precision};
use crate::nn::NnError;
use crate::nn::on_device::{Linear, Norm, Normed, Target};
use block::{Block, Rows, Saved};

/// Weights of the image tower on a device.
#[derive(Debug)]
pub(super) struct DeviceTower {
    device: Device,
    side_px: usize,
    patch_px: usize,
    patch: Linear,
    /// `[1, 1, width]`
    class: Tensor,
    /// `[1, 1 + patches, width]`
    positions: Tensor,
    pre_norm: Norm,
    blocks: Vec<Block>,
    post_norm: Norm,
    projection: Linear,
}

/// What the backward pass needs of a forward pass, on the device.
#[derive(Debug)]
pub(super) struct DeviceTrace {
    batch: usize,
    pre: Normed,
    blocks: Vec<Saved>,
    post: Normed,
}

impl DeviceTrace {
    /// Number of crops.
    pub(super) fn batch(&self) -> usize {
        self.batch
    }
}

impl Vision {
    /// A copy of the tower on `device`. With [`Precision::Bf16`] weight matrices are rounded to bf16 and take half the
    /// memory.
    pub(super) fn to_device(&self, device: &Device, precision: Precision) -> Result<DeviceTower, EncoderError> {
        let dtype = match precision {
            Precision::F32 => DType::F32,
            Precision::Bf16 => DType::BF16,
        };
        let target = Target { device, dtype };
        let width = self.class.len();
        Ok(DeviceTower {
            device: device.clone(),
            side_px: self.side_px,
            patch_px: self.patch_px,
            patch: Linear::of(&self.patch, &target)?,
            class: target.row(&self.class)?.reshape((1, 1, width))?,
            positions: target.row(&self.positions)?.reshape((1, (), width))?,
            pre_norm: Norm::of(&self.pre_norm, &target)?,
            blocks: self.blocks.iter().map(|block| Block::of(block, &target)).collect::<Result<_, _>>()?,
            post_norm: Norm::of(&self.post_norm, &target)?,
            projection: Linear::of(&self.projection, &target)?,
        })
    }
}

impl DeviceTower {
    /// Patches along one side of a crop.
    fn grid(&self) -> usize {
        self.side_px / self.patch_px
    }

    fn rows(&self, block: usize, crops: usize) -> Rows {
        Rows { crops, tokens: 1 + self.grid().pow(2), class_only: block + 1 == self.blocks.len() }
    }

    /// Features of crops. With `keep`, also what [`Self::backward`] needs.
    pub(super) fn forward(
        &self,
        crops: &[f32],
        keep: bool,
        cancel: &Cancel,
    ) -> Result<(Vec<f32>, Option<DeviceTrace>), EncoderError> {
        let batch = crops.len() / (3 * self.side_px * self.side_px);
        let (mut x, pre) = self.pre_norm.forward(&self.embed(crops, batch)?)?;
        let mut blocks = Vec::with_capacity(self.blocks.len());
        for (n, block) in self.blocks.iter().enumerate() {
            cancel.check()?;
            let (y, saved) = block.forward(&x, self.rows(n, batch))?;
            x = y;
            if keep {
                blocks.push(saved);
            }
        }
        let (pooled, post) = self.post_norm.forward(&x)?;
        let features = self.projection.forward(&pooled)?.flatten_all()?.to_vec1()?;
        Ok((features, keep.then_some(DeviceTrace { batch, pre, blocks, post })))
    }

    /// Gradient with respect to the crops. Frees the trace block by block.
    pub(super) fn backward(
        &self,
        mut trace: DeviceTrace,
        d_features: &[f32],
        cancel: &Cancel,
    ) -> Result<Vec<f32>, EncoderError> {
        let batch = trace.batch;
        let g = Tensor::from_slice(d_features, (batch, self.projection.weight.dim(1)?), &self.device)?;
        let mut g = self.post_norm.backward(&trace.post, &self.projection.backward(&g)?)?;
        for (n, block) in self.blocks.iter().enumerate().rev() {
            cancel.check()?;
            let saved = trace.blocks.pop().ok_or(NnError::Layout("the trace lacks a block"))?;
            g = block.backward(&saved, &g, self.rows(n, batch))?;
        }
        let g = self.pre_norm.backward(&trace.pre, &g)?;
        Ok(self.embed_backward(&g, batch)?.to_vec1()?)
    }

    /// Token rows: class and patches, plus positions. A convolution whose step is its size is a product of patches.
    fn embed(&self, crops: &[f32], batch: usize) -> candle_core::Result<Tensor> {
        let (grid, patch) = (self.grid(), self.patch_px);
        let crops = Tensor::from_slice(crops, (batch, 3, grid, patch, grid, patch), &self.device)?;
        let patches = crops.permute((0, 2, 4, 1, 3, 5))?.reshape((batch * grid * grid, 3 * patch * patch))?;
        let patches = self.patch.forward(&patches)?;
        let width = patches.dim(1)?;
        let patches = patches.reshape((batch, grid * grid, width))?;
        let class = self.class.broadcast_as((batch, 1, width))?.contiguous()?;
        let rows = Tensor::cat(&[class, patches], 1)?.broadcast_add(&self.positions)?;
        rows.reshape((batch * (1 + grid * grid), width))
    }

    /// Gradient of [`Self::embed`], flat: of the patch rows back to pixels; the class token depends on none.
    fn embed_backward(&self, g: &Tensor, batch: usize) -> candle_core::Result<Tensor> {
        let (grid, patch) = (self.grid(), self.patch_px);
        let width = g.dim(1)?;
        let rows = g.reshape((batch, 1 + grid * grid, width))?.narrow(1, 1, grid * grid)?;
        let patches = self.patch.backward(&rows.reshape((batch * grid * grid, width))?)?;
        let patches = patches.reshape((batch, grid, grid, 3, patch, patch))?;
        patches.permute((0, 3, 1, 4, 2, 5))?.flatten_all()
    }
}
