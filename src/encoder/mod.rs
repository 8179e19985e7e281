//! CLIP-architecture dual encoder: how well a picture agrees with a sentence, and which way to change the picture.
//!
//! Input: a Hugging Face CLIP folder's files, texts, pictures. Output: features, and the exact gradient of a loss on
//! image features with respect to the pixels. Invariants: weights are frozen; gradients are written out by hand
//! ([`crate::nn`]) and proved by finite differences. Determinism: bit-identical for any thread count: crops are worked
//! on in groups of fixed size and no sum is split among threads. Cost: nearly all in candle's matrix products.
//! [`Ctx::encoder`] may send the image tower to a graphics card ([`on_device`]); texts stay on the processor.
//!
//! The road of a loss: [`crops`] cuts and resizes windows, [`Encoder::embed_crops_traced`] embeds them,
//! [`direction`] compares with the text, [`Encoder::backward`] and [`crops`]' adjoint lead back to the picture.

mod bench;
mod config;
pub mod crops;
pub mod direction;
pub mod moments;
mod on_device;
mod place;
pub mod similarity;
pub mod templates;
mod text;
mod vision;

use rayon::prelude::*;

pub use crate::nn::{Activation, TowerConfig};
pub use bench::{BenchReport, bench};
pub use config::{Config, Pooling};
pub use place::check_place;

use std::sync::Arc;

use crate::ctx::{Cancelled, Ctx, EncoderPlace};
use crate::fault::Fault;
use crate::nn::NnError;
use crate::nn::weights::{Counted, File, Random, Source};
use on_device::{DeviceTower, DeviceTrace};
use place::Towers;
use text::{Text, Words};
use vision::{Seen, Vision, VisionTrace};

/// Crops embedded by one task. Fixed, so that results do not depend on the thread count.
const CROPS_PER_TASK: usize = 8;
/// Texts embedded by one task.
const TEXTS_PER_TASK: usize = 16;

/// What can go wrong between a model's files and a gradient.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    /// The graphics card failed.
    #[error(transparent)]
    Gpu(#[from] crate::gpu::GpuError),
    /// A JSON file cannot be read.
    #[error("{file} is not valid JSON ({reason}); fetch the encoder again")]
    Json {
        /// Which of the folder's files.
        file: &'static str,
        /// The parser's words.
        reason: String,
    },
    /// A configuration value is unusable.
    #[error("the encoder's {field} is {value}, but must be {need}")]
    Config {
        /// Section and key.
        field: String,
        /// What the file says.
        value: String,
        /// What would be accepted.
        need: String,
    },
    /// The weights or the computation of a layer.
    #[error(transparent)]
    Nn(#[from] NnError),
    /// tokenizer.json cannot be used.
    #[error("the encoder's tokenizer fails ({0}); fetch the encoder again")]
    Tokenizer(String),
    /// The encoder has no tokenizer: it was made of random weights for a bench.
    #[error("this encoder has random weights and no tokenizer: it can be timed, not asked")]
    NoTokenizer,
    /// The tokenizer knows a word that the tower does not.
    #[error(
        "the tokenizer gives the id {id}, but the text tower knows only {vocabulary}; the folder's files do not belong together"
    )]
    TokenId {
        /// The id.
        id: u32,
        /// Rows of the token table.
        vocabulary: usize,
    },
    /// There is nothing to look for.
    #[error("the prompt is empty; say what the picture should show")]
    EmptyPrompt,
    /// A text does not fit the tower's context.
    #[error(
        "the prompt is {tokens} tokens long, but this encoder takes {allowed}; shorten it: \"{}\"",
        beginning(prompt)
    )]
    PromptTooLong {
        /// The text as it was encoded, template included.
        prompt: String,
        /// Its length without begin and end.
        tokens: usize,
        /// The longest accepted.
        allowed: usize,
    },
    /// A slice has the wrong length.
    #[error("{what}: {found} values where {expected} are needed")]
    Length {
        /// Which input.
        what: &'static str,
        /// Needed.
        expected: usize,
        /// Given.
        found: usize,
    },
    /// A crop window that no picture can fill.
    #[error("the crop window {window:?} (x, y, width, height in pixels) is unusable: {reason}")]
    Window {
        /// The window.
        window: [f32; 4],
        /// Why.
        reason: &'static str,
    },
    /// A gradient or feature is not finite.
    #[error("{0} is not a finite number; the picture or the encoder is damaged")]
    NotFinite(&'static str),
    /// This build cannot reach the place that was asked for.
    #[error(
        "the encoder cannot run on {wanted}: this build has no CUDA; build it with `cargo build --release --features \
         cuda` where the CUDA toolkit is installed, or use --encoder-device cpu"
    )]
    NotBuilt {
        /// What was asked for.
        wanted: EncoderPlace,
    },
    /// The place is built in, but this machine has none.
    #[error(
        "the encoder cannot run on {wanted} ({reason}); see whether nvidia-smi lists the card, or use \
         --encoder-device cpu"
    )]
    NoDevice {
        /// What was asked for.
        wanted: EncoderPlace,
        /// The driver's words.
        reason: String,
    },
    /// The card failed at work, mostly for want of memory.
    #[error("the encoder failed on {place} ({reason}); use fewer --patches if memory ran out, or --encoder-device cpu")]
    DeviceFailed {
        /// The card.
        place: EncoderPlace,
        /// The driver's words.
        reason: String,
    },
    /// The work was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl EncoderError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Cancelled(error) => error.fault(),
            Self::Gpu(error) => error.fault(),
            Self::Nn(error) => error.fault(),
            Self::NotBuilt { .. } | Self::NoDevice { .. } | Self::DeviceFailed { .. } => Fault::Device { retry: false },
            Self::EmptyPrompt => Fault::Usage,
            _ => Fault::Work,
        }
    }
}

