//! A residual block of denoiser and autoencoder, forward and gradient with respect to its input.
//!
//! Input: maps, and for the denoiser one vector an image that tells the timestep. Output: maps. Formula: x + conv(act(norm(t + conv(act(
//! norm(x)))))), with x through a map of its own where the number of channels changes (He et al. 2016; Ho et al. 2020, appendix B).
//! Determinism: as the layers. Cost: two convolutions; kept for the gradient are two maps.

use crate::nn::NnError;
use crate::nn::conv::{Conv, Grid, Windows, add_to_images};
use crate::nn::group_norm::{GroupNorm, GroupStats};
use crate::nn::linear::Linear;
use crate::nn::matrix::add_to;
use crate::nn::weights::{Source, conv, group_norm, linear, pointwise};
use candle_core::Tensor;

/// Weights of a block.
#[derive(Clone, Debug)]
pub(super) struct Resnet {
    norm1: GroupNorm,
    conv1: Conv,
    time: Option<Linear>,
    norm2: GroupNorm,
    conv2: Conv,
    shortcut: Option<Linear>,
}

/// What [`Resnet::backward`] needs.
#[derive(Debug)]
pub(super) struct Saved {
    x: Tensor,
    stats1: Vec<GroupStats>,
    hidden: Tensor,
    stats2: Vec<GroupStats>,
    grid: Grid,
}

/// Sizes of a block: channels that come and go, channels of the timestep's vector, groups.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) time: Option<usize>,
    pub(super) groups: usize,
    pub(super) eps: f32,
}

impl Resnet {
    pub(super) fn load(source: &dyn Source, name: &str, sizes: Sizes) -> Result<Self, NnError> {
        let Sizes { from, to, time, groups, eps } = sizes;
        let part = |part: &str| format!("{name}.{part}");
        let norm = |name: &str, channels| group_norm(source, &part(name), channels, groups, eps, true);
        let shortcut = (from != to).then(|| pointwise(source, &part("conv_shortcut"), to, from)).transpose()?;
        Ok(Self {
            norm1: norm("norm1", from)?,
            conv1: conv(source, &part("conv1"), to, from, Windows::Every)?,
            time: time.map(|time| linear(source, &part("time_emb_proj"), to, time)).transpose()?,
            norm2: norm("norm2", to)?,
            conv2: conv(source, &part("conv2"), to, to, Windows::Every)?,
            shortcut,
        })
    }

    /// `time` is the activated vector of the timestep, `[images, channels]`.
    pub(super) fn forward(&self, x: &Tensor, grid: Grid, time: Option<&Tensor>) -> Result<(Tensor, Saved), NnError> {
        let (normed, stats1) = self.norm1.forward(x, grid)?;
        let (hidden, _) = self.conv1.forward(&normed, grid)?;
        if let (Some(map), Some(time)) = (&self.time, time) {
            add_to_images(&hidden, grid, &map.forward(time)?)?;
        }
        let (normed, stats2) = self.norm2.forward(&hidden, grid)?;
        let (y, _) = self.conv2.forward(&normed, grid)?;
        match &self.shortcut {
            Some(map) => add_to(&y, &map.forward(x)?)?,
            None => add_to(&y, x)?,
        }
        Ok((y, Saved { x: x.clone(), stats1, hidden, stats2, grid }))
    }

    /// Gradient with respect to x.
    pub(super) fn backward(&self, saved: &Saved, g: &Tensor) -> Result<Tensor, NnError> {
        let Saved { x, stats1, hidden, stats2, grid } = saved;
        let g_normed = self.conv2.backward(g, *grid)?;
        let g_hidden = self.norm2.backward(hidden, stats2, &g_normed, *grid)?;
        let g_normed = self.conv1.backward(&g_hidden, *grid)?;
        let g_x = self.norm1.backward(x, stats1, &g_normed, *grid)?;
        match &self.shortcut {
            Some(map) => add_to(&g_x, &map.backward(g)?)?,
            None => add_to(&g_x, g)?,
        }
        Ok(g_x)
    }
}
