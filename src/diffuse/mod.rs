//! Diffusion models in the layout of Stable Diffusion 1.x, and what is done with them: a concept is read from one picture and goes onto
//! another, whose structure stays (VCT, Cheng et al., ICCV 2023).
//!
//! ```text
//! reference -> concept: vectors in place of words ----------+
//! source    -> pivot: noise and a content a step -----------+-> fuse -> picture
//! ```
//! Input: a model's files, pictures. Output: [`Tensors`], pictures. Invariants: weights are frozen; gradients go to latents and to
//! tokens' vectors and are written out by hand ([`crate::nn`]). Determinism: bit-identical for any thread count; noise is counter-based.
//! Cost: counted in passes of the denoiser, which every stage states.

mod bench;
mod concept;
mod config;
mod control;
mod error;
mod fields;
mod fuse;
mod latent;
mod pivot;
mod resnet;
mod schedule;
mod tensors;
#[cfg(test)]
mod tests;
mod text;
mod transformer;
mod unet;
mod vae;
mod words;

pub use bench::{BenchReport, Fidelity, bench_random};
pub use concept::Concept;
pub use config::{Config, LevelConfig, ScheduleConfig, TextConfig, UnetConfig, VaeConfig};
pub use error::DiffuseError;
pub use fuse::Fuse;
pub use pivot::{Pivot, PivotLoss};
pub use tensors::{Named, Tensors};

use crate::ctx::Cancel;
use crate::nn::NnError;
use crate::nn::conv::Grid;
use crate::nn::matrix::{matrix, read};
use crate::nn::weights::{Counted, File};
use candle_core::Tensor;
use control::Control;
use latent::Latent;
use schedule::Schedule;
use text::Text;
use transformer::Context;
use unet::{Inputs, Unet};
use vae::Vae;
use words::Words;

/// What progress calls the parts of a transfer: concept, the two ways of the pivot, fusion.
pub const STAGES: [&str; 4] = ["concept", "way to noise", "way back", "fuse"];

/// Counts changes of what the same settings make.
pub const VERSION: u32 = 2;

/// Bytes of a model in the layout of Stable Diffusion 1.x.
#[derive(Clone, Copy, Debug)]
pub struct DiffusionFiles<'a> {
    /// The denoiser.
    pub unet: Part<'a>,
    /// The autoencoder.
    pub vae: Part<'a>,
    /// The text tower.
    pub text: Part<'a>,
    /// The text tower's tokenizer.
    pub tokenizer: TokenizerFiles<'a>,
    /// `scheduler_config.json`.
    pub scheduler: &'a [u8],
}

/// Configuration and weights of a network.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// `config.json`.
    pub config: &'a [u8],
    /// A safetensors file.
    pub weights: &'a [u8],
}

/// How a folder stores its tokenizer.
#[derive(Clone, Copy, Debug)]
pub enum TokenizerFiles<'a> {
    /// `tokenizer.json`.
    Json(&'a [u8]),
    /// The two files of the older form.
    Pairs {
        /// `vocab.json`: words to ids.
        vocab: &'a [u8],
        /// `merges.txt`: pairs in the order in which they are joined.
        merges: &'a [u8],
    },
}

/// A loaded model.
#[derive(Debug)]
pub struct Diffusion {
    unet: Unet,
    vae: Vae,
    text: Text,
    words: Words,
    schedule: Schedule,
    /// Pixels of the pictures that it was trained on.
    area_px: usize,
    weight_bytes: u64,
}

