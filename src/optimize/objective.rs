//! The loss of an iteration and its pixel gradient: crops of every region, their features, their directions.
//!
//! Input: the current render. Output: loss and gradient with respect to its pixels. Formulas: CLIPVG, section 3.2
//! (region and patch terms of the direction loss) for `paper`. Elsewhere windows come from a pool that is drawn once and are
//! antialiased, and the loss is that of [`Judging`].
//! Determinism: windows are keyed by (seed, place in the pool), sums run in crop order. Cost: one encoder pass over
//! the crops.

use super::legibility::Tone;
use super::settings::Likeness;
use super::{OptimizeError, Quality, Settings};
use crate::ctx::Ctx;
use crate::encoder::crops::draw::{self, CropPreset, Region};
use crate::encoder::crops::{CropSpec, Crops, weights};
use crate::encoder::direction::{self, DirectionLoss, PATCH_WEIGHT, REFERENCE_PROMPT, REGION_WEIGHT, SHARP, TextMean};
use crate::encoder::moments::Moments;
use crate::encoder::similarity::{self, Seen};
use crate::encoder::{Encoder, EncoderError, Tapped};
use crate::image::Image;
use crate::image::rect::Rect;
use crate::nn::NnError;
use crate::raster::{self, Background, Size};
use crate::rng::{Stage, Stream};
use crate::scene::Scene;
use crate::schedule::Toward;
use serde::{Deserialize, Serialize};

/// Iterations after which the pool of windows comes round again, outside `paper`.
const POOL: u32 = 8;
/// The text that prompts are measured from outside `paper`: what any picture of the encoder's world is.
const NEUTRAL: &str = "photo";
/// Encoders whose pictures are at least this large are taken for the published CLIP and its kin.
const CLIP_SIDE_PX: usize = 128;
/// Crops of a reference, the whole of it among them.
const REFERENCE_CROPS: usize = 16;
/// Way of a picture's feature that counts as half of a direction.
const SOFT_WAY: f64 = 0.3;
/// A prompt whose feature is nearer to the neutral one than this is hardly a prompt: it counts for less in proportion.
const CLEAR: f32 = 0.35;

/// How a picture is compared with a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Judging {
    /// By the angle between the picture and the way from the neutral text to the prompt. Right for the built-in encoder, which
    /// was trained on graded pictures and knows the look that a prompt means: "black and white" scores highest for true grey.
    Text,
    /// By the angle between the picture's way from the source and the texts' way, small ways counting less: pictures and texts
    /// of large CLIP models lie in two cones, whose distance no edit changes (Gal et al. 2022, section 3.2).
    Way,
    /// The publication's direction loss.
    Paper,
    /// By the angle between the picture and the reference: both lie in one cone, whatever the encoder.
    Picture,
}

impl Judging {
    /// What is right for an encoder and the settings of an edit.
    pub fn of(encoder: &Encoder, settings: &Settings) -> Self {
        match settings.quality {
            _ if settings.likeness.is_some() => Self::Picture,
            Quality::Paper => Self::Paper,
            _ if encoder.input_side_px() >= CLIP_SIDE_PX => Self::Way,
            _ => Self::Text,
        }
    }

    /// In words, for a status.
    pub fn words(self) -> &'static str {
        match self {
            Self::Text => "compared with the text",
            Self::Way => "compared by direction",
            Self::Paper => "compared as published",
            Self::Picture => "compared with the reference",
        }
    }
}

/// What crops of a region should become.
#[derive(Clone, Debug)]
pub(crate) struct Aim {
    /// Length 1.
    direction: Vec<f32>,
    /// What features are measured from; zeros: from nothing.
    reference: Vec<f32>,
    softness: f64,
    /// How much this prompt counts, 0 to 1; below 1 where it is hardly one.
    clarity: f32,
}

impl Aim {
    /// How well the encoder tells the prompt from any photograph, 0 to 1.
    pub(crate) fn clarity(&self) -> f32 {
        self.clarity
    }

