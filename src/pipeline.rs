//! The whole flow on one screen: picture -> shapes -> edited shapes -> picture.
//!
//! Input: a [`Plan`], what to start from and an encoder. Output: an [`Edited`] scene, and pictures of it at any
//! size. Determinism: as the stages. Cost: as the stages; drawing a finished scene needs no encoder.

pub use crate::finish::draw;

use crate::ctx::Ctx;
use crate::encoder::Encoder;
use crate::fault::Fault;
use crate::image::Image;
use crate::optimize::{self, Edited, OptimizeError, Step};
use crate::raster::RasterError;
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

impl PipelineError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Vectorize(error) => error.fault(),
            Self::Optimize(error) => error.fault(),
            Self::Raster(error) => error.fault(),
            Self::NoEncoder => Fault::Usage,
        }
    }
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
) -> Result<Edited, PipelineError> {
    let initial = match start {
        Start::Picture(picture) | Start::Masked(picture, _) => {
            vectorize::vectorize(picture, &plan.vectorize, plan.seed, ctx)?
        }
        Start::Scene(scene) => scene.clone(),
    };
    let mask = if let Start::Masked(_, mask) = start { Some(mask.as_slice()) } else { None };
    match (&plan.edit, encoder) {
        (None, _) => Ok(Edited::untouched(&initial)),
        (Some(_), None) => Err(PipelineError::NoEncoder),
        (Some(edit), Some(encoder)) => Ok(optimize::run(&initial, encoder, edit, mask, plan.seed, ctx, watch)?),
    }
}
