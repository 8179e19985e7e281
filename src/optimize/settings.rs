//! Settings of an edit, resolved: no defaults left open, canvas pixels only.
//!
//! Input: a quality and a mode. Output: plain numbers that are part of the job's canonical form.

use crate::image::rect::Rect;
use crate::raster::Size;
use crate::scene::Scene;
use crate::schedule::Toward;
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
    /// A first look in seconds.
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
    /// Target sentence.
    pub prompt: String,
    /// The sentence that it passes over to, and how far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toward: Option<Toward>,
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
        Self { prompt: prompt.trim().to_owned(), toward: None, rect_in_canvas, weight: 1.0, patches: None }
    }
}

/// Everything that decides an edit besides picture, encoder and seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What may change.
    pub mode: Mode,
    /// Which crops and directions are drawn.
    pub quality: Quality,
    /// Prompts and where they count; at least one.
    pub regions: Vec<Region>,
    /// Only shapes mostly inside any of these may change; none: all.
    pub only_in_canvas: Vec<Rect>,
    /// Most optimiser steps.
    pub iterations: u32,
    /// Crops of each region an iteration, besides the whole region.
    pub patches: u32,
    /// Adam's rate for points, in canvas pixels.
    pub rate_shape_px: f32,
    /// Adam's rate for colours.
    pub rate_color: f32,
    /// Rates fall to a tenth over the last half of the iterations.
    pub rate_decay: bool,
    /// How far parameters that matter less than average are held back: 0 is plain Adam.
    pub gradient_floor: f32,
    /// Weight of the coherence term; 0: none.
    pub coherence: f32,
    /// Whether the steps of neighbouring points are averaged, so that outlines stay smooth.
    pub smooth_steps: bool,
    /// Whether opacities move with colours.
    pub train_opacity: bool,
    /// Whether shapes of one palette colour move together.
    pub share_palette: bool,
    /// Whether almost black and almost white shapes are frozen.
    pub keep_black_white: bool,
    /// Weight of the tone term that keeps letters readable; 0: none.
    pub legibility: f32,
    /// Long side in pixels of the picture the encoder's crops are cut from; the canvas is never enlarged.
    pub raster_side_px: u32,
    /// Iterations without gain before stopping; 0: never.
    pub patience: u32,
}

impl Settings {
    /// The settings of a quality and a mode; regions are still empty.
    pub fn of(quality: Quality, mode: Mode) -> Self {
        let paper = quality == Quality::Paper;
        let (iterations, patches, raster_side_px, speed) = match quality {
            Quality::Draft => (24, 5, 256, 4.0),
            Quality::Normal => (100, 11, 512, 2.0),
            Quality::Final => (200, 19, 512, 1.5),
            Quality::Paper => (150, 64, u32::MAX, 1.0),
        };
        // The publication doubles the rate of whatever is trained alone.
        let (shape, color) = match mode {
            Mode::Full => (0.2, 0.01),
            Mode::Color => (0.0, 0.02),
            Mode::Shape => (0.4, 0.0),
        };
        Self {
            mode,
            quality,
            regions: Vec::new(),
            only_in_canvas: Vec::new(),
            iterations,
            patches,
            rate_shape_px: shape * speed,
            rate_color: color * speed,
            rate_decay: !paper,
            gradient_floor: if paper { 0.0 } else { 1.0 },
            coherence: if paper { 0.0 } else { 80.0 },
            smooth_steps: !paper,
            train_opacity: paper,
            share_palette: paper,
            keep_black_white: false,
            legibility: 0.0,
            raster_side_px,
            patience: if paper { 0 } else { iterations / 3 },
        }
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