    /// Loss of raw features, a row a crop.
    ///
    /// # Errors
    /// As [`direction::loss`].
    pub(crate) fn loss(&self, features: &[f32], weights: &[f32]) -> Result<DirectionLoss, EncoderError> {
        let mut loss = direction::loss(features, &self.reference, &self.direction, weights, self.softness)?;
        if self.clarity < 1.0 {
            loss.loss *= f64::from(self.clarity);
            loss.d_features.iter_mut().for_each(|value| *value *= self.clarity);
        }
        Ok(loss)
    }
}

/// A region of the picture and what its crops should become.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) region_px: Region,
    pub(crate) aim: Aim,
    preset: CropPreset,
    weight: f32,
    /// The prompt itself, length 1, where the aim is another direction.
    prompt: Option<Vec<f32>>,
}

/// The windows of one iteration, every target's in turn, ready for use.
#[derive(Debug)]
struct Windows {
    crops: Crops,
    /// One weight a crop, of each target in turn.
    weights: Vec<Vec<f32>>,
}

/// What the crops of one iteration say about a render.
#[derive(Debug)]
pub struct Judgement {
    /// Mean loss over the targets' weights, 0 to 2.
    pub loss: f32,
    /// How far the crops are from their prompts, 1 - cosine, 0 to 2. Unlike a direction, which the smallest change can
    /// have, it falls only when the picture really comes closer, so it decides when to stop.
    pub distance: f32,
    /// Gradient of the loss and of the terms that hold the picture back, with respect to the pixels.
    pub gradient: [Vec<f32>; 3],
}

/// What the encoder says about crops.
#[derive(Debug)]
pub(super) struct Verdict {
    /// As in [`Judgement`].
    pub loss: f32,
    /// As in [`Judgement`].
    pub distance: f32,
    /// Gradient of the loss with respect to the crops.
    pub d_crops: Vec<f32>,
}

/// Everything that decides the loss of a render.
#[derive(Debug)]
pub struct Objective<'a> {
    encoder: &'a Encoder,
    seed: u64,
    size: Size,
    is_paper: bool,
    targets: Vec<Target>,
    pool: Vec<Windows>,
    /// Holds letters readable, with its weight.
    tone: Option<(Tone, f32)>,
    /// The reference's texture.
    texture: Option<Texture>,
}

/// Moments of a reference's tokens after some blocks, and what a distance from them weighs.
#[derive(Debug)]
struct Texture {
    taps: Vec<usize>,
    moments: Vec<Moments>,
    weight: f64,
}

impl<'a> Objective<'a> {
    /// Prepares the loss of renders of `size` pixels against `settings`; `scene` is the unedited one, `reference` the picture whose
    /// likeness is asked for, where one is.
    ///
    /// # Errors
    /// [`OptimizeError`] for missing or unusable prompts and regions.
    pub fn new(
        scene: &Scene,
        encoder: &'a Encoder,
        settings: &Settings,
        reference: Option<&Image>,
        seed: u64,
        size: Size,
        ctx: &Ctx,
    ) -> Result<Self, OptimizeError> {
        let first = raster::render(scene, size, Background::Rgb(super::PAPER_WHITE), ctx)?;
        let (targets, texture) = match (settings.likeness, reference) {
            (Some(likeness), Some(reference)) => {
                likenesses(scene, encoder, settings, likeness, (reference, size), ctx)?
            }
            _ => (targets(scene, encoder, settings, (&first, size), ctx)?, None),
        };
        let tone = (settings.tone_weight() > 0.0)
            .then(|| (Tone::new(size.width_px, size.height_px, planes(&first), ctx), settings.tone_weight()));
        let is_paper = settings.quality == Quality::Paper;
        Ok(Self { encoder, seed, size, is_paper, targets, pool: Vec::new(), tone, texture })
    }

