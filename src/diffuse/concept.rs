//! What a picture shows, as vectors that stand where words would: multi-concept inversion (VCT, section 3.2; textual inversion, Gal et al. 2023).
//!
//! Input: the reference picture, a word to start from. Output: `vectors` `[count, width]`, and the loss of every step. Formula: AdamW over
//! mean (e - noise)^2 + weight * mean |z0 - latent| with z0 the clean latent that follows from the prediction e. Invariants: networks stay as they
//! are. Determinism: timesteps and noise are counter-based, one stream a small step. Cost: `steps` * `accumulate` passes of the denoiser
//! forth and back.

use super::latent::Posterior;
use super::{DiffuseError, Diffusion, STAGES, Tensors};
use crate::ctx::Ctx;
use crate::image::Image;
use crate::nn::adam::Adam;
use crate::rng::{Stage, Stream};
use serde::{Deserialize, Serialize};

/// Settings of the search for a concept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Concept {
    /// What the picture shows, in a word or a few: where the search starts.
    pub word: String,
    /// Vectors that are searched for.
    pub vectors: usize,
    /// Steps of the optimiser.
    pub steps: usize,
    /// Small steps, of one timestep each, whose gradients make one step.
    pub accumulate: usize,
    /// Rate of the optimiser, in deviations of the values that the model's own words have.
    pub rate: f32,
    /// Share that vectors lose at each step, times the rate in units of the vectors.
    pub decay: f32,
    /// Weight of the distance between clean latents.
    pub clean_weight: f32,
    /// Pixels at which the picture is worked on; 0: the model's own.
    pub area_px: usize,
}

impl Default for Concept {
    /// The publication's settings; its rate of 2e-3 belongs to Stable Diffusion's words, whose values deviate by 0.0138.
    fn default() -> Self {
        Self {
            word: "picture".to_owned(),
            vectors: 3,
            steps: 500,
            accumulate: 4,
            rate: 0.145,
            decay: 1e-2,
            clean_weight: 1.0,
            area_px: 0,
        }
    }
}

/// The picture as it is and mirrored.
struct Seen([Posterior; 2]);

fn mirrored(picture: &Image) -> Image {
    let mut picture = picture.clone();
    let width = picture.width.max(1);
    picture.planes.iter_mut().for_each(|plane| plane.chunks_mut(width).for_each(<[f32]>::reverse));
    picture
}

impl Diffusion {
    /// The vectors that stand for what `reference` shows.
    ///
    /// # Errors
    /// [`DiffuseError::Cancelled`], or what the networks say.
    pub fn concept(
        &self,
        reference: &Image,
        settings: &Concept,
        seed: u64,
        ctx: &Ctx,
    ) -> Result<Tensors, DiffuseError> {
        if reference.planes[3].iter().all(|alpha| *alpha <= 0.0) {
            return Err(DiffuseError::Unseen);
        }
        let picture = self.sized(reference, settings.area_px, ctx);
        ctx.progress.stage(STAGES[0], settings.steps as u64);
        let seen = Seen([self.encode(&picture, ctx)?, self.encode(&mirrored(&picture), ctx)?]);
        let mut vectors = self.first_vectors(settings)?;
        let rate = settings.rate * self.text.deviation;
        let mut adam = Adam::new(vectors.len(), rate);
        let mut losses = Vec::with_capacity(settings.steps);
        for step in 0..settings.steps {
            let mut gradient = vec![0.0; vectors.len()];
            let mut loss = 0.0;
            for part in 0..settings.accumulate {
                let small = step * settings.accumulate + part;
                let (of_part, g) = self.concept_loss(&seen, &vectors, settings, (seed, small), ctx)?;
                gradient.iter_mut().zip(g).for_each(|(sum, g)| *sum += g / settings.accumulate as f32);
                loss += of_part / settings.accumulate as f32;
            }
            adam.step(&mut gradient, 1.0);
            let keep = 1.0 - rate * settings.decay;
            vectors.iter_mut().zip(&gradient).for_each(|(vector, step)| *vector = keep * *vector + step);
            losses.push(loss);
            ctx.progress.advance(step as u64 + 1, &format!("loss {loss:.3}"));
        }
        let shape = [vectors.len() / self.text.width.max(1), self.text.width];
        Ok(Tensors::default().with("vectors", &shape, vectors).with("losses", &[losses.len()], losses))
    }

    /// The vectors of the word's tokens, spread over as many vectors as are searched for.
    fn first_vectors(&self, settings: &Concept) -> Result<Vec<f32>, DiffuseError> {
        let ids = self.words.words(&settings.word)?;
        let count = settings.vectors.clamp(1, self.text.context_tokens.saturating_sub(2).max(1));
        let id = |at: usize| ids.get(at * ids.len() / count).copied();
        let ids = (0..count).map(id).collect::<Option<Vec<_>>>();
        self.text.vectors(&ids.ok_or_else(|| DiffuseError::Word { word: settings.word.clone() })?)
    }

    /// The loss of one timestep with noise, and its gradient.
    fn concept_loss(
        &self,
        seen: &Seen,
        vectors: &[f32],
        settings: &Concept,
        (seed, small): (u64, usize),
        ctx: &Ctx,
    ) -> Result<(f32, Vec<f32>), DiffuseError> {
        let mut stream = Stream::new(seed, 0, Stage::Concept, small as u32);
        let timestep = ((stream.unit() * self.schedule.len() as f32) as usize).min(self.schedule.len() - 1);
        let Seen([plain, mirrored]) = seen;
        let posterior = if stream.unit() < 0.5 { mirrored } else { plain };
        let clean = posterior.sample(&mut stream);
        let noise = clean.noise(&mut stream);
        let kept = self.schedule.kept(timestep);
        let (signal, rest) = (kept.sqrt() as f32, (1.0 - kept).sqrt() as f32);
        let noisy = clean.values.iter().zip(&noise).map(|(z, e)| signal * z + rest * e).collect();
        let noisy = clean.with(noisy);
        let (states, of_text) = self.text.forward(&self.prompt_of(vectors)?)?;
        let slope = settings.clean_weight * rest / signal;
        let loss_of = |found: &[f32]| noise_and_clean_loss(found, &noise, slope);
        let (loss, g) = self.led(&noisy, timestep, &states, loss_of, &ctx.cancel)?;
        let g = self.text.backward(&of_text, &g)?;
        Ok((loss, g.get(self.text.width..self.text.width + vectors.len()).unwrap_or_default().to_vec()))
    }
}

/// mean (e - noise)^2 + slope * mean |e - noise|, and its gradient. The clean latents' distance is the noises' times sqrt((1 - a) / a), which
/// `slope` holds.
fn noise_and_clean_loss(found: &[f32], noise: &[f32], slope: f32) -> (f32, Vec<f32>) {
    let count = found.len().max(1) as f32;
    let off: Vec<f32> = found.iter().zip(noise).map(|(found, noise)| found - noise).collect();
    let square = off.iter().map(|&off| f64::from(off * off)).sum::<f64>() as f32 / count;
    let absolute = off.iter().map(|&off| f64::from(off.abs())).sum::<f64>() as f32 / count;
    let sign = |off: f32| if off == 0.0 { 0.0 } else { off.signum() };
    (square + slope * absolute, off.iter().map(|&off| (2.0 * off + slope * sign(off)) / count).collect())
}