impl Diffusion {
    /// Loads a model; every tensor is checked against the configurations.
    ///
    /// # Errors
    /// [`DiffuseError`] says which file is at fault.
    pub fn from_files(files: DiffusionFiles<'_>) -> Result<Self, DiffuseError> {
        let config = Config::parse(files)?;
        let [unet, vae, text] = [files.unet, files.vae, files.text].map(|part| File::parse(part.weights));
        let (unet, vae, text) = (unet?, vae?, text?);
        let [unet, vae, text] = [Counted::new(&unet), Counted::new(&vae), Counted::new(&text)];
        let model = Self {
            unet: Unet::load(&unet, &config.unet)?,
            vae: Vae::load(&vae, &config.vae)?,
            text: Text::load(&text, &config.text)?,
            words: Words::parse(files.tokenizer, &config.text)?,
            schedule: Schedule::new(&config.schedule),
            area_px: (config.unet.sample_side * config.vae.factor()).pow(2),
            weight_bytes: 0,
        };
        Ok(Self { weight_bytes: unet.bytes() + vae.bytes() + text.bytes(), ..model })
    }

    /// Memory that the weights take, bytes.
    pub fn weight_bytes(&self) -> u64 {
        self.weight_bytes
    }

    /// Width and height, pixels, at which a picture of `size` is worked on; `area_px` 0: the model's own.
    fn working_size(&self, size: (usize, usize), area_px: usize) -> (usize, usize) {
        let area = if area_px == 0 { self.area_px } else { area_px };
        latent::working_size(size, area, self.vae.factor * self.unet.multiple)
    }

    /// States of a text.
    fn states(&self, text: &str) -> Result<Tensor, DiffuseError> {
        let ids = self.words.ids(text)?;
        Ok(self.text.forward(&self.text.vectors(&ids)?)?.0)
    }

    /// The vectors of a prompt that is `concept` alone: begin, the concept's vectors, end, padding.
    fn prompt_of(&self, concept: &[f32]) -> Result<Vec<f32>, DiffuseError> {
        let count = concept.len() / self.text.width.max(1);
        let mut vectors = self.text.vectors(&self.words.framed(&vec![0; count]))?;
        let own = vectors.iter_mut().skip(self.text.width);
        own.zip(concept).for_each(|(vector, &value)| *vector = value);
        Ok(vectors)
    }

    fn context(&self, states: &[&Tensor]) -> Result<Context, DiffuseError> {
        let states = Tensor::cat(states, 0).map_err(NnError::from)?;
        Ok(Context { states, tokens: self.text.context_tokens })
    }

    /// A loss of the noise in `latent` under `states`, and its gradient with respect to them; `loss_of` gives the loss of a prediction
    /// and its gradient.
    fn led(
        &self,
        latent: &Latent,
        timestep: usize,
        states: &Tensor,
        loss_of: impl FnOnce(&[f32]) -> (f32, Vec<f32>),
        cancel: &Cancel,
    ) -> Result<(f32, Tensor), DiffuseError> {
        let (values, context) = (latent.tensor()?, self.context(&[states])?);
        let grid = latent.grid();
        let inputs = Inputs { latent: &values, grid, timesteps: &[timestep], context: &context, control: None };
        let (found, trace) = self.unet.forward_traced(inputs, cancel)?;
        let (loss, g) = read(&found, loss_of)?;
        Ok((loss, self.unet.backward(&trace, &latent.with(g).tensor()?, cancel)?.context))
    }

    /// The noise in each of several latents under a text each.
    fn noises(
        &self,
        latents: &[&Latent],
        timestep: usize,
        states: &[&Tensor],
        control: Option<&Control<'_>>,
        cancel: &Cancel,
    ) -> Result<Vec<Vec<f32>>, DiffuseError> {
        let (Some(first), images) = (latents.first(), latents.len()) else { return Ok(Vec::new()) };
        let grid = Grid { images, ..first.grid() };
        let values = latents.iter().flat_map(|latent| latent.values.iter().copied()).collect();
        let latent = matrix(values, grid.rows(), first.channels)?;
        let context = self.context(states)?;
        let inputs = Inputs { latent: &latent, grid, timesteps: &vec![timestep; images], context: &context, control };
        let noise = self.unet.forward(inputs, cancel)?;
        Ok(read(&noise, |noise| noise.chunks(first.values.len().max(1)).map(<[f32]>::to_vec).collect())?)
    }
}