impl From<candle_core::Error> for EncoderError {
    fn from(error: candle_core::Error) -> Self {
        Self::Nn(error.into())
    }
}

/// The files of a Hugging Face CLIP folder.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// `config.json`
    pub config: &'a [u8],
    /// `model.safetensors`
    pub weights: &'a [u8],
    /// `tokenizer.json`
    pub tokenizer: &'a [u8],
    /// `preprocessor_config.json`; without it the pixel statistics of the original CLIP are used.
    pub preprocessor: Option<&'a [u8]>,
}

impl Files<'_> {
    /// blake3 of all files as hex: what an encoder is known by in plans, under any name or path. Cost: one pass.
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for bytes in [self.weights, self.config, self.tokenizer, self.preprocessor.unwrap_or_default()] {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// The first letters of a text that may be very long.
fn beginning(text: &str) -> String {
    const SHOWN: usize = 80;
    let mut letters = text.chars();
    let shown = letters.by_ref().take(SHOWN).collect::<String>();
    if letters.next().is_some() { shown + "…" } else { shown }
}

/// An image tower and a text tower that meet in one space. Immutable; share it by `Arc`.
#[derive(Debug)]
pub struct Encoder {
    /// What the user calls it.
    pub name: String,
    /// [`Files::hash`].
    pub hash: String,
    /// Sizes and pixel statistics.
    pub config: Config,
    vision: Vision,
    towers: Towers,
    text: Text,
    words: Option<Words>,
    weight_bytes: u64,
}

/// What [`Encoder::backward`] needs of the forward pass; about 14 values a token, channel and block, where the tower ran.
#[derive(Debug)]
pub struct Trace(Kept);

/// What [`Encoder::embed_crops_tapped`] makes.
#[derive(Debug)]
pub struct Tapped {
    /// Raw projected features `[batch, embedding]`.
    pub features: Vec<f32>,
    /// Of each tap, in order, the states of all tokens, `[batch, tokens, width]`.
    pub states: Vec<Vec<f32>>,
    /// For [`Encoder::backward_tapped`].
    pub trace: Trace,
}

#[derive(Debug)]
enum Kept {
    /// One trace a group of crops.
    Cpu(Vec<VisionTrace>),
    /// All crops together, with the tower that made it: the context of the backward pass may name another place.
    Device { tower: Arc<DeviceTower>, place: EncoderPlace, trace: DeviceTrace },
}

impl Encoder {
    /// Builds both towers. F16 and BF16 weights are widened to f32. Cost: one copy of the weights and one hash.
    ///
    /// # Errors
    /// Every defect of the files, naming the field or the tensor; see [`EncoderError`].
    pub fn from_bytes(name: &str, files: Files<'_>) -> Result<Self, EncoderError> {
        let config = Config::parse(files.config, files.preprocessor)?;
        let source = File::parse(files.weights)?;
        let words = Words::parse(files.tokenizer, &config)?;
        Self::build(name, files.hash(), config, &source, Some(words))
    }

    /// An encoder of the given sizes with random weights and no tokenizer, for benches without a model file.
    ///
    /// # Errors
    /// [`EncoderError::Nn`] when the tensors cannot be made.
    pub fn random(name: &str, config: Config, seed: u64) -> Result<Self, EncoderError> {
        Self::build(name, format!("random-{seed}"), config, &Random { seed }, None)
    }

    fn build(
        name: &str,
        hash: String,
        config: Config,
        source: &dyn Source,
        words: Option<Words>,
    ) -> Result<Self, EncoderError> {
        let source = Counted::new(source);
        let vision = Vision::load(&source, &config)?;
        let text = Text::load(&source, &config)?;
        let weight_bytes = source.bytes();
        Ok(Self { name: name.to_owned(), hash, config, vision, towers: Towers::default(), text, words, weight_bytes })
    }

    /// Memory that the weights take on the processor.
    pub fn weight_bytes(&self) -> u64 {
        self.weight_bytes
    }

    /// Side of the square pictures that the image tower takes, pixels.
    pub fn input_side_px(&self) -> usize {
        self.config.image_side_px
    }

    /// Length of a feature.
    pub fn embedding_len(&self) -> usize {
        self.config.embedding
    }

    /// Raw projected features of texts, not normalised.
    ///
    /// # Errors
    /// [`EncoderError::EmptyPrompt`], [`EncoderError::PromptTooLong`], [`EncoderError::Cancelled`].
    pub fn embed_text(&self, texts: &[String], ctx: &Ctx) -> Result<Vec<Vec<f32>>, EncoderError> {
        let words = self.words.as_ref().ok_or(EncoderError::NoTokenizer)?;
        let ids = texts.iter().map(|text| words.ids(text)).collect::<Result<Vec<_>, _>>()?;
        let groups = ctx.install(|| {
            let forward = |ids: &[Vec<u32>]| self.text.forward(ids, words, &ctx.cancel);
            ids.par_chunks(TEXTS_PER_TASK).map(forward).collect::<Result<Vec<_>, _>>()
        })?;
        let features = groups.iter().flat_map(|group| group.chunks(self.config.embedding)).map(<[f32]>::to_vec);
        Ok(features.collect())
    }

    /// Raw projected features `[batch, embedding]` of normalised crops `[batch, 3, side, side]`.
    ///
    /// # Errors
    /// [`EncoderError::Length`], [`EncoderError::Cancelled`].
    pub fn embed_crops(&self, crops: &[f32], batch: usize, ctx: &Ctx) -> Result<Vec<f32>, EncoderError> {
        Ok(self.forward(crops, batch, false, ctx)?.0)
    }

    /// As [`Self::embed_crops`], keeping what [`Self::backward`] needs.
    ///
    /// # Errors
    /// [`EncoderError::Length`], [`EncoderError::Cancelled`].
    pub fn embed_crops_traced(
        &self,
        crops: &[f32],
        batch: usize,
        ctx: &Ctx,
    ) -> Result<(Vec<f32>, Trace), EncoderError> {
        self.forward(crops, batch, true, ctx)
    }

    fn forward(&self, crops: &[f32], batch: usize, keep: bool, ctx: &Ctx) -> Result<(Vec<f32>, Trace), EncoderError> {
        expect_len("crops", batch * self.vision.crop_len(), crops.len())?;
        let (features, kept) = match self.towers.tower(ctx.encoder, &self.vision)? {
            // A card has nothing to do for no crops, and tensors without values are an edge that drivers need not know.
            Some(tower) if batch > 0 => forward_there(tower, crops, keep, ctx)?,
            _ => {
                let (seen, traces) = self.forward_here(crops, keep, &[], ctx)?;
                (seen.features, Kept::Cpu(traces))
            }
        };
        if features.iter().any(|value| !value.is_finite()) {
            return Err(EncoderError::NotFinite("an image feature"));
        }
        Ok((features, Trace(kept)))
    }

    fn forward_here(
        &self,
        crops: &[f32],
        keep: bool,
        taps: &[usize],
        ctx: &Ctx,
    ) -> Result<(Seen, Vec<VisionTrace>), EncoderError> {
        let groups = ctx.install(|| {
            let forward = |crops: &[f32]| self.vision.forward(crops, keep, taps, &ctx.cancel);
            crops.par_chunks(CROPS_PER_TASK * self.vision.crop_len()).map(forward).collect::<Result<Vec<_>, _>>()
        })?;
        let mut all = Seen { features: Vec::new(), states: vec![Vec::new(); taps.len()] };
        let mut traces = Vec::new();
        for (seen, trace) in groups {
            all.features.extend(seen.features);
            all.states.iter_mut().zip(seen.states).for_each(|(all, states)| all.extend(states));
            traces.extend(trace);
        }
        Ok((all, traces))
    }

    /// Features as [`Self::embed_crops_traced`] gives them, and the states `[batch, tokens, width]` of all tokens after each of the
    /// blocks `taps`; always on the processor.
    ///
    /// # Errors
    /// As [`Self::embed_crops_traced`].
    pub fn embed_crops_tapped(
        &self,
        crops: &[f32],
        batch: usize,
        taps: &[usize],
        ctx: &Ctx,
    ) -> Result<Tapped, EncoderError> {
        expect_len("crops", batch * self.vision.crop_len(), crops.len())?;
        let (Seen { features, states }, traces) = self.forward_here(crops, true, taps, ctx)?;
        if features.iter().chain(states.iter().flatten()).any(|value| !value.is_finite()) {
            return Err(EncoderError::NotFinite("an image feature"));
        }
        Ok(Tapped { features, states, trace: Trace(Kept::Cpu(traces)) })
    }

    /// Blocks of the image tower whose token states can be read: all but the last, which works on the class token alone.
    pub fn taps(&self) -> std::ops::Range<usize> {
        0..self.config.vision.layers.saturating_sub(1)
    }

    /// Channels of a token state.
    pub fn state_width(&self) -> usize {
        self.config.vision.width
    }

    /// Gradient with respect to the crops `[batch, 3, side, side]`, given the gradient of the features. Runs where the
    /// forward pass ran.
    ///
    /// # Errors
    /// [`EncoderError::Length`], [`EncoderError::Cancelled`], [`EncoderError::DeviceFailed`].
    pub fn backward(&self, trace: Trace, d_features: &[f32], ctx: &Ctx) -> Result<Vec<f32>, EncoderError> {
        let batch: usize = match &trace.0 {
            Kept::Cpu(traces) => traces.iter().map(VisionTrace::batch).sum(),
            Kept::Device { trace, .. } => trace.batch(),
        };
        expect_len("gradient of the features", batch * self.config.embedding, d_features.len())?;
        match trace.0 {
            Kept::Cpu(traces) => self.backward_here(traces, d_features, &[], ctx),
            Kept::Device { tower, place, trace } => ctx
                .install(|| tower.backward(trace, d_features, &ctx.cancel))
                .map_err(|error| place::failure_on(place, error)),
        }
    }

    /// As [`Self::backward`], given the gradient of token states as well, each with the block that it follows. Of a trace of
    /// [`Self::embed_crops_tapped`].
    ///
    /// # Errors
    /// As [`Self::backward`].
    pub fn backward_tapped(
        &self,
        trace: Trace,
        d_features: &[f32],
        d_states: &[(usize, Vec<f32>)],
        ctx: &Ctx,
    ) -> Result<Vec<f32>, EncoderError> {
        let Kept::Cpu(traces) = trace.0 else { return Err(NnError::Layout("a trace without taps").into()) };
        let batch: usize = traces.iter().map(VisionTrace::batch).sum();
        expect_len("gradient of the features", batch * self.config.embedding, d_features.len())?;
        let [tokens, width] = self.vision.token_shape();
        for (_, d_states) in d_states {
            expect_len("gradient of the token states", batch * tokens * width, d_states.len())?;
        }
        self.backward_here(traces, d_features, d_states, ctx)
    }

    fn backward_here(
        &self,
        traces: Vec<VisionTrace>,
        d_features: &[f32],
        d_states: &[(usize, Vec<f32>)],
        ctx: &Ctx,
    ) -> Result<Vec<f32>, EncoderError> {
        let [tokens, width] = self.vision.token_shape();
        let span = CROPS_PER_TASK * tokens * width;
        let states_of = |group: usize| {
            let parts = d_states.iter().filter_map(|(tap, states)| Some((*tap, states.chunks(span).nth(group)?)));
            parts.collect::<Vec<_>>()
        };
        let groups = ctx.install(|| {
            let d_groups = d_features.par_chunks(CROPS_PER_TASK * self.config.embedding);
            let backward = |(group, (trace, d)): (usize, (VisionTrace, &[f32]))| {
                self.vision.backward(trace, d, &states_of(group), &ctx.cancel)
            };
            traces.into_par_iter().zip(d_groups).enumerate().map(backward).collect::<Result<Vec<_>, _>>()
        })?;
        Ok(groups.concat())
    }
}

fn forward_there(
    tower: Arc<DeviceTower>,
    crops: &[f32],
    keep: bool,
    ctx: &Ctx,
) -> Result<(Vec<f32>, Kept), EncoderError> {
    let place = ctx.encoder;
    let (features, trace) =
        ctx.install(|| tower.forward(crops, keep, &ctx.cancel)).map_err(|error| place::failure_on(place, error))?;
    let kept = trace.map_or_else(|| Kept::Cpu(Vec::new()), |trace| Kept::Device { tower, place, trace });
    Ok((features, kept))
}

fn expect_len(what: &'static str, expected: usize, found: usize) -> Result<(), EncoderError> {
    if expected == found { Ok(()) } else { Err(EncoderError::Length { what, expected, found }) }
}
