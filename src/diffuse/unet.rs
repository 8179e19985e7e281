//! The denoiser: which noise a latent holds at a timestep under a text, and the gradient with respect to latent and text.
//!
//! Input: latents as maps ([`Grid`]), a timestep an image, states of texts. Output: the predicted noise; gradients. Formula: the UNet of
//! Rombach et al. 2022 in the layout that diffusers names UNet2DConditionModel. It is kept as a list of units with a stack for the maps that
//! skip over the middle, so that the way back is the list backwards. Invariants: weights never get gradients. Determinism: as the
//! layers. Cost: for Stable Diffusion 1.5 at 512 pixels 0.8 TFLOP, twice that again for the gradient; what the gradient needs takes
//! 0.8 GB there, as attention weights are not kept ([`crate::nn::tiled`]).

use super::DiffuseError;
use super::config::UnetConfig;
use super::control::Control;
use super::resnet::{self, Resnet};
use super::transformer::{self, Context, Transformer};
use crate::ctx::Cancel;
use crate::nn::NnError;
use crate::nn::activation::silus;
use crate::nn::conv::{Conv, Grid, Windows, doubled, doubled_backward};
use crate::nn::group_norm::{GroupNorm, GroupStats};
use crate::nn::linear::Linear;
use crate::nn::matrix::{add_to, matrix, read};
use crate::nn::weights::{Source, conv, group_norm, linear};
use candle_core::Tensor;

/// Slowest wave of the timestep's vector (Vaswani et al. 2017, section 3.5).
const LONGEST_WAVE: f32 = 10_000.0;

/// Weights of the denoiser.
#[derive(Debug)]
pub(super) struct Unet {
    time: [Linear; 2],
    conv_in: Conv,
    units: Vec<Unit>,
    norm_out: GroupNorm,
    conv_out: Conv,
    /// Sides of latents are multiples of this.
    pub(super) multiple: usize,
    /// Channels that come out.
    pub(super) outputs: usize,
}

/// One step of the way through.
#[derive(Debug)]
enum Unit {
    Residual(Box<Resnet>),
    Attentive(Box<Transformer>),
    Shrink(Conv),
    Grow(Conv),
    /// Puts the map on the stack.
    Keep,
    /// Appends the channels of the map from the stack.
    Join,
}

/// What the way back needs of one unit.
#[derive(Debug)]
enum Saved {
    Residual(resnet::Saved),
    Attentive(Box<transformer::Saved>),
    Shrink(Grid),
    Grow(Grid),
    Keep,
    /// Channels before joining.
    Join(usize),
}

/// What [`Unet::backward`] needs of a pass.
#[derive(Debug)]
pub(super) struct Trace {
    units: Vec<Saved>,
    x: Tensor,
    stats: Vec<GroupStats>,
    grid: Grid,
    context: Context,
}

/// Gradients with respect to what went in.
#[derive(Debug)]
pub(super) struct Gradient {
    pub(super) latent: Tensor,
    pub(super) context: Tensor,
}

/// What a pass is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inputs<'a> {
    pub(super) latent: &'a Tensor,
    pub(super) grid: Grid,
    /// One an image.
    pub(super) timesteps: &'a [usize],
    pub(super) context: &'a Context,
    pub(super) control: Option<&'a Control<'a>>,
}

/// Builds the list of units, keeping count of the channels.
struct Builder<'a> {
    source: &'a dyn Source,
    config: &'a UnetConfig,
    units: Vec<Unit>,
    channels: usize,
    kept: Vec<usize>,
}

