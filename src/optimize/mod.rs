//! Optimisation: moves a scene's points and colours until the encoder agrees with the prompts.
//!
//! ```text
//! search (looks, bends) -> start
//!                            |
//! Scene -> raster::forward -> crops -> Encoder -> loss
//!   ^                                               |
//!   +-- parameters <- raster::backward <- pixel gradient
//! ```
//! The publication (CLIPVG, section 3) is the loop alone, with a step of its own for every number: `paper`. Elsewhere points
//! move with the plane ([`warp`]), colours from coarse to fine ([`colors`]), and both begin where a search without gradients
//! found the encoder's agreement ([`search`]).
//!
//! Input: a scene, an encoder, regions with prompts. Output: the edited scene, its grades and its losses.
//! Invariants: topology, order and ids never change; paths outside the selection keep their bits.
//! Determinism: crops come from counter-based streams, sums have a fixed order, so the thread count does not matter.
//! Cost: a glance of a search is a forward pass over a few crops; an iteration is one raster pass and one encoder pass over all
//! crops, forward and backward; the encoder dominates.

mod colors;
mod holding_gpu;
mod layers;
mod legibility;
mod letters;
mod objective;
mod on_gpu;
mod parameters;
mod search;
mod select;
mod settings;
mod start;
mod stop;
mod structure;
mod warp;

pub use layers::Layer;
pub use objective::{Judgement, Judging, Objective};
pub use settings::{Likeness, Mode, Quality, Region, Settings};

/// Counts changes of what the same settings make of the same shapes: those of the rasterizer, of crops, of the encoder's arithmetic
/// and of grades among them.
pub const VERSION: u32 = 7;

use crate::ctx::{Cancelled, Ctx};
use crate::encoder::{Encoder, EncoderError};
use crate::fault::Fault;
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
    /// A likeness is asked for, but of nothing.
    #[error("no reference: connect a picture to Reference, or name a file (--reference, referenceFile)")]
    NoReference,
    /// The reference has no colours.
    #[error("nothing is seen of the reference: it is transparent everywhere; choose another picture or frame")]
    ReferenceUnseen,
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
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Encoder(error) => error.fault(),
            Self::Raster(error) => error.fault(),
            Self::Gpu(error) => error.fault(),
            Self::Cancelled(error) => error.fault(),
            Self::NoPrompt | Self::NoReference | Self::RegionOutside { .. } => Fault::Usage,
            Self::NothingUnderMask | Self::NothingFree { .. } | Self::ReferenceUnseen => Fault::Work,
        }
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

/// A prompt whose clarity is below this was hardly followed.
const UNCLEAR: f32 = 0.6;

/// An edited scene.
#[derive(Clone, Debug, PartialEq)]
pub struct Edited {
    /// The scene that was edited, with the points of the result: outlines may have been cut finer.
    pub initial: Scene,
    /// The scene after the last iteration.
    pub scene: Scene,
    /// The grade of each region, in the order of the settings; none where colours have no grade.
    pub layers: Vec<Layer>,
    /// What each fill adds to the grades of its own, `OKLab`; none where colours have no grade.
    pub rest: Vec<[f32; 3]>,
    /// How well the encoder tells each prompt from any photograph, 0 to 1; below 1 little was changed.
    pub clarities: Vec<f32>,
    /// How pictures were compared with prompts; none: they were not.
    pub judging: Option<Judging>,
    /// How many iterations ran, besides the search.
    pub iterations: u32,
    /// Loss of the picture before the search; without one the mean of the first iterations.
    pub loss_first: f32,
    /// Mean loss of the last iterations.
    pub loss_last: f32,
}

/// What an edit works on.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The shapes.
    pub scene: &'a Scene,
    /// A value from 0 to 1 for each pixel of the canvas: only shapes that lie mostly under it may change; none: all.
    pub mask: Option<&'a [f32]>,
    /// The picture whose likeness is asked for: display-referred sRGB, straight alpha, of any size.
    pub reference: Option<&'a Image>,
}

impl<'a> Inputs<'a> {
    /// Shapes alone.
    pub fn of_scene(scene: &'a Scene) -> Self {
        Self { scene, mask: None, reference: None }
    }
}

