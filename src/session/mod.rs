//! The one road from what is asked for to what is seen.
//!
//! ```text
//! Request -> prepare -> Prepared -> find (cache) | make -> Done -> draw -> Image
//! ```
//! The command line, the OpenFX host, benches and tests translate their world into a [`Request`] and the answer back.
//!
//! Input: a node with its values at one time, a material. Output: a finished job and its picture. Invariants: the same request
//! gives the same job whoever asks, so all find each other's scenes; finding and drawing take no turn and load no encoder, so a
//! hit never waits for another's edit. Determinism: as [`job`]. Cost: as the job; a hit is a read and a drawing.

pub mod material;
mod turn;

use crate::cache::Cache;
use crate::ctx::{Cancelled, Ctx};
use crate::fault::Fault;
use crate::finish::Finish;
use crate::gpu::Backend;
use crate::image::Image;
use crate::job::{self, Done, Job, ScoreError};
use crate::models::{self, Choice, LoadError, SearchPath};
use crate::nodes::param::{ParamError, Value, Values};
use crate::nodes::{self, Asked, Node, shared};
use crate::optimize::Step;
use crate::pipeline::{self, PipelineError, Start};
use crate::raster::RasterError;
use crate::schedule::Prompt;
pub use material::Material;

/// What every request of a process has in common.
#[derive(Clone, Debug)]
pub struct Session {
    /// Where finished scenes lie.
    pub cache: Cache,
    /// Where encoders are looked for.
    pub search: SearchPath,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Which node.
    pub node: &'a Node,
    /// Its parameters at the time of the frame.
    pub values: &'a Values,
    /// The prompt of the whole picture at that time; empty: only regions have one.
    pub prompt: &'a Prompt,
    /// What it works on.
    pub material: &'a Material,
    /// How far each pixel of a picture lies under a mask, where the mask limits what may change.
    pub mask: Option<&'a [f32]>,
}

/// A request that was thought through: everything is known but the result.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What is to be done.
    pub job: Job,
    /// What it starts from.
    pub start: Start,
    /// Sizes of the source and of the canvas.
    pub sizes: nodes::Sizes,
    /// The encoder that judges, found and not yet loaded.
    pub encoder: Option<Choice>,
    finish: Finish,
}

