//! Settings of an edit, resolved: no defaults left open, canvas pixels only.
//!
//! Input: a quality and a mode. Output: plain numbers that are part of a plan's canonical form.

use super::search::Effort;
use super::warp::Reach;
use crate::image::rect::Rect;
use crate::raster::Size;
use crate::scene::Scene;
use crate::schedule::Prompt;
use serde::{Deserialize, Serialize};

/// What may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Points and colours.
    Full,
    /// Colours.
    Color,
    /// Points.
    Shape,
}

/// How much work goes into an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// A first look in two seconds.
    Draft,
    /// For pictures.
    Normal,
    /// About three times the work of normal.
    Final,
    /// Settings and quirks of the CLIPVG publication.
    Paper,
}

/// A prompt and where it counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Target sentence, and the one that it passes over to.
    #[serde(flatten)]
    pub prompt: Prompt,
    /// Where, in canvas pixels; none: the whole picture.
    pub rect_in_canvas: Option<Rect>,
    /// Weight of this region's loss against the others'.
    pub weight: f32,
    /// Crops an iteration, besides the whole region; none: as many as the settings say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patches: Option<u32>,
}

impl Region {
    /// `prompt` for `rect_in_canvas`, or for the whole picture.
    pub fn new(prompt: &str, rect_in_canvas: Option<Rect>) -> Self {
        Self { prompt: Prompt::new(prompt), rect_in_canvas, weight: 1.0, patches: None }
    }
}

/// How a reference picture is followed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Likeness {
    /// Steps in which colours settle on the reference's palette before the encoder is asked.
    pub palette_steps: u32,
    /// Weight of the squared distance from that palette, in `OKLab`, against the encoder's loss.
    pub palette_weight: f32,
    /// Weight of lost structure against that squared distance while colours settle.
    pub structure_weight: f32,
    /// Weight of the distance from the reference's texture against the encoder's loss; 0: texture is not asked for.
    pub texture_weight: f32,
}

/// Everything that decides an edit besides picture, encoder and seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What may change.
    pub mode: Mode,
    /// Which crops and directions are drawn.
    pub quality: Quality,
    /// Prompts and where they count; at least one. One without a text asks for the likeness of the reference.
    pub regions: Vec<Region>,
    /// Only shapes mostly inside any of these may change; none: all.
    pub only_in_canvas: Vec<Rect>,
    /// Most optimiser steps.
    pub iterations: u32,
    /// Crops of each region an iteration, besides the whole region.
    pub patches: u32,
    /// How far points move at most in a step, in canvas pixels.
    pub rate_shape_px: f32,
    /// Adam's rate for colours: in sRGB for `paper`, elsewhere for the numbers of a grade in `OKLab`.
    pub rate_color: f32,
    /// Rates fall to a tenth over the last half of the iterations.
    pub rate_decay: bool,
    /// How the look of each region is searched before the first step; none: it is not.
    pub look_search: Option<Effort>,
    /// The same for the bend that outlines begin with.
    pub outline_search: Option<Effort>,
    /// Reach of the field that points move with; none: each point steps by itself.
    pub warp: Option<Reach>,
    /// Whether opacities move with colours.
    pub train_opacity: bool,
    /// Whether shapes of one palette colour move together.
    pub share_palette: bool,
    /// Whether almost black and almost white shapes are frozen.
    pub keep_black_white: bool,
    /// How strongly letters are held readable; 0: not at all.
    pub legibility: f32,
    /// Long side in pixels of the picture the encoder's crops are cut from; the canvas is never enlarged.
    pub raster_side_px: u32,
    /// Iterations without gain before stopping; 0: never.
    pub patience: u32,
    /// How a reference picture is followed; none: prompts alone count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likeness: Option<Likeness>,
}

impl Settings {
    /// The settings of a quality and a mode; regions are still empty.
    pub fn of(quality: Quality, mode: Mode) -> Self {
        let settings = if quality == Quality::Paper { Self::paper(mode) } else { Self::fine(quality, mode) };
        Self { quality, ..settings }
    }

    /// What is common to all: nothing is frozen, nothing searched.
    fn plain(mode: Mode) -> Self {
        Self {
            mode,
            quality: Quality::Normal,
            regions: Vec::new(),
            only_in_canvas: Vec::new(),
            iterations: 0,
            patches: 0,
            rate_shape_px: 0.0,
            rate_color: 0.0,
            rate_decay: true,
            look_search: None,
            outline_search: None,
            warp: None,
            train_opacity: false,
            share_palette: false,
            keep_black_white: false,
            legibility: 0.0,
            raster_side_px: 512,
            patience: 0,
            likeness: None,
        }
    }

    /// The settings of a quality for the likeness of a reference: no look is searched, because its colours are known.
    pub fn of_reference(quality: Quality) -> Self {
        let palette_steps = if quality == Quality::Draft { 120 } else { 300 };
        Self {
            regions: vec![Region::new("", None)],
            look_search: None,
            likeness: Some(Likeness {
                palette_steps,
                palette_weight: PALETTE_WEIGHT,
                structure_weight: STRUCTURE_WEIGHT,
                texture_weight: TEXTURE_WEIGHT,
            }),
            ..Self::of(quality, Mode::Full)
        }
    }

    /// Whether colours move from coarse to fine, as a grade that a LUT can hold.
    pub fn is_graded(&self) -> bool {
        self.look_search.is_some() || self.likeness.is_some()
    }

