//! The whole flow on one screen: picture -> shapes -> edited shapes -> picture.
//!
//! Input: a [`Plan`], what to start from and an encoder. Output: [`Finished`] scenes, and pictures of them at any
//! size. Determinism: as the stages. Cost: as the stages; drawing a finished scene needs no encoder.

use crate::ctx::Ctx;
use crate::encoder::Encoder;
use crate::image::Image;
use crate::optimize::{self, Edited, OptimizeError, Step};
use crate::raster::{self, Background, RasterError, Size};
use crate::scene::Scene;
use crate::vectorize::{self, VectorizeError};
use serde::{Deserialize, Serialize};

/// Settings of every stage that makes a scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// How a picture becomes shapes; unused where the start is a scene.
    pub vectorize: vectorize::Settings,
    /// How the shapes are edited; none: they are only traced.
    pub edit: Option<optimize::Settings>,
    /// Seed of every random choice.
    pub seed: u64,
}

/// What the flow starts from.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// A picture at working size: display-referred sRGB, straight alpha.
    Picture(Image),
    /// The same with a mask, a value from 0 to 1 for each pixel: only shapes mostly under it may change.
    Masked(Image, Vec<f32>),
    /// Shapes from an SVG or from letters.
    Scene(Scene),
}

/// The scenes of a finished job.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// The shapes before the edit.
    pub initial: Scene,
    /// The shapes after the edit, with its losses; the same shapes when nothing was edited.
    pub edited: Edited,
}

/// Why the flow ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The picture could not be traced.
    #[error(transparent)]
    Vectorize(#[from] VectorizeError),
    /// The shapes could not be edited.
    #[error(transparent)]
    Optimize(#[from] OptimizeError),
    /// The shapes could not be drawn.
    #[error(transparent)]
    Raster(#[from] RasterError),
    /// An edit was planned without an encoder.
    #[error("the plan has prompts but no encoder was loaded; name one with --encoder")]
    NoEncoder,
}

/// Turns `start` into finished scenes.
///
/// # Errors
/// [`PipelineError`] of the stage that failed; on cancellation nothing is kept.
pub fn run(
    plan: &Plan,
    start: &Start,
    encoder: Option<&Encoder>,
    ctx: &Ctx,
    watch: Option<&mut (dyn FnMut(&Step<'_>) + Send)>,
) -> Result<Finished, PipelineError> {
    let initial = match start {
        Start::Picture(picture) | Start::Masked(picture, _) => {
            vectorize::vectorize(picture, &plan.vectorize, plan.seed, ctx)?
        }
        Start::Scene(scene) => scene.clone(),
    };
    let mask = if let Start::Masked(_, mask) = start { Some(mask.as_slice()) } else { None };
    let edited = match (&plan.edit, encoder) {
        (None, _) => Edited::untouched(&initial),
        (Some(_), None) => return Err(PipelineError::NoEncoder),
        (Some(edit), Some(encoder)) => optimize::run(&initial, encoder, edit, mask, plan.seed, ctx, watch)?,
    };
    Ok(Finished { initial, edited })
}

/// Gives `picture` the alpha of `source`, and what the source has under full transparency: hosts that drop alpha show it.
fn keep_transparency(picture: &mut Image, source: &Image) {
    let [_, _, _, alpha] = &source.planes;
    if alpha.contains(&0.0) {
        for (plane, before) in picture.planes.iter_mut().zip(&source.planes) {
            for ((value, before), alpha) in plane.iter_mut().zip(before).zip(alpha) {
                *value = if *alpha == 0.0 { *before } else { *value };
            }
        }
    }
    let [_, _, _, own] = &mut picture.planes;
    own.clone_from_slice(alpha);
}

/// Draws the finished scene at `size`, with `detail` (0 to 1) of the source's fine detail over shapes that have not
/// moved; `source` has that size, in display-referred sRGB with straight alpha, and gives the result its alpha.
///
/// # Errors
/// [`RasterError`] for a scene that cannot be drawn.
pub fn draw(
    finished: &Finished,
    size: Size,
    source: Option<&Image>,
    detail: f32,
    ctx: &Ctx,
) -> Result<Image, RasterError> {
    let Some(source) = source else {
        return Ok(raster::render(&finished.edited.scene, size, Background::Transparent, ctx)?.into_straight());
    };
    let mut picture = raster::render(&finished.edited.scene, size, Background::Rgb([1.0; 3]), ctx)?;
    if detail > 0.0 {
        raster::detail::add(&mut picture, source, &finished.initial, &finished.edited.scene, detail, ctx)?;
    }
    keep_transparency(&mut picture, source);
    Ok(picture)
}
