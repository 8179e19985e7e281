//! Optimisation: moves a scene's points and colours until the encoder agrees with the prompts (CLIPVG, section 3).
//!
//! ```text
//! Scene -> raster::forward -> crops -> Encoder -> direction loss
//!   ^                                                   |
//!   +-- parameters <- raster::backward <- pixel gradient
//! ```
//! Input: a scene, an encoder, regions with prompts. Output: the edited scene and its losses.
//! Invariants: topology, order and ids never change; paths outside the selection keep their bits.
//! Determinism: crops come from counter-based streams, sums have a fixed order, so the thread count does not matter.
//! Cost: an iteration is one raster pass and one encoder pass over all crops, forward and backward; the encoder
//! dominates.

mod adam;
mod coherence;
mod holding_gpu;
mod legibility;
mod objective;
mod on_gpu;
mod parameters;
mod parameters_gpu;
mod select;
mod settings;
mod stop;

pub use objective::{Judgement, Objective};
pub use settings::{Mode, Quality, Region, Settings};

use crate::ctx::{Cancelled, Ctx};
use crate::encoder::{Encoder, EncoderError};
use crate::gpu::{Backend, GpuError};
use crate::image::Image;
use crate::image::rect::Rect;
use crate::raster::{self, RasterError, Size, Tape};
use crate::scene::Scene;
use parameters::Parameters;

/// Why an optimisation ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum OptimizeError {
    /// The encoder refused a prompt or failed.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// The scene could not be drawn.
    #[error(transparent)]
    Raster(#[from] RasterError),
    /// No prompt was given.
    #[error("no prompt: say what the picture should become, for the whole picture or for a region")]
    NoPrompt,
    /// A region has no part inside the picture.
    #[error("region {rect} lies outside the picture of {width} x {height} pixels; give x,y,w,h inside it")]
    RegionOutside {
        /// The region in canvas pixels.
        rect: Rect,
        /// Canvas width.
        width: f32,
        /// Canvas height.
        height: f32,
    },
    /// No shape may change under the mask.
    #[error("no shape lies mostly under the mask; paint a larger one, or let it limit the effect only (maskLimits)")]
    NothingUnderMask,
    /// No shape may change.
    #[error("no shape lies mostly inside {rects}; choose a larger rectangle or more shapes (--max-paths, --rounds)")]
    NothingFree {
        /// The rectangles in canvas pixels.
        rects: String,
    },
    /// The user or the host cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The graphics card failed.
    #[error(transparent)]
    Gpu(#[from] GpuError),
}

impl OptimizeError {
    /// What the graphics card failed with, if it was that.
    pub fn gpu(&self) -> Option<&GpuError> {
        match self {
            Self::Gpu(error) | Self::Raster(RasterError::Gpu(error)) | Self::Encoder(EncoderError::Gpu(error)) => {
                Some(error)
            }
            _ => None,
        }
    }

    /// Whether the same work may succeed on a card that is opened anew.
    fn is_worth_a_retry(&self) -> bool {
        self.gpu().is_some_and(GpuError::is_worth_a_retry)
    }
}

/// What one iteration left behind, for a history and for progress.
#[derive(Debug)]
pub struct Step<'a> {
    /// Iteration, from 0; the scene is the one *before* its update.
    pub iteration: u32,
    /// Loss of this iteration's crops, weighted mean of 1 - cos over the regions: 0 to 2.
    pub loss: f32,
    /// The scene.
    pub scene: &'a Scene,
}

/// An edited scene.
#[derive(Clone, Debug, PartialEq)]
pub struct Edited {
    /// The scene after the last iteration.
    pub scene: Scene,
    /// How many iterations ran.
    pub iterations: u32,
    /// Mean loss of the first iterations.
    pub loss_first: f32,
    /// Mean loss of the last iterations.
    pub loss_last: f32,
}

impl Edited {
    /// A scene that was not edited.
    pub fn untouched(scene: &Scene) -> Self {
        Self { scene: scene.clone(), iterations: 0, loss_first: 0.0, loss_last: 0.0 }
    }
}

/// What the encoder sees where no shape is, as in the publication.
const PAPER_WHITE: [f32; 3] = [1.0; 3];