impl Builder<'_> {
    fn residual(&mut self, name: &str, to: usize) -> Result<(), NnError> {
        let base = self.config.levels.first().map_or(0, |level| level.channels);
        let UnetConfig { groups, eps, .. } = *self.config;
        let sizes = resnet::Sizes { from: self.channels, to, time: Some(4 * base), groups, eps };
        self.units.push(Unit::Residual(Box::new(Resnet::load(self.source, name, sizes)?)));
        self.channels = to;
        Ok(())
    }

    fn attentive(&mut self, name: &str, heads: usize) -> Result<(), NnError> {
        let UnetConfig { groups, context_width, .. } = *self.config;
        let unit = Transformer::load(self.source, name, self.channels, heads, context_width, groups)?;
        self.units.push(Unit::Attentive(Box::new(unit)));
        Ok(())
    }

    fn keep(&mut self) {
        self.units.push(Unit::Keep);
        self.kept.push(self.channels);
    }

    fn join(&mut self) {
        self.units.push(Unit::Join);
        self.channels += self.kept.pop().unwrap_or(0);
    }

    fn resized(&mut self, name: &str, windows: Windows) -> Result<Conv, NnError> {
        conv(self.source, name, self.channels, self.channels, windows)
    }

    fn down(&mut self) -> Result<(), NnError> {
        let levels = &self.config.levels;
        for (at, level) in levels.iter().enumerate() {
            let name = format!("down_blocks.{at}");
            for layer in 0..self.config.layers_per_level {
                self.residual(&format!("{name}.resnets.{layer}"), level.channels)?;
                if let Some(heads) = level.heads {
                    self.attentive(&format!("{name}.attentions.{layer}"), heads)?;
                }
                self.keep();
            }
            if at + 1 < levels.len() {
                let shrink = self.resized(&format!("{name}.downsamplers.0.conv"), Windows::Second)?;
                self.units.push(Unit::Shrink(shrink));
                self.keep();
            }
        }
        Ok(())
    }

    fn middle(&mut self) -> Result<(), NnError> {
        self.residual("mid_block.resnets.0", self.channels)?;
        self.attentive("mid_block.attentions.0", self.config.mid_heads)?;
        self.residual("mid_block.resnets.1", self.channels)
    }

    fn up(&mut self) -> Result<(), NnError> {
        let levels = &self.config.levels;
        for (at, level) in levels.iter().rev().enumerate() {
            let name = format!("up_blocks.{at}");
            for layer in 0..=self.config.layers_per_level {
                self.join();
                self.residual(&format!("{name}.resnets.{layer}"), level.channels)?;
                if let Some(heads) = level.heads {
                    self.attentive(&format!("{name}.attentions.{layer}"), heads)?;
                }
            }
            if at + 1 < levels.len() {
                let grow = self.resized(&format!("{name}.upsamplers.0.conv"), Windows::Every)?;
                self.units.push(Unit::Grow(grow));
            }
        }
        Ok(())
    }
}

/// Cosines, then sines of a timestep at `width` / 2 frequencies each (diffusers: `flip_sin_to_cos`, `freq_shift` 0). In f32 as published, with
/// functions that are the same on every machine.
fn waves(timestep: usize, width: usize) -> Vec<f32> {
    let half = width / 2;
    let angle = |n: usize| {
        let exponent = -(f64::from(LONGEST_WAVE).ln() as f32) * n as f32 / half as f32;
        f64::from(timestep as f32 * libm::exp(f64::from(exponent)) as f32)
    };
    let cosines = (0..half).map(|n| libm::cos(angle(n)) as f32);
    cosines.chain((0..half).map(|n| libm::sin(angle(n)) as f32)).collect()
}

impl Unet {
    pub(super) fn load(source: &dyn Source, config: &UnetConfig) -> Result<Self, NnError> {
        let base = config.levels.first().map_or(0, |level| level.channels);
        let conv_in = conv(source, "conv_in", base, config.in_channels, Windows::Every)?;
        let mut builder = Builder { source, config, units: Vec::new(), channels: base, kept: Vec::new() };
        builder.keep();
        builder.down()?;
        builder.middle()?;
        builder.up()?;
        Ok(Self {
            time: [
                linear(source, "time_embedding.linear_1", 4 * base, base)?,
                linear(source, "time_embedding.linear_2", 4 * base, 4 * base)?,
            ],
            conv_in,
            units: builder.units,
            norm_out: group_norm(source, "conv_norm_out", base, config.groups, config.eps, true)?,
            conv_out: conv(source, "conv_out", config.out_channels, base, Windows::Every)?,
            multiple: 1 << config.levels.len().saturating_sub(1),
            outputs: config.out_channels,
        })
    }

    /// Channels that go in.
    pub(super) fn channels(&self) -> usize {
        self.conv_in.inputs
    }

    /// The activated vector of each timestep, `[images, 4 * base]`: every residual block activates it first.
    fn time(&self, timesteps: &[usize]) -> Result<Tensor, NnError> {
        let [first, second] = &self.time;
        let width = first.weight.dim(0)?;
        let waves = timesteps.iter().flat_map(|&timestep| waves(timestep, width)).collect();
        let hidden = first.forward(&matrix(waves, timesteps.len(), width)?)?;
        let active = |x: &Tensor| -> Result<Tensor, NnError> { matrix(read(x, silus)?, x.dim(0)?, x.dim(1)?) };
        active(&second.forward(&active(&hidden)?)?)
    }

    /// The predicted noise `[images * pixels, outputs]`.
    pub(super) fn forward(&self, inputs: Inputs<'_>, cancel: &Cancel) -> Result<Tensor, DiffuseError> {
        Ok(self.pass(inputs, |_| (), cancel)?.0)
    }