    fn paper(mode: Mode) -> Self {
        // The publication doubles the rate of whatever is trained alone.
        let (rate_shape_px, rate_color) = match mode {
            Mode::Full => (0.2, 0.01),
            Mode::Color => (0.0, 0.02),
            Mode::Shape => (0.4, 0.0),
        };
        Self {
            iterations: 150,
            patches: 64,
            rate_shape_px,
            rate_color,
            rate_decay: false,
            train_opacity: true,
            share_palette: true,
            raster_side_px: u32::MAX,
            ..Self::plain(mode)
        }
    }

    fn fine(quality: Quality, mode: Mode) -> Self {
        let is_draft = quality == Quality::Draft;
        let (iterations, patches) = match (quality, mode) {
            (Quality::Draft, Mode::Color) => (4, 5),
            (Quality::Draft, _) => (8, 5),
            (Quality::Final, Mode::Color) => (40, 11),
            (Quality::Final, _) => (160, 19),
            (_, Mode::Color) => (6, 7),
            _ => (64, 11),
        };
        let effort = |first, rounds, children, crops| Effort { first, rounds, children, crops };
        let look = match quality {
            Quality::Draft => effort(64, 1, 12, 3),
            Quality::Final => effort(320, 6, 32, 6),
            _ => effort(224, 5, 20, 3),
        };
        // What a field of displacements may move in all grows with the steps, whatever their number.
        let rate_shape_px = match mode {
            Mode::Full => 0.2,
            Mode::Color => 0.0,
            Mode::Shape => 0.25,
        };
        Self {
            iterations,
            patches,
            rate_shape_px,
            rate_color: 0.0006,
            look_search: (mode != Mode::Shape).then_some(look),
            outline_search: (mode == Mode::Shape).then(|| outline_effort(quality, mode)),
            warp: Some(Reach { first: 0.08, last: 0.02 }),
            raster_side_px: if is_draft { 256 } else { 512 },
            patience: (iterations / 3).max(LEAST_PATIENCE),
            ..Self::plain(mode)
        }
    }

    /// Weight of the tone term in the loss; 0 where letters are held by their shapes. A legibility of 1 weighs about as much as
    /// the direction loss when a tenth of the tone has changed.
    pub(super) fn tone_weight(&self) -> f32 {
        if self.warp.is_none() { 20.0 * self.legibility } else { 0.0 }
    }

    /// The settings with letters held readable by `legibility`; 0: they are outlines like others.
    pub fn with_legibility(mut self, legibility: f32) -> Self {
        self.legibility = legibility;
        if legibility > 0.0 && self.warp.is_some() {
            // What a letter may not do is taken back after every step, so steps may be long.
            self.rate_shape_px = LETTER_RATE_PX;
        }
        self
    }

    /// Settings of the same quality for edits that belong to rectangles alone: their things may move further, and bend first.
    fn of_things(mut self) -> Self {
        if self.mode == Mode::Full && self.warp.is_some() {
            self.rate_shape_px *= 4.0;
            self.outline_search = Some(outline_effort(self.quality, self.mode));
        }
        self
    }

    /// The settings for these regions.
    pub fn with_regions(mut self, regions: Vec<Region>) -> Self {
        self.regions = regions;
        let placed = !self.regions.is_empty() && self.regions.iter().all(|region| region.rect_in_canvas.is_some());
        if placed { self.of_things() } else { self }
    }

    /// The size at which `scene` is drawn for the encoder.
    pub fn raster_size(&self, scene: &Scene) -> Size {
        let scale = (self.raster_side_px as f32 / scene.width.max(scene.height)).min(1.0);
        let side = |length: f32| (length * scale).round().max(1.0) as usize;
        Size { width_px: side(scene.width), height_px: side(scene.height) }
    }

    /// What the rates of `iteration` are multiplied with: 1, then a linear fall to a tenth where decay is on.
    pub fn rate_scale(&self, iteration: u32) -> f32 {
        if !self.rate_decay {
            return 1.0;
        }
        let progress = iteration as f32 / self.iterations.max(1) as f32;
        1.0 - 1.8 * (progress - 0.5).max(0.0)
    }
}

/// A palette a twentieth of lightness away weighs about as much as an encoder that sees half a likeness.
const PALETTE_WEIGHT: f32 = 200.0;
/// A tenth of the structure weighs as much as a palette that is 0.05 away.
const STRUCTURE_WEIGHT: f32 = 0.025;
/// Chosen among 0, 2, 8 and 20 on four pairs by an encoder that took no part: the mean cosine of outcome and reference is 0.837, 0.831,
/// 0.837, 0.841 with outlines where they were, and 0.837, 0.832, 0.844, 0.846 where they moved. Without texture outlines follow the
/// thing that the reference shows, and a rocket that is to look like a cat bends.
const TEXTURE_WEIGHT: f32 = 20.0;
/// How far the points of letters move at most in a step, in canvas pixels.
const LETTER_RATE_PX: f32 = 0.6;
/// Fewer iterations without gain than this mean nothing: each has other crops.
const LEAST_PATIENCE: u32 = 6;

/// How the bend that outlines begin with is searched.
fn outline_effort(quality: Quality, mode: Mode) -> Effort {
    let [first, rounds, children, crops] = match (quality, mode) {
        (Quality::Draft, _) => [32, 1, 12, 3],
        (Quality::Final, _) => [128, 8, 32, 8],
        (_, Mode::Full) => [96, 3, 18, 4],
        _ => [144, 5, 24, 5],
    };
    Effort { first, rounds, children, crops }
}
