//! What makes a picture itself, as noise and a content for each step: inversion with pivotal tuning (VCT, section 3.3; null-text inversion,
//! Mokady et al. 2023).
//!
//! Input: the source picture. Output: `noise` `[height, width, channels]`, the latent that all begins with; `content` `[steps, tokens, width]`, the
//! states that steer each step back onto the picture's own path; `losses` `[steps, 2]`, first and last. Formula: DDIM backwards under the empty
//! text, then for each step Adam over the content in the place of guidance's unconditional text. Invariants: networks stay as they are.
//! Determinism: nothing is drawn. Cost: 3 * `steps` passes of the denoiser, and `inner` * `steps` at most forth and back.

use super::latent::Latent;
use super::schedule::Move;
use super::{DiffuseError, Diffusion, STAGES, Tensors};
use crate::ctx::Ctx;
use crate::image::Image;
use crate::nn::adam::Adam;
use crate::nn::matrix::{matrix, read};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// What the content of a step is to reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PivotLoss {
    /// The next latent of the picture's path.
    #[default]
    Pivot,
    /// The picture's own latent, from the clean latent that follows from the step's prediction.
    Clean,
}

/// Settings of the inversion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pivot {
    /// Steps from noise to picture.
    pub steps: usize,
    /// Steps of the optimiser for each of them, at most.
    pub inner: usize,
    /// Rate of the optimiser at the first step; falls by a hundredth of itself a step.
    pub rate: f32,
    /// How far guidance goes beyond the conditional prediction.
    pub guidance: f32,
    /// What is reached for.
    pub loss: PivotLoss,
    /// Pixels at which the picture is worked on; 0: the model's own.
    pub area_px: usize,
}

impl Default for Pivot {
    /// The publication's settings.
    fn default() -> Self {
        Self { steps: 50, inner: 50, rate: 1e-2, guidance: 7.5, loss: PivotLoss::Pivot, area_px: 0 }
    }
}

/// Loss at which the content of step `at` is good enough.
fn tolerance(at: usize) -> f32 {
    1e-5 + at as f32 * 2e-5
}

/// guidance * conditional + (1 - guidance) * other.
pub(super) fn guided(conditional: &[f32], other: &[f32], guidance: f32) -> Vec<f32> {
    conditional.iter().zip(other).map(|(c, o)| guidance * c + (1.0 - guidance) * o).collect()
}

/// One step's part of the path.
struct Aim<'a> {
    step: Move,
    at: usize,
    latent: &'a Latent,
    /// Prediction under the empty text.
    empty: &'a [f32],
    target: &'a [f32],
    settings: &'a Pivot,
}

impl Aim<'_> {
    /// Loss of a prediction under the content, and its gradient: both aims are affine in the guided prediction.
    fn loss(&self, found: &[f32]) -> (f32, Vec<f32>) {
        let step = match self.settings.loss {
            PivotLoss::Pivot => self.step,
            PivotLoss::Clean => Move { to: 1.0, ..self.step },
        };
        let reached = step.step(&self.latent.values, &guided(self.empty, found, self.settings.guidance));
        let slope = step.factors().1 as f32 * (1.0 - self.settings.guidance);
        let count = reached.len().max(1) as f32;
        let off: Vec<f32> = reached.iter().zip(self.target).map(|(reached, target)| reached - target).collect();
        let loss = off.iter().map(|&off| f64::from(off * off)).sum::<f64>() as f32 / count;
        (loss, off.iter().map(|off| 2.0 * off * slope / count).collect())
    }
}