    /// The predicted noise, and what [`Self::backward`] needs.
    pub(super) fn forward_traced(&self, inputs: Inputs<'_>, cancel: &Cancel) -> Result<(Tensor, Trace), DiffuseError> {
        let mut units = Vec::with_capacity(self.units.len());
        let (noise, x, stats, grid) = self.pass(inputs, |saved| units.push(saved), cancel)?;
        Ok((noise, Trace { units, x, stats, grid, context: inputs.context.clone() }))
    }

    /// The predicted noise, and the last map with its statistics and arrangement; `keep` takes what each unit saved.
    fn pass(
        &self,
        inputs: Inputs<'_>,
        mut keep: impl FnMut(Saved),
        cancel: &Cancel,
    ) -> Result<(Tensor, Tensor, Vec<GroupStats>, Grid), DiffuseError> {
        let time = self.time(inputs.timesteps)?;
        let (mut x, mut grid) = self.conv_in.forward(inputs.latent, inputs.grid)?;
        let mut stack = Vec::new();
        for unit in &self.units {
            cancel.check()?;
            keep(unit.forward(&mut x, &mut grid, &time, inputs, &mut stack)?);
        }
        let (normed, stats) = self.norm_out.forward(&x, grid)?;
        let (noise, _) = self.conv_out.forward(&normed, grid)?;
        Ok((noise, x, stats, grid))
    }

    /// Gradients of a function of the predicted noise, whose gradient `g` is.
    pub(super) fn backward(&self, trace: &Trace, g: &Tensor, cancel: &Cancel) -> Result<Gradient, DiffuseError> {
        let g_normed = self.conv_out.backward(g, trace.grid)?;
        let mut g = self.norm_out.backward(&trace.x, &trace.stats, &g_normed, trace.grid)?;
        let context = trace.context.states.zeros_like().map_err(NnError::from)?;
        let mut stack = Vec::new();
        for (unit, saved) in self.units.iter().zip(&trace.units).rev() {
            cancel.check()?;
            unit.backward(saved, &mut g, &context, &mut stack)?;
        }
        Ok(Gradient { latent: self.conv_in.backward(&g, trace.grid)?, context })
    }
}

impl Unit {
    fn forward(
        &self,
        x: &mut Tensor,
        grid: &mut Grid,
        time: &Tensor,
        inputs: Inputs<'_>,
        stack: &mut Vec<Tensor>,
    ) -> Result<Saved, NnError> {
        let before = *grid;
        let (y, saved) = match self {
            Self::Residual(resnet) => {
                let (y, saved) = resnet.forward(x, before, Some(time))?;
                (y, Saved::Residual(saved))
            }
            Self::Attentive(transformer) => {
                let (y, saved) = transformer.forward(x, before, inputs.context, inputs.control)?;
                (y, Saved::Attentive(Box::new(saved)))
            }
            Self::Shrink(conv) => {
                let (y, small) = conv.forward(x, before)?;
                *grid = small;
                (y, Saved::Shrink(before))
            }
            Self::Grow(conv) => {
                *grid = before.doubled();
                (conv.forward(&doubled(x, before)?, *grid)?.0, Saved::Grow(before))
            }
            Self::Keep => {
                stack.push(x.clone());
                (x.clone(), Saved::Keep)
            }
            Self::Join => {
                let skipped = stack.pop().ok_or(NnError::Layout("no map is left to join"))?;
                (Tensor::cat(&[&*x, &skipped], 1)?, Saved::Join(x.dim(1)?))
            }
        };
        *x = y;
        Ok(saved)
    }

    fn backward(
        &self,
        saved: &Saved,
        g: &mut Tensor,
        context: &Tensor,
        stack: &mut Vec<Tensor>,
    ) -> Result<(), NnError> {
        *g = match (self, saved) {
            (Self::Residual(resnet), Saved::Residual(saved)) => resnet.backward(saved, g)?,
            (Self::Attentive(transformer), Saved::Attentive(saved)) => {
                let (g_x, g_context) = transformer.backward(saved, g)?;
                add_to(context, &g_context)?;
                g_x
            }
            (Self::Shrink(conv), Saved::Shrink(before)) => conv.backward(g, *before)?,
            (Self::Grow(conv), Saved::Grow(before)) => doubled_backward(&conv.backward(g, before.doubled())?, *before)?,
            (Self::Keep, Saved::Keep) => {
                let skipped = stack.pop().ok_or(NnError::Layout("no gradient is left of a joined map"))?;
                (&*g + skipped)?
            }
            (Self::Join, Saved::Join(channels)) => {
                let joined = g.dim(1)?;
                stack.push(g.narrow(1, *channels, joined - channels)?.contiguous()?);
                g.narrow(1, 0, *channels)?.contiguous()?
            }
            _ => return Err(NnError::Layout("the trace is another network's")),
        };
        Ok(())
    }
}