/// What is said of an edit that [`Edited::is_unclear`].
pub const UNCLEAR_PROMPT: &str =
    "the encoder hardly tells this prompt from any photo, so little was changed; say it in other words";

impl Edited {
    /// Whether the encoder hardly tells a prompt from any photograph, so that little was changed.
    pub fn is_unclear(&self) -> bool {
        self.clarities.iter().any(|clarity| *clarity < UNCLEAR)
    }

    /// A scene that was not edited.
    pub fn untouched(scene: &Scene) -> Self {
        Self {
            initial: scene.clone(),
            scene: scene.clone(),
            layers: Vec::new(),
            rest: Vec::new(),
            clarities: Vec::new(),
            judging: None,
            iterations: 0,
            loss_first: 0.0,
            loss_last: 0.0,
        }
    }
}

/// What the encoder sees where no shape is, as in the publication.
const PAPER_WHITE: [f32; 3] = [1.0; 3];

/// Optimises the shapes of `inputs` under `settings`, on the CPU or on a card; `watch` sees every step.
///
/// # Errors
/// [`OptimizeError`]; on cancellation nothing is kept.
pub fn run(
    inputs: Inputs<'_>,
    encoder: &Encoder,
    settings: &Settings,
    seed: u64,
    ctx: &Ctx,
    mut watch: Option<&mut (dyn FnMut(&Step<'_>) + Send)>,
) -> Result<Edited, OptimizeError> {
    if settings.regions.is_empty() {
        return Err(OptimizeError::NoPrompt);
    }
    ctx.progress.stage("search", start::glances(settings));
    let mut prepared = start::prepare(inputs, encoder, settings, seed, ctx)?;
    let initial = prepared.scene.clone();
    let unedited = start::search(&mut prepared, settings, seed, ctx)?;
    let start::Prepared { mut scene, mut objective, mut parameters, size, .. } = prepared;
    let looped = Loop { settings, size, ctx };
    ctx.progress.stage("optimize", u64::from(settings.iterations));
    let losses = match &ctx.backend {
        Backend::Cpu => {
            let mut progressing = Progressing::new(&looped, watch.as_deref_mut());
            on_cpu(&mut scene, &mut objective, &mut parameters, &looped, &mut progressing)?;
            progressing.losses
        }
        Backend::Gpu(wanted) => {
            let (first, fresh) = (scene.clone(), parameters.clone());
            wanted.run(
                |error: &OptimizeError| error.fault().is_worth_a_retry(),
                |gpu| {
                    let mut progressing = Progressing::new(&looped, watch.as_deref_mut());
                    (scene, parameters) = (first.clone(), fresh.clone());
                    on_gpu::run(gpu, &mut scene, &mut objective, &mut parameters, &looped, &mut progressing)?;
                    Ok::<_, OptimizeError>(progressing.losses)
                },
            )?
        }
    };
    if let Some(watch) = watch {
        watch(&Step { iteration: losses.len() as u32, loss: last_mean(&losses), scene: &scene });
    }
    let (layers, rest) = parameters.into_grades();
    Ok(Edited {
        initial,
        layers,
        rest,
        clarities: objective.clarities(),
        judging: Some(Judging::of(encoder, settings)),
        iterations: losses.len() as u32,
        loss_first: unedited.unwrap_or_else(|| mean(losses.get(..losses.len().min(AVERAGED)).unwrap_or_default())),
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

    fn see(&mut self, iteration: u32, loss: f32, scene: &Scene) {
        if let Some(watch) = &mut self.watch {
            watch(&Step { iteration, loss, scene });
        }
    }

    /// Takes the loss of a finished iteration; whether it was the last.
    fn is_done(&mut self, loss: f32, distance: f32) -> bool {
        self.losses.push(loss);
        self.looped.ctx.progress.advance(self.losses.len() as u64, &format!("loss {loss:.3}"));
        // Coarse steps come before fine ones: until they are done, no progress is no reason to stop.
        let is_coarse = 2 * self.losses.len() < self.looped.settings.iterations as usize;
        self.plateau.is_reached(distance) && !is_coarse
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
        parameters.step(scene, gradient, settings, iteration);
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