/// Optimises `initial` under `settings`, on the CPU or on a card; `watch` sees every step. `mask` has a value from 0 to 1 for each pixel of the
/// canvas: only shapes that lie mostly under it may change.
///
/// # Errors
/// [`OptimizeError`]; on cancellation nothing is kept.
pub fn run(
    initial: &Scene,
    encoder: &Encoder,
    settings: &Settings,
    mask: Option<&[f32]>,
    seed: u64,
    ctx: &Ctx,
    mut watch: Option<&mut (dyn FnMut(&Step<'_>) + Send)>,
) -> Result<Edited, OptimizeError> {
    if settings.regions.is_empty() {
        return Err(OptimizeError::NoPrompt);
    }
    let mut scene = initial.clone();
    let size = settings.raster_size(&scene);
    let mut free = free_paths(&scene, settings, size, ctx)?;
    if let Some(mask) = mask {
        let under = select::paths_under(&scene, mask, size, ctx)?;
        free.iter_mut().zip(under).for_each(|(free, under)| *free &= under);
        if !free.contains(&true) {
            return Err(OptimizeError::NothingUnderMask);
        }
    }
    let mut parameters = Parameters::new(&mut scene, settings, &free);
    let mut objective = Objective::new(&scene, encoder, settings, seed, size, ctx)?;
    let looped = Loop { settings, size, ctx };
    ctx.progress.stage("optimize", u64::from(settings.iterations));
    let losses = match &ctx.backend {
        Backend::Cpu => {
            let mut progressing = Progressing::new(&looped, watch.as_deref_mut());
            on_cpu(&mut scene, &mut objective, &mut parameters, &looped, &mut progressing)?;
            progressing.losses
        }
        Backend::Gpu(wanted) => wanted.run(OptimizeError::is_worth_a_retry, |gpu| {
            let mut progressing = Progressing::new(&looped, watch.as_deref_mut());
            let mut edited = scene.clone();
            on_gpu::run(gpu, &mut edited, &mut objective, &parameters, &looped, &mut progressing)?;
            scene = edited;
            Ok::<_, OptimizeError>(progressing.losses)
        })?,
    };
    if let Some(watch) = watch {
        watch(&Step { iteration: losses.len() as u32, loss: last_mean(&losses), scene: &scene });
    }
    Ok(Edited {
        iterations: losses.len() as u32,
        loss_first: mean(losses.get(..losses.len().min(AVERAGED)).unwrap_or_default()),
        loss_last: last_mean(&losses),
        scene,
    })
}

/// What an iteration needs to know.
struct Loop<'a> {
    settings: &'a Settings,
    size: Size,
    ctx: &'a Ctx,
}

/// Who hears of the iterations, and when they end.
struct Progressing<'a, 'w> {
    looped: &'a Loop<'a>,
    watch: Option<&'a mut (dyn FnMut(&Step<'_>) + Send + 'w)>,
    plateau: stop::Plateau,
    losses: Vec<f32>,
}

impl<'a, 'w> Progressing<'a, 'w> {
    fn new(looped: &'a Loop<'a>, watch: Option<&'a mut (dyn FnMut(&Step<'_>) + Send + 'w)>) -> Self {
        Self { looped, watch, plateau: stop::Plateau::new(looped.settings.patience), losses: Vec::new() }
    }

    /// Whether anybody wants to see the scenes.
    fn is_watched(&self) -> bool {
        self.watch.is_some()
    }

    fn see(&mut self, iteration: u32, loss: f32, scene: &Scene) {
        if let Some(watch) = &mut self.watch {
            watch(&Step { iteration, loss, scene });
        }
    }

    /// Takes the loss of a finished iteration; whether it was the last.
    fn is_done(&mut self, loss: f32, distance: f32) -> bool {
        self.losses.push(loss);
        self.looped.ctx.progress.advance(self.losses.len() as u64, &format!("loss {loss:.3}"));
        self.plateau.is_reached(distance)
    }
}

fn on_cpu(
    scene: &mut Scene,
    objective: &mut Objective<'_>,
    parameters: &mut Parameters,
    looped: &Loop<'_>,
    progressing: &mut Progressing<'_, '_>,
) -> Result<(), OptimizeError> {
    let Loop { settings, size, ctx } = *looped;
    let (mut image, mut tape) = (Image::filled(0, 0, PAPER_WHITE), Tape::default());
    for iteration in 0..settings.iterations {
        ctx.cancel.check()?;
        raster::forward_into(scene, size, PAPER_WHITE, parameters.trained(), (&mut image, &mut tape), ctx)?;
        let Judgement { loss, distance, gradient } = objective.judge(&image, iteration, ctx)?;
        progressing.see(iteration, loss, scene);
        ctx.cancel.check()?;
        let gradient = raster::backward(scene, &tape, gradient.each_ref().map(Vec::as_slice), ctx)?;
        parameters.step(scene, gradient, settings.rate_scale(iteration));
        if progressing.is_done(loss, distance) {
            break;
        }
    }
    Ok(())
}

/// Losses of single iterations depend on their crops; reports average this many.
const AVERAGED: usize = 5;

fn mean(losses: &[f32]) -> f32 {
    losses.iter().sum::<f32>() / losses.len().max(1) as f32
}

fn last_mean(losses: &[f32]) -> f32 {
    mean(losses.get(losses.len().saturating_sub(AVERAGED)..).unwrap_or_default())
}

/// Which paths may change: those inside `only`; else, where every prompt belongs to a rectangle, those inside any of
/// them, so that the rest of the picture is left alone; else all.
fn free_paths(scene: &Scene, settings: &Settings, size: Size, ctx: &Ctx) -> Result<Vec<bool>, OptimizeError> {
    let regions = settings.regions.iter().map(|region| region.rect_in_canvas).collect::<Option<Vec<_>>>();
    let rects = match (settings.only_in_canvas.as_slice(), regions) {
        ([], None) => return Ok(vec![true; scene.paths.len()]),
        ([], Some(regions)) => regions,
        (only, _) => only.to_vec(),
    };
    for &rect in &rects {
        if rect.clipped(scene.width, scene.height).is_none() {
            return Err(OptimizeError::RegionOutside { rect, width: scene.width, height: scene.height });
        }
    }
    let free = select::paths_inside(scene, &rects, size, ctx)?;
    let is_whole = |path: usize| !rects.iter().any(|&rect| select::is_cut_by(scene, path, rect));
    let whole = free.iter().enumerate().map(|(path, free)| *free && is_whole(path)).collect::<Vec<_>>();
    if whole.contains(&true) {
        return Ok(whole);
    }
    if free.contains(&true) {
        return Ok(free);
    }
    let rects = rects.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    Err(OptimizeError::NothingFree { rects })
}