impl Diffusion {
    /// Noise and contents that lead back to `source`.
    ///
    /// # Errors
    /// [`DiffuseError::Cancelled`], or what the networks say.
    pub fn pivot(&self, source: &Image, settings: &Pivot, ctx: &Ctx) -> Result<Tensors, DiffuseError> {
        let picture = self.sized(source, settings.area_px, ctx);
        let clean = self.encode(&picture, ctx)?.mean;
        let moves = self.schedule.moves(settings.steps);
        let empty = self.states("")?;
        ctx.progress.stage(STAGES[1], moves.len() as u64);
        let path = self.inverted(clean, &moves, &empty, ctx)?;
        ctx.progress.stage(STAGES[2], moves.len() as u64);
        let noise = path.last().cloned().ok_or(DiffuseError::Lacks { name: "noise" })?;
        let mut content = read(&empty, <[f32]>::to_vec)?;
        let (mut contents, mut losses) = (Vec::new(), Vec::new());
        let mut latent = noise.clone();
        for (at, &step) in moves.iter().enumerate() {
            let conditional = self.noises(&[&latent], step.timestep, &[&empty], None, &ctx.cancel)?.concat();
            let target = match settings.loss {
                PivotLoss::Pivot => path.get(moves.len() - 1 - at),
                PivotLoss::Clean => path.first(),
            };
            let target = &target.unwrap_or(&noise).values;
            let aim = Aim { step, at, latent: &latent, empty: &conditional, target, settings };
            let reached = self.tuned(&aim, &mut content, ctx)?;
            let states = self.content_states(&content)?;
            let other = self.noises(&[&latent], step.timestep, &[&states], None, &ctx.cancel)?.concat();
            latent = latent.with(step.step(&latent.values, &guided(&conditional, &other, settings.guidance)));
            contents.extend_from_slice(&content);
            losses.extend(reached);
            ctx.progress.advance(at as u64 + 1, &format!("loss {:.1e}", reached[1]));
        }
        let shape = [latent.height, latent.width, latent.channels];
        Ok(Tensors::default()
            .with("noise", &shape, noise.values)
            .with("content", &[moves.len(), self.text.context_tokens, self.text.width], contents)
            .with("losses", &[moves.len(), 2], losses)
            .with("reconstruction", &shape, latent.values))
    }

    /// The picture's path to noise, from its own latent on.
    fn inverted(&self, clean: Latent, moves: &[Move], empty: &Tensor, ctx: &Ctx) -> Result<Vec<Latent>, DiffuseError> {
        let mut path = vec![clean.clone()];
        let mut latent = clean;
        for (done, step) in moves.iter().rev().enumerate() {
            let noise = self.noises(&[&latent], step.timestep, &[empty], None, &ctx.cancel)?.concat();
            latent = latent.with(step.inverted().step(&latent.values, &noise));
            path.push(latent.clone());
            ctx.progress.advance(done as u64 + 1, "");
        }
        Ok(path)
    }

    /// The states of one step's content.
    pub(super) fn content_states(&self, content: &[f32]) -> Result<Tensor, DiffuseError> {
        Ok(matrix(content.to_vec(), self.text.context_tokens, self.text.width)?)
    }

    /// Tunes the content of one step; its first and last loss.
    fn tuned(&self, aim: &Aim<'_>, content: &mut [f32], ctx: &Ctx) -> Result<[f32; 2], DiffuseError> {
        let mut adam = Adam::new(content.len(), aim.settings.rate);
        let scale = 1.0 - aim.at as f32 / 100.0;
        let mut losses: Option<[f32; 2]> = None;
        for _ in 0..aim.settings.inner {
            let states = self.content_states(content)?;
            let (loss, g) = self.led(aim.latent, aim.step.timestep, &states, |found| aim.loss(found), &ctx.cancel)?;
            let mut gradient = read(&g, <[f32]>::to_vec)?;
            adam.step(&mut gradient, scale.max(0.0));
            content.iter_mut().zip(&gradient).for_each(|(content, step)| *content += step);
            losses = Some([losses.map_or(loss, |[first, _]| first), loss]);
            if loss < tolerance(aim.at) {
                break;
            }
        }
        Ok(losses.unwrap_or_default())
    }
}
