//! The loss of an iteration and its pixel gradient: crops of every region, their features, their directions.
//!
//! Input: the current render. Output: loss and gradient with respect to its pixels. Formulas: CLIPVG, section 3.2
//! (region and patch terms of the direction loss). Outside `paper` three things differ: windows come from a pool that
//! is drawn once; the loss is the plain distance from the prompt; windows are antialiased. A direction is undefined where
//! nothing has moved and its gradient grows as the inverse of the way, so the first steps decide everything: with it a
//! photograph "at sunset" ends at a cosine of 0.39, without it at 0.69, and only that one is orange.
//! Determinism: windows are keyed by (seed, place in the pool), sums run in crop order. Cost: one encoder pass over
//! the crops.

use super::coherence::Coherence;
use super::legibility::Tone;
use super::{OptimizeError, Quality, Settings};
use crate::ctx::Ctx;
use crate::encoder::crops::draw::{self, CropPreset, Region};
use crate::encoder::crops::{CropSpec, Crops, weights};
use crate::encoder::direction::{self, PATCH_WEIGHT, REFERENCE_PROMPT, REGION_WEIGHT, TextMean};
use crate::encoder::{Encoder, EncoderError};
use crate::image::Image;
use crate::image::rect::Rect;
use crate::raster::{self, Background, Size};
use crate::rng::{Stage, Stream};
use crate::scene::Scene;
use crate::schedule::Toward;

/// Iterations after which the pool of windows comes round again, outside `paper`.
const POOL: u32 = 8;

/// A region of the picture and what its crops should become.
#[derive(Debug)]
struct Target {
    region_px: Region,
    preset: CropPreset,
    weight: f32,
    /// The prompt itself, length 1.
    prompt: Vec<f32>,
    /// Of `paper` alone.
    way: Option<Way>,
}

/// What a direction loss is measured with.
#[derive(Debug)]
struct Way {
    /// From the neutral text to the prompt, length 1.
    direction: Vec<f32>,
    /// Feature of the region in the first render: what every crop is measured from.
    reference: Vec<f32>,
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
    /// Terms that hold the picture back, with their weights.
    tone: Option<(Tone, f32)>,
    coherence: Option<(Coherence, f32)>,
}

impl<'a> Objective<'a> {
    /// Prepares the loss of renders of `size` pixels against `settings`; `scene` is the unedited one.
    ///
    /// # Errors
    /// [`OptimizeError`] for missing or unusable prompts and regions.
    pub fn new(
        scene: &Scene,
        encoder: &'a Encoder,
        settings: &Settings,
        seed: u64,
        size: Size,
        ctx: &Ctx,
    ) -> Result<Self, OptimizeError> {
        let is_paper = settings.quality == Quality::Paper;
        let first = raster::render(scene, size, Background::Rgb(super::PAPER_WHITE), ctx)?;
        let mean = if is_paper { TextMean::Raw } else { TextMean::Normalised };
        let neutral = is_paper.then(|| direction::prompt_feature(encoder, REFERENCE_PROMPT, mean, ctx)).transpose()?;
        let mut targets = Vec::new();
        for region in &settings.regions {
            let region_px = region_in_raster(region.rect_in_canvas, scene, size)?;
            let patches = region.patches.unwrap_or(settings.patches) as usize;
            let preset =
                if is_paper { CropPreset::Paper { patches } } else { CropPreset::Stratified { crops: patches + 1 } };
            let mut prompt = direction::prompt_feature(encoder, &region.prompt, mean, ctx)?;
            let next = region.toward.as_ref().map(|Toward { prompt, amount }| {
                direction::prompt_feature(encoder, prompt, mean, ctx).map(|next| (next, *amount))
            });
            let next = next.transpose()?;
            let mut way = None;
            if let Some(neutral) = &neutral {
                let picture = (size.width_px, size.height_px);
                let reference = direction::region_feature(encoder, planes(&first), picture, region_px, preset, ctx)?;
                let mut direction = direction::text_direction(&prompt, neutral);
                if let Some((next, amount)) = &next {
                    direction = direction::between(&direction, &direction::text_direction(next, neutral), *amount);
                }
                way = Some(Way { direction, reference });
            }
            if let Some((next, amount)) = &next {
                prompt = direction::between(&prompt, next, *amount);
            }
            targets.push(Target { region_px, preset, weight: region.weight, prompt, way });
        }
        let tone = (settings.legibility > 0.0)
            .then(|| (Tone::new(size.width_px, size.height_px, planes(&first)), settings.legibility * TONE_SCALE));
        let coherence =
            (settings.coherence > 0.0).then(|| (Coherence::new(size.width_px, planes(&first)), settings.coherence));
        Ok(Self { encoder, seed, size, is_paper, targets, pool: Vec::new(), tone, coherence })
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
            tone.add_gradient(planes(render), *weight, &mut gradient);
        }
        if let Some((coherence, weight)) = &self.coherence {
            coherence.add_gradient(planes(render), *weight, &mut gradient);
        }
        Ok(Judgement { loss, distance, gradient })
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
        self.pool.get(place).ok_or(EncoderError::Layout("the pool of windows"))
    }

    /// The crops of a place in the pool.
    pub(super) fn crops(&self, place: usize) -> Result<&Crops, EncoderError> {
        Ok(&self.windows(place)?.crops)
    }

    /// Judges the crops that the windows of `place` cut from a render.
    pub(super) fn judge_crops(&self, place: usize, crops: &[f32], ctx: &Ctx) -> Result<Verdict, EncoderError> {
        let windows = self.windows(place)?;
        let (features, trace) = self.encoder.embed_crops_traced(crops, windows.crops.len(), ctx)?;
        let (loss, distance, d_features) = self.feature_loss(windows, &features)?;
        Ok(Verdict { loss, distance, d_crops: self.encoder.backward(trace, &d_features, ctx)? })
    }

    /// Whether every iteration has windows of its own.
    pub(super) fn redraws(&self) -> bool {
        self.is_paper
    }

    /// The term that keeps changes smooth, with its weight.
    pub(super) fn coherence(&self) -> Option<(&Coherence, f32)> {
        self.coherence.as_ref().map(|(term, weight)| (term, *weight))
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
            let plain = direction::loss(features, &nothing, &target.prompt, weights)?;
            distance += plain.loss;
            let part = match &target.way {
                Some(way) => direction::loss(features, &way.reference, &way.direction, weights)?,
                None => plain,
            };
            loss += part.loss;
            d_features.extend(part.d_features);
        }
        Ok((loss as f32, distance as f32, d_features))
    }
}

/// Makes a legibility of 1 weigh about as much as the direction loss when a tenth of the tone has changed.
const TONE_SCALE: f32 = 20.0;

fn planes(image: &Image) -> [&[f32]; 3] {
    let [r, g, b, _] = &image.planes;
    [r, g, b]
}

/// A region of the canvas in whole pixels of the raster, at least one pixel wide and high.
fn region_in_raster(rect_in_canvas: Option<Rect>, scene: &Scene, size: Size) -> Result<Region, OptimizeError> {
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
