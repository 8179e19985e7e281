//! Before and after in figures: how well an edit's pictures agree with its prompts, or with its reference.
//!
//! Input: an edit, what it started from, what is to be judged. Output: [`Scores`]. Invariants: measured at working size, so that the
//! figures do not depend on the size of what is drawn. Determinism: as the encoder. Cost: two crops and 79 texts a prompt.

use super::{Finish, draw};
use crate::ctx::Ctx;
use crate::encoder::{Encoder, EncoderError, direction, similarity};
use crate::fault::Fault;
use crate::image::Image;
use crate::image::rect::Rect;
use crate::optimize::{Edited, Settings};
use crate::raster::{self, Background, RasterError, Size};
use crate::scene::Scene;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Counts changes of what the same pictures score.
pub const VERSION: u32 = 1;

/// What is judged: an edit as it is shown, by its prompts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// How the edit is shown.
    pub finish: Finish,
    /// Each prompt and its rectangle on the canvas; none: the whole picture. An empty one stands for the reference.
    pub prompts: Vec<(String, Option<Rect>)>,
}

impl Judged {
    /// The prompts of an edit that is shown as `finish` says.
    pub fn of(edit: &Settings, finish: Finish) -> Self {
        let prompts = edit.regions.iter().map(|region| (region.prompt.text.clone(), region.rect_in_canvas));
        // A word is judged as the encoder sees it: black on white, however it is shown.
        Self { finish: Finish { letters: None, ..finish }, prompts: prompts.collect() }
    }
}

/// Cosines of the pictures before and after with the prompts, or with the reference, -1 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
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

/// What an edit started from.
#[derive(Clone, Copy, Debug)]
pub enum Before<'a> {
    /// A picture at working size.
    Picture(&'a Image),
    /// Shapes.
    Scene(&'a Scene),
}

/// Measures `edited`, which started from `before` and was to come near to `reference` where one was given, as `judged` says.
///
/// # Errors
/// [`ScoreError`]; on cancellation too.
pub fn measure(
    judged: &Judged,
    before: Before<'_>,
    reference: Option<&Image>,
    edited: &Edited,
    encoder: &Encoder,
    ctx: &Ctx,
) -> Result<Scores, ScoreError> {
    ctx.progress.stage("score", 0);
    let canvas = &edited.initial;
    let size = Size { width_px: canvas.width.ceil() as usize, height_px: canvas.height.ceil() as usize };
    let (before, source) = match before {
        Before::Picture(picture) => (Cow::Borrowed(picture), Some(picture)),
        Before::Scene(scene) => (Cow::Owned(raster::render(scene, size, Background::Rgb([1.0; 3]), ctx)?), None),
    };
    let after = draw(edited, size, source, judged.finish, ctx)?;
    let cosines = |prompt: &str, rect: Option<Rect>| -> Result<[f32; 2], ScoreError> {
        let wanted = match reference.filter(|_| prompt.is_empty()) {
            Some(reference) => similarity::picture_feature(encoder, reference, None, ctx)?,
            None => similarity::text_feature(encoder, prompt, ctx)?,
        };
        let cosine = |picture: &Image| -> Result<f32, ScoreError> {
            Ok(direction::cosine(&similarity::picture_feature(encoder, picture, rect, ctx)?, &wanted))
        };
        Ok([cosine(&before)?, cosine(&after)?])
    };
    let mut scores = Scores { whole: None, regions: Vec::new() };
    for (prompt, rect) in &judged.prompts {
        match rect {
            Some(rect) => scores.regions.push(cosines(prompt, Some(*rect))?),
            None if scores.whole.is_none() => scores.whole = Some(cosines(prompt, None)?),
            None => {}
        }
    }
    Ok(scores)
}
