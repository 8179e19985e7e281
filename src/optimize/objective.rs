//! The loss of an iteration and its pixel gradient: crops of every region, their features, their directions.
//!
//! Input: the current render. Output: loss and gradient with respect to its pixels. Formulas: CLIPVG, section 3.2
//! (region and patch terms of the direction loss). Outside `paper`, three things differ: windows come from a pool that
//! is drawn once, so that each is compared with *itself* in the first render at no cost an iteration; part of the loss
//! is the plain cosine with the prompt, which keeps the edit on the subject; windows are antialiased.
//! Determinism: windows are keyed by (seed, iteration), sums run in crop order. Cost: one encoder pass over the crops.

use super::legibility::Tone;
use super::{OptimizeError, Quality, Region, Settings};
use crate::ctx::Ctx;
use crate::encoder::crops::{self, Crops, Style, Window};
use crate::encoder::direction::{self, References, TextMean};
use crate::encoder::{Encoder, EncoderError};
use crate::image::Image;
use crate::image::rect::Rect;
use crate::raster::{self, Background, RasterError, Size};
use crate::rng::{Stage, Stream};
use crate::scene::Scene;

/// Iterations after which the pool of windows comes round again.
const POOL: u32 = 8;
/// Part of the loss that is the plain cosine with the prompt, outside `paper`.
const PLAIN_SHARE: f32 = 0.5;
