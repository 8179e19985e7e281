//! Before and after in figures: how well a job's pictures agree with its prompts.
//!
//! Input: a finished job. Output: [`Scores`]. Invariants: measured at working size, so that the figures do not depend on
//! the size of what is drawn; they travel with the cached scene, so that a second render needs no encoder.
//! Determinism: as the encoder. Cost: two crops and 79 texts a prompt.

use super::Job;
use crate::ctx::Ctx;
use crate::encoder::{Encoder, EncoderError, direction, similarity};
use crate::fault::Fault;
use crate::finish::Finish;
use crate::image::Image;
use crate::image::rect::Rect;
use crate::optimize::Edited;
use crate::pipeline::{self, Start};
use crate::raster::{self, Background, RasterError, Size};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Cosines of the pictures before and after with the prompts, -1 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Share of the source's fine detail in the picture after, 0 to 1.
    pub detail: f32,
    /// How far along its way the edit was shown, 0 to 1.
    pub strength: f32,
    /// Of the whole pictures; none without a prompt for the whole picture.
    pub whole: Option<[f32; 2]>,
    /// Of each region with a rectangle, in the plan's order.
    pub regions: Vec<[f32; 2]>,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// The pictures could not be judged.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// The shapes could not be drawn.
    #[error(transparent)]
    Raster(#[from] RasterError),
}

impl ScoreError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Encoder(error) => error.fault(),
            Self::Raster(error) => error.fault(),
        }
    }
}

/// Measures `edited`, the result of `job` on `start`, as `finish` shows it.
///
/// # Errors
/// [`ScoreError`]; on cancellation too.
pub fn score(
    job: &Job,
    start: &Start,
    edited: &Edited,
    encoder: &Encoder,
    finish: Finish,
    ctx: &Ctx,
) -> Result<Scores, ScoreError> {
    ctx.install(|| {
        let canvas = &edited.initial;
        let size = Size { width_px: canvas.width.ceil() as usize, height_px: canvas.height.ceil() as usize };
        let before = match start {
            Start::Picture(picture) | Start::Masked(picture, _) => Cow::Borrowed(picture),
            Start::Scene(scene) => Cow::Owned(raster::render(scene, size, Background::Rgb([1.0; 3]), ctx)?),
        };
        let source = (!matches!(start, Start::Scene(_))).then_some(before.as_ref());
        let after = pipeline::draw(edited, size, source, finish, ctx)?;
        let cosines = |prompt: &str, rect: Option<Rect>| -> Result<[f32; 2], ScoreError> {
            let text = similarity::text_feature(encoder, prompt, ctx)?;
            let cosine = |picture: &Image| -> Result<f32, ScoreError> {
                Ok(direction::cosine(&similarity::picture_feature(encoder, picture, rect, ctx)?, &text))
            };
            Ok([cosine(&before)?, cosine(&after)?])
        };
        let mut scores = Scores { detail: finish.detail, strength: finish.strength, whole: None, regions: Vec::new() };
        for region in job.plan.edit.iter().flat_map(|edit| &edit.regions) {
            match region.rect_in_canvas {
                Some(rect) => scores.regions.push(cosines(&region.prompt.text, Some(rect))?),
                None if scores.whole.is_none() => scores.whole = Some(cosines(&region.prompt.text, None)?),
                None => {}
            }
        }
        Ok(scores)
    })
}