    /// Judges `render` by the crops of `iteration`.
    ///
    /// # Errors
    /// [`EncoderError`], cancellation among them.
    pub fn judge(&mut self, render: &Image, iteration: u32, ctx: &Ctx) -> Result<Judgement, EncoderError> {
        let place = self.place(iteration)?;
        let windows = self.windows(place)?;
        let crops = windows.crops.forward(planes(render), ctx)?;
        let Verdict { loss, distance, d_crops } = self.judge_crops(place, &crops, ctx)?;
        let mut gradient = windows.crops.adjoint(&d_crops, ctx)?;
        if let Some((tone, weight)) = &self.tone {
            tone.add_gradient(planes(render), *weight, &mut gradient, ctx);
        }
        Ok(Judgement { loss, distance, gradient })
    }

    /// The loss of `render` by the crops of the first iteration, without a gradient.
    ///
    /// # Errors
    /// [`EncoderError`], cancellation among them.
    pub(super) fn loss_of(&mut self, render: &Image, ctx: &Ctx) -> Result<f32, EncoderError> {
        let place = self.place(0)?;
        let windows = self.windows(place)?;
        let crops = windows.crops.forward(planes(render), ctx)?;
        let features = self.encoder.embed_crops(&crops, windows.crops.len(), ctx)?;
        Ok(self.feature_loss(windows, &features)?.0)
    }

    /// The encoder that judges.
    pub(super) fn encoder(&self) -> &'a Encoder {
        self.encoder
    }

    /// The regions in the order of the settings.
    pub(super) fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// How well the encoder tells each prompt from any photograph, 0 to 1.
    pub(super) fn clarities(&self) -> Vec<f32> {
        self.targets.iter().map(|target| target.aim.clarity).collect()
    }

    /// Draws the windows of `iteration` where the pool lacks them; where in the pool they are.
    pub(super) fn place(&mut self, iteration: u32) -> Result<usize, EncoderError> {
        let place = if self.is_paper { 0 } else { (iteration % POOL) as usize };
        if self.is_paper || place >= self.pool.len() {
            let windows = self.draw(iteration)?;
            self.pool.truncate(place);
            self.pool.push(windows);
        }
        Ok(place)
    }

    fn windows(&self, place: usize) -> Result<&Windows, EncoderError> {
        self.pool.get(place).ok_or_else(|| NnError::Layout("the pool of windows").into())
    }

    /// The crops of a place in the pool.
    pub(super) fn crops(&self, place: usize) -> Result<&Crops, EncoderError> {
        Ok(&self.windows(place)?.crops)
    }

    /// Judges the crops that the windows of `place` cut from a render.
    pub(super) fn judge_crops(&self, place: usize, crops: &[f32], ctx: &Ctx) -> Result<Verdict, EncoderError> {
        let windows = self.windows(place)?;
        if let Some(texture) = &self.texture {
            return self.judge_with(texture, windows, crops, ctx);
        }
        let (features, trace) = self.encoder.embed_crops_traced(crops, windows.crops.len(), ctx)?;
        let (loss, distance, d_features) = self.feature_loss(windows, &features)?;
        Ok(Verdict { loss, distance, d_crops: self.encoder.backward(trace, &d_features, ctx)? })
    }

    /// The same with the reference's texture as well; distances of texture are not told, only followed.
    fn judge_with(
        &self,
        texture: &Texture,
        windows: &Windows,
        crops: &[f32],
        ctx: &Ctx,
    ) -> Result<Verdict, EncoderError> {
        let Texture { taps, moments, weight } = texture;
        let tapped = self.encoder.embed_crops_tapped(crops, windows.crops.len(), taps, ctx)?;
        let Tapped { features, states, trace } = tapped;
        let (loss, distance, d_features) = self.feature_loss(windows, &features)?;
        let weight = weight / taps.len().max(1) as f64;
        let of_tap = |((tap, moments), states): ((&usize, &Moments), &Vec<f32>)| {
            let (_, d_states) = moments.distance(states, weight);
            (*tap, d_states)
        };
        let d_states = taps.iter().zip(moments).zip(&states).map(of_tap).collect::<Vec<_>>();
        Ok(Verdict { loss, distance, d_crops: self.encoder.backward_tapped(trace, &d_features, &d_states, ctx)? })
    }

    /// Whether every iteration has windows of its own.
    pub(super) fn redraws(&self) -> bool {
        self.is_paper
    }

    /// The term that keeps letters readable, with its weight.
    pub(super) fn tone(&self) -> Option<(&Tone, f32)> {
        self.tone.as_ref().map(|(term, weight)| (term, *weight))
    }

    fn draw(&self, iteration: u32) -> Result<Windows, EncoderError> {
        let picture = (self.size.width_px, self.size.height_px);
        let mut stream = Stream::new(self.seed, 0, Stage::Crops, iteration);
        let (mut specs, mut all_weights) = (Vec::<CropSpec>::new(), Vec::new());
        let total: f32 = self.targets.iter().map(|target| target.weight).sum();
        for target in &self.targets {
            let drawn = draw::draw(target.region_px, picture, target.preset, &mut stream)?;
            let share = target.weight / (total * (REGION_WEIGHT + PATCH_WEIGHT));
            all_weights.push(weights(&drawn, REGION_WEIGHT * share, PATCH_WEIGHT * share));
            specs.extend(drawn);
        }
        let crops = Crops::new(&specs, picture.0, picture.1, &self.encoder.config)?;
        Ok(Windows { crops, weights: all_weights })
    }

    /// Loss, distance, and gradient of the loss with respect to the features of every crop.
    fn feature_loss(&self, windows: &Windows, features: &[f32]) -> Result<(f32, f32, Vec<f32>), EncoderError> {
        let embedding = self.encoder.embedding_len();
        let (mut loss, mut distance, mut d_features) = (0.0, 0.0, Vec::with_capacity(features.len()));
        let nothing = vec![0.0; embedding];
        for (target, weights) in self.targets.iter().zip(&windows.weights) {
            let span = d_features.len()..d_features.len() + weights.len() * embedding;
            let features = features.get(span).unwrap_or_default();
            let part = target.aim.loss(features, weights)?;
            distance += match &target.prompt {
                Some(prompt) => direction::loss(features, &nothing, prompt, weights, SHARP)?.loss,
                None => part.loss,
            };
            loss += part.loss;
            d_features.extend(part.d_features);
        }
        Ok((loss as f32, distance as f32, d_features))
    }
}