/// Why a request was not fulfilled.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// A value does not fit its parameter.
    #[error(transparent)]
    Param(#[from] ParamError),
    /// No encoder.
    #[error(transparent)]
    Encoder(#[from] LoadError),
    /// The work failed.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The result cannot be drawn.
    #[error(transparent)]
    Raster(#[from] RasterError),
    /// The result cannot be judged.
    #[error(transparent)]
    Score(#[from] ScoreError),
    /// The user or the host stopped it.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl SessionError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Param(error) => error.fault(),
            Self::Encoder(error) => error.fault(),
            Self::Pipeline(error) => error.fault(),
            Self::Raster(error) => error.fault(),
            Self::Score(error) => error.fault(),
            Self::Cancelled(error) => error.fault(),
        }
    }
}

/// Told of every iteration.
pub type Watch<'a> = Option<&'a mut (dyn FnMut(&Step<'_>) + Send)>;

impl Session {
    /// Scales the material to the working size and writes the job down.
    ///
    /// # Errors
    /// [`SessionError::Encoder`] for an encoder that is not there.
    pub fn prepare(&self, request: &Request<'_>, ctx: &Ctx) -> Result<Prepared, SessionError> {
        let Request { node, values, prompt, material, mask } = *request;
        let (start, sizes) = ctx.install(|| material.start(values.get(&shared::WORKING_SIZE) as usize, mask, ctx));
        let encoder =
            node.edits.then(|| models::choose(values.get(&shared::ENCODER), &self.search, &ctx.cancel)).transpose()?;
        let plan = (node.plan)(values, &Asked { sizes, prompt });
        let job = Job::new(node.id, plan, &start, encoder.as_ref().map_or("", Choice::hash), ctx);
        Ok(Prepared { job, start, sizes, encoder, finish: (node.finish)(values) })
    }

    /// The result, where it was made before. Takes no turn and loads no encoder.
    pub fn find(&self, prepared: &Prepared) -> Option<Done> {
        job::find(&prepared.job, &self.cache)
    }

    /// Makes the result and keeps it. One edit runs at a time and uses every core; others wait their turn here.
    ///
    /// # Errors
    /// [`SessionError`] of the stage that failed.
    pub fn make(&self, prepared: &Prepared, ctx: &Ctx, watch: Watch<'_>) -> Result<Done, SessionError> {
        let _turn = turn::take(&ctx.cancel)?;
        let encoder = prepared.encoder.as_ref().map(Choice::encoder).transpose()?;
        Ok(job::make(&prepared.job, &prepared.start, encoder.as_deref(), &self.cache, ctx, watch)?)
    }

    /// The result of `request`, found or made; where it is not there yet and a draft is enough, that of a draft.
    ///
    /// # Errors
    /// [`SessionError`] of the stage that failed.
    pub fn fulfil(
        &self,
        request: &Request<'_>,
        may_be_draft: bool,
        ctx: &Ctx,
        watch: Watch<'_>,
    ) -> Result<(Prepared, Done), SessionError> {
        let mut prepared = self.prepare(request, ctx)?;
        let mut found = self.find(&prepared);
        if found.is_none() && may_be_draft && request.node.edits {
            let mut values = request.values.clone();
            values.set(&shared::QUALITY, Value::Text(nodes::DRAFT.to_owned()))?;
            // The start and the encoder are the same, and so is all of the job but its plan.
            let asked = Asked { sizes: prepared.sizes, prompt: request.prompt };
            prepared.job.plan = (request.node.plan)(&values, &asked);
            found = self.find(&prepared);
        }
        let done = match found {
            Some(done) => done,
            None => self.make(&prepared, ctx, watch)?,
        };
        Ok((prepared, done))
    }

    /// Measures how well the result agrees with its prompts, where nobody has measured it as it is shown now, and keeps that.
    ///
    /// # Errors
    /// [`SessionError`] for an encoder that cannot be loaded or fails.
    pub fn score(&self, prepared: &Prepared, done: &mut Done, ctx: &Ctx) -> Result<(), SessionError> {
        let (Some(encoder), finish) = (&prepared.encoder, prepared.finish) else { return Ok(()) };
        let is_shown = |scores: &job::Scores| (scores.detail, scores.strength) == (finish.detail, finish.strength);
        if done.scores.as_ref().is_some_and(is_shown) {
            return Ok(());
        }
        ctx.progress.stage("score", 0);
        let scores = job::score(&prepared.job, &prepared.start, &done.edited, &*encoder.encoder()?, finish, ctx)?;
        done.scores = Some(scores);
        job::keep(&prepared.job, done, &self.cache);
        Ok(())
    }
}

impl Prepared {
    /// Draws a result in the material's own size: display-referred sRGB, straight alpha.
    ///
    /// # Errors
    /// [`SessionError::Raster`] for a scene that cannot be drawn.
    pub fn draw(&self, material: &Material, done: &Done, ctx: &Ctx) -> Result<Image, SessionError> {
        let drawn =
            ctx.install(|| pipeline::draw(&done.edited, material.size(), material.source(), self.finish, ctx))?;
        ctx.cancel.check()?;
        Ok(drawn)
    }
}

/// Runs `work`, and once more on the CPU where a card fails it and any backend will do.
///
/// # Errors
/// What `work` fails with.
pub fn with_fallback<R, E: std::fmt::Display>(
    ctx: &Ctx,
    any_backend: bool,
    fault: impl Fn(&E) -> Fault,
    work: impl Fn(&Ctx) -> Result<R, E>,
) -> Result<R, E> {
    match work(ctx) {
        Err(error) if any_backend && is_of_card(fault(&error), ctx) => {
            tracing::warn!("{error}; drawing on the CPU instead");
            let mut on_cpu = ctx.clone();
            on_cpu.backend = Backend::Cpu;
            work(&on_cpu)
        }
        result => result,
    }
}

fn is_of_card(fault: Fault, ctx: &Ctx) -> bool {
    matches!((fault, &ctx.backend), (Fault::Device { .. }, Backend::Gpu(_)))
}
