//! Times the denoiser, and measures how much of a picture comes back from its noise.
//!
//! Input: a model, or the sizes of Stable Diffusion 1.5 with random weights; the side of a picture, a number of runs; or a picture. Output:
//! medians; ratios of signal to noise. Determinism: the latents and the ratios are; the times are what is asked for. Cost: `runs + 1` passes
//! forth and back; random weights take 3.4 GB; a pivot.

use super::unet::{Inputs, Unet};
use super::{Context, DiffuseError, Diffusion, LevelConfig, Pivot, UnetConfig};
use crate::ctx::Ctx;
use crate::image::Image;
use crate::nn::conv::Grid;
use crate::nn::matrix::{matrix, read};
use crate::nn::timing;
use crate::nn::weights::Random;
use crate::rng::{Stage, Stream};

const TIMESTEP: usize = 500;
const TOKENS: usize = 77;
const FACTOR: usize = 8;
const SEED: u64 = 1;

/// Times of one latent, medians over the runs.
#[derive(Clone, Debug, serde::Serialize)]
pub struct BenchReport {
    /// Width and height of the latent.
    pub latent: [usize; 2],
    /// Timed runs.
    pub runs: usize,
    /// Worker threads.
    pub threads: usize,
    /// A pass without a trace, milliseconds.
    pub forward_ms: f64,
    /// A pass with a trace, then the gradients of latent and text, milliseconds.
    pub forward_backward_ms: f64,
    /// Lengths of the gradients of latent and text: both arrived.
    pub gradient: [f64; 2],
}

/// How near to a picture a model comes that only has to give it back, as peak signal-to-noise ratios in decibels at the size at which the
/// picture is worked on.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Fidelity {
    /// Through the autoencoder alone: no edit can be nearer.
    pub autoencoder_db: f64,
    /// From the noise, led by the contents of a pivot.
    pub pivot_db: f64,
}

impl UnetConfig {
    /// The sizes of Stable Diffusion 1.5.
    pub fn stable_diffusion_1_5() -> Self {
        let level = |channels, heads| LevelConfig { channels, heads };
        Self {
            in_channels: 4,
            out_channels: 4,
            levels: vec![level(320, Some(8)), level(640, Some(8)), level(1280, Some(8)), level(1280, None)],
            layers_per_level: 2,
            mid_heads: 8,
            context_width: 768,
            groups: 32,
            eps: 1e-5,
            sample_side: 64,
        }
    }
}

/// Times the denoiser of Stable Diffusion 1.5 with random weights on pictures of `side_px`.
///
/// # Errors
/// [`DiffuseError::Cancelled`], or a failing computation.
pub fn bench_random(side_px: usize, runs: usize, ctx: &Ctx) -> Result<BenchReport, DiffuseError> {
    let config = UnetConfig::stable_diffusion_1_5();
    let unet = ctx.install(|| Unet::load(&Random { seed: SEED }, &config))?;
    let side = (side_px / FACTOR).next_multiple_of(unet.multiple);
    timed(&unet, [side; 2], (TOKENS, config.context_width), runs, ctx)
}

impl Diffusion {
    /// Times this model's denoiser on pictures of `side_px`.
    ///
    /// # Errors
    /// As [`bench_random`].
    pub fn bench(&self, side_px: usize, runs: usize, ctx: &Ctx) -> Result<BenchReport, DiffuseError> {
        let side = (side_px / self.vae.factor).next_multiple_of(self.unet.multiple);
        timed(&self.unet, [side; 2], (self.text.context_tokens, self.text.width), runs, ctx)
    }
}

impl Diffusion {
    /// How much of `source` its pivot keeps.
    ///
    /// # Errors
    /// As [`Diffusion::pivot`].
    pub fn fidelity(&self, source: &Image, settings: &Pivot, ctx: &Ctx) -> Result<Fidelity, DiffuseError> {
        let picture = self.sized(source, settings.area_px, ctx);
        let own = self.encode(&picture, ctx)?.mean;
        let pivot = self.pivot(source, settings, ctx)?;
        let (_, reconstruction) = pivot.get::<3>("reconstruction")?;
        let autoencoder_db = decibels(&self.decode(&own, ctx)?, &picture);
        let pivot_db = decibels(&self.decode(&own.with(reconstruction.to_vec()), ctx)?, &picture);
        Ok(Fidelity { autoencoder_db, pivot_db })
    }
}

/// Peak signal-to-noise ratio of two pictures' colours.
fn decibels(a: &Image, b: &Image) -> f64 {
    let colours = |picture: &Image| picture.planes.iter().take(3).flatten().copied().map(f64::from).collect::<Vec<_>>();
    let (a, b) = (colours(a), colours(b));
    let square = a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / a.len().max(1) as f64;
    -10.0 * square.max(f64::MIN_POSITIVE).log10()
}

fn timed(
    unet: &Unet,
    [width, height]: [usize; 2],
    (tokens, text_width): (usize, usize),
    runs: usize,
    ctx: &Ctx,
) -> Result<BenchReport, DiffuseError> {
    let mut stream = Stream::new(SEED, 0, Stage::Test, 0);
    let mut noise = |count: usize| (0..count).map(|_| stream.normal()).collect::<Vec<f32>>();
    let grid = Grid { images: 1, height, width };
    let latent = matrix(noise(grid.rows() * unet.channels()), grid.rows(), unet.channels())?;
    let context = Context { states: matrix(noise(tokens * text_width), tokens, text_width)?, tokens };
    let inputs = Inputs { latent: &latent, grid, timesteps: &[TIMESTEP], context: &context, control: None };
    let mut gradient = [0.0; 2];
    let forward = || ctx.install(|| unet.forward(inputs, &ctx.cancel)).map(|_| ());
    let both = || {
        let found = ctx.install(|| {
            let (noise, trace) = unet.forward_traced(inputs, &ctx.cancel)?;
            unet.backward(&trace, &noise, &ctx.cancel)
        })?;
        let length = |values: &[f32]| values.iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>().sqrt();
        gradient = [read(&found.latent, length)?, read(&found.context, length)?];
        Ok::<_, DiffuseError>(())
    };
    let [forward_ms, forward_backward_ms] = timing::medians(runs, forward, both)?;
    Ok(BenchReport { latent: [width, height], runs, threads: ctx.threads(), forward_ms, forward_backward_ms, gradient })
}