/// Every region with what its crops should become; `first` is the unedited picture.
fn targets(
    scene: &Scene,
    encoder: &Encoder,
    settings: &Settings,
    (first, size): (&Image, Size),
    ctx: &Ctx,
) -> Result<Vec<Target>, OptimizeError> {
    let judging = Judging::of(encoder, settings);
    let is_paper = judging == Judging::Paper;
    let (mean, neutral) = if is_paper { (TextMean::Raw, REFERENCE_PROMPT) } else { (TextMean::Normalised, NEUTRAL) };
    let neutral = direction::prompt_feature(encoder, neutral, mean, ctx)?;
    let target = |region: &super::Region| -> Result<Target, OptimizeError> {
        let region_px = region_in_raster(region.rect_in_canvas, scene, size)?;
        let patches = region.patches.unwrap_or(settings.patches) as usize;
        let preset =
            if is_paper { CropPreset::Paper { patches } } else { CropPreset::Stratified { crops: patches + 1 } };
        let feature = |text: &str| direction::prompt_feature(encoder, text, mean, ctx);
        let toward = |text: &[f32]| direction::text_direction(text, &neutral);
        let prompt = feature(&region.prompt.text)?;
        let (mut aimed, mut plain) = (toward(&prompt), prompt);
        let mut clarity = way(&plain, &neutral);
        if let Some(Toward { prompt, amount }) = &region.prompt.toward {
            let next = feature(prompt)?;
            clarity += amount * (way(&next, &neutral) - clarity);
            aimed = direction::between(&aimed, &toward(&next), *amount);
            plain = direction::between(&plain, &next, *amount);
        }
        let picture = (size.width_px, size.height_px);
        let reference = match judging {
            Judging::Text | Judging::Picture => vec![0.0; encoder.embedding_len()],
            Judging::Way | Judging::Paper => {
                direction::region_feature(encoder, planes(first), picture, region_px, preset, ctx)?
            }
        };
        let softness = if judging == Judging::Way { SOFT_WAY } else { SHARP };
        let clarity = if is_paper { 1.0 } else { (clarity / CLEAR).min(1.0) };
        let aim = Aim { direction: aimed, reference, softness, clarity };
        let prompt = (judging != Judging::Text).then_some(plain);
        Ok(Target { region_px, aim, preset, weight: region.weight, prompt })
    };
    settings.regions.iter().map(target).collect()
}

/// Blocks whose token states tell a texture: those in the first half of the tower but the very first, edges and materials and not
/// yet things; none of a tower that is too low.
fn texture_taps(encoder: &Encoder) -> Vec<usize> {
    let end = encoder.taps().end;
    let first = end.div_ceil(4);
    (first..end.div_ceil(2).max(first + 1).min(end)).collect()
}

/// Every region with the likeness of `reference` as what its crops should become, and the reference's texture where it counts.
fn likenesses(
    scene: &Scene,
    encoder: &Encoder,
    settings: &Settings,
    likeness: Likeness,
    (reference, size): (&Image, Size),
    ctx: &Ctx,
) -> Result<(Vec<Target>, Option<Texture>), OptimizeError> {
    let taps = texture_taps(encoder);
    let Seen { feature: direction, states } =
        similarity::seen_in_crops(encoder, reference, REFERENCE_CROPS, &taps, ctx)?;
    let moments = states.iter().filter_map(|states| Moments::of(states, encoder.state_width())).collect();
    let texture = Texture { taps, moments, weight: f64::from(likeness.texture_weight) };
    let target = |region: &super::Region| -> Result<Target, OptimizeError> {
        let region_px = region_in_raster(region.rect_in_canvas, scene, size)?;
        let patches = region.patches.unwrap_or(settings.patches) as usize;
        let nothing = vec![0.0; encoder.embedding_len()];
        let aim = Aim { direction: direction.clone(), reference: nothing, softness: SHARP, clarity: 1.0 };
        let preset = CropPreset::Stratified { crops: patches + 1 };
        Ok(Target { region_px, aim, preset, weight: region.weight, prompt: None })
    };
    let targets = settings.regions.iter().map(target).collect::<Result<_, _>>()?;
    Ok((targets, Some(texture).filter(|texture| texture.weight > 0.0)))
}

/// How far two features of length 1 are apart.
fn way(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()
}

fn planes(image: &Image) -> [&[f32]; 3] {
    let [r, g, b, _] = &image.planes;
    [r, g, b]
}

/// A region of the canvas in whole pixels of the raster, at least one pixel wide and high.
pub(super) fn region_in_raster(
    rect_in_canvas: Option<Rect>,
    scene: &Scene,
    size: Size,
) -> Result<Region, OptimizeError> {
    let Some(rect) = rect_in_canvas else { return Ok(Region::whole(size.width_px, size.height_px)) };
    let (width, height) = (scene.width, scene.height);
    let inside = rect.clipped(width, height).ok_or(OptimizeError::RegionOutside { rect, width, height })?;
    let inside = inside.scaled(size.width_px as f32 / width, size.height_px as f32 / height);
    let span = |start: f32, length: f32, limit: usize| {
        let first = (start.floor() as usize).min(limit - 1);
        let end = ((start + length).ceil() as usize).clamp(first + 1, limit);
        (first, end - first)
    };
    let (x, width) = span(inside.x, inside.width, size.width_px);
    let (y, height) = span(inside.y, inside.height, size.height_px);
    Ok(Region { x, y, width, height })
}
