//! One frame's work for an instance: what a render and the buttons have in common.
//!
//! Input: an instance and a time. Output: the source, what the parameters ask for, and the finished job. Invariants: the
//! job is the one that the command line would run for the same pixels and parameters, so both give the same bits and
//! find each other's scenes in the cache. The host is called from its own thread alone: the work itself runs on another
//! one while this one asks for abort. Determinism: as [`job`]. Cost: as the job.

use super::clips::{self, ClipError, HostImage};
use super::params::Reader;
use super::prompts;
use super::props::Props;
use super::session;
use super::suites::Suites;
use super::sys::*;
use crate::cache::CacheError;
use crate::ctx::{Cancelled, Ctx, ThreadError};
use crate::image::{ColorSpace, Image, resample};
use crate::job::{self, Done, Job};
use crate::models::{self, Choice, LoadError, ModelError};
use crate::nodes::param::{ParamError, Value, Values};
use crate::nodes::{self, Node, Sizes, hosted, shared};
use crate::pipeline::{PipelineError, Start};
use crate::raster::RasterError;
use crate::schedule::{ScheduleError, Toward};
use std::ffi::CStr;
use std::time::Duration;

/// The mask input.
pub(super) const MASK: &CStr = c"Mask";
/// How often the host is asked whether to stop.
const POLL: Duration = Duration::from_millis(20);

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub(super) enum TaskError {
    /// There is nothing to work on.
    #[error("connect a picture to the Source input")]
    NoSource,
    /// The host gives nowhere to write to.
    #[error("the host gives no Output picture; this is a fault of the host")]
    NoOutput,
    /// A picture cannot be understood.
    #[error(transparent)]
    Clip(#[from] ClipError),
    /// A parameter does not parse.
    #[error(transparent)]
    Param(#[from] ParamError),
    /// The prompt schedule does not parse.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// No threads.
    #[error(transparent)]
    Threads(#[from] ThreadError),
    /// No encoder.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// No encoder that works.
    #[error(transparent)]
    Encoder(#[from] LoadError),
    /// The work failed.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The scene cannot be drawn.
    #[error(transparent)]
    Raster(#[from] RasterError),
    /// The SVG cannot be written.
    #[error("cannot write {path} ({reason}); give another file under SVG File")]
    Write {
        /// The file.
        path: String,
        /// The system's answer.
        reason: String,
    },
    /// The cache cannot be emptied.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The host asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// One instance at one time.
pub(super) struct Task<'a> {
    node: &'a Node,
    effect: OfxImageEffectHandle,
    suites: Suites,
    time: OfxTime,
    scale: [f64; 2],
}

/// What the host hands over for a frame.
pub(super) struct Inputs {
    /// The picture to work on.
    pub source: HostImage,
    /// What its numbers mean.
    pub space: ColorSpace,
    /// What the parameters ask for.
    pub wanted: Wanted,
    /// The parameters that only hosts show.
    pub finish: Values,
}

/// What the parameters ask for.
pub(super) struct Wanted {
    /// The node's own parameters, with the prompt of this time.
    pub values: Values,
    toward: Option<Toward>,
}

/// A finished job.
pub(super) struct Work {
    /// What was done.
    pub job: Job,
    /// Its scenes.
    pub done: Done,
}

impl Inputs {
    /// The source in display-referred sRGB with straight alpha.
    ///
    /// # Errors
    /// [`ClipError::Picture`] for pixels that are not numbers.
    pub(super) fn picture(&self, ctx: &Ctx) -> Result<Image, ClipError> {
        Ok(ctx.install(|| self.source.read(self.space))?.into_straight().into_space(ColorSpace::Srgb))
    }
}

impl<'a> Task<'a> {
    /// The task that `arguments` of an action name.
    pub(super) fn new(node: &'a Node, effect: OfxImageEffectHandle, arguments: &Props, suites: Suites) -> Self {
        let positive = |scale: Option<f64>| scale.filter(|scale| scale.is_finite() && *scale > 0.0).unwrap_or(1.0);
        let scale = [0, 1].map(|axis| positive(arguments.double(kOfxImageEffectPropRenderScale, axis)));
        Self { node, effect, suites, time: arguments.double(kOfxPropTime, 0).unwrap_or(0.0), scale }
    }

    /// The time in frames.
    pub(super) fn time(&self) -> f64 {
        self.time
    }

    /// The picture of a clip; none where it is not connected.
    ///
    /// # Errors
    /// [`ClipError`] where it cannot be understood.
    pub(super) fn image(&self, clip: &CStr, name: &'static str) -> Result<Option<HostImage>, ClipError> {
        let Some(clip) = clips::clip(self.effect, clip, self.suites) else { return Ok(None) };
        clips::image(clip, name, self.time, self.scale, self.suites)
    }

    /// Source and parameters.
    ///
    /// # Errors
    /// [`TaskError`] for a missing source or a parameter that does not parse.
    pub(super) fn inputs(&self) -> Result<Inputs, TaskError> {
        let source = self.image(kOfxImageEffectSimpleSourceClipName, "Source")?.ok_or(TaskError::NoSource)?;
        let reader = self.reader();
        let mut values = reader.values(self.node.params, &source.frame)?;
        let mut toward = None;
        if self.node.edits() {
            let keyed = reader.values(hosted::PROMPTS, &source.frame)?;
            let blend = prompts::effective(&reader, values.text(shared::PROMPT.id), &keyed)?;
            values.set(&shared::PROMPT, Value::Text(blend.prompt))?;
            toward = blend.toward;
        }
        let finish = reader.values(hosted::PARAMS, &source.frame)?;
        let space = match finish.text(hosted::INPUT_COLOR_SPACE.id) {
            "linear" => ColorSpace::Linear,
            "srgb" => ColorSpace::Srgb,
            _ => source.depth.usual_space(),
        };
        Ok(Inputs { source, space, wanted: Wanted { values, toward }, finish })
    }

    /// Reads parameters at the task's time.
    pub(super) fn reader(&self) -> Reader {
        Reader { set: super::param_set(self.effect, self.suites), time: self.time, suites: self.suites }
    }

    fn aborted(&self) -> bool {
        // SAFETY: a host function with the live instance, on the thread that the host works with.
        self.suites.effect.abort.is_some_and(|abort| unsafe { abort(self.effect) } != 0)
    }

    /// Runs `work` on a thread of its own and passes the host's abort on to it.
    ///
    /// # Errors
    /// What `work` says, or that the host asked to stop.
    pub(super) fn wait<R: Send>(
        &self,
        ctx: &Ctx,
        work: impl FnOnce() -> Result<R, TaskError> + Send,
    ) -> Result<R, TaskError> {
        let turn = session::turn(|| self.aborted()).ok_or(Cancelled)?;
        let done = std::thread::scope(|scope| {
            let host = std::thread::current();
            let worker = scope.spawn(move || {
                let done = work();
                host.unpark();
                done
            });
            while !worker.is_finished() {
                std::thread::park_timeout(POLL);
                if self.aborted() {
                    ctx.cancel.cancel();
                }
            }
            worker.join()
        });
        drop(turn);
        // A panic of the worker goes on to the guard of this action.
        let done = done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        // Every stage has its own word for having been cancelled.
        done.map_err(|error| if ctx.cancel.is_cancelled() { Cancelled.into() } else { error })
    }
}

/// The same road as the command line's: picture, plan, job. `picture` is display-referred sRGB with straight alpha; a
/// `draft` is made only where what was asked for is not there yet.
///
/// # Errors
/// [`TaskError`] of the stage that failed.
pub(super) fn work(node: &Node, draft: bool, picture: &Image, wanted: &Wanted, ctx: &Ctx) -> Result<Work, TaskError> {
    let Wanted { values, toward } = wanted;
    let side = values.integer(shared::WORKING_SIZE.id) as usize;
    let working = resample::fit_long_side(picture, side, ctx);
    let sizes = Sizes {
        source_px: [picture.width as f32, picture.height as f32],
        canvas_px: [working.width as f32, working.height as f32],
    };
    let start = Start::Picture(working);
    let cache = session::cache();
    let name = values.text(shared::ENCODER.id);
    let encoder = node.edits().then(|| models::choose(name, &session::search_path(), &ctx.cancel)).transpose()?;
    let hash = encoder.as_ref().map_or("", Choice::hash);
    let job_of = |values: &Values| {
        let mut plan = nodes::plan(node, values, &sizes);
        if let Some(toward) = toward {
            nodes::pass_over(&mut plan, toward.clone());
        }
        Job::new(node.id, plan, &start, hash)
    };
    let mut job = job_of(values);
    let mut found = job::find(&job, &cache);
    if draft && node.edits() && found.is_none() {
        let mut quick = values.clone();
        quick.set(&shared::QUALITY, Value::Text("draft".to_owned()))?;
        job = job_of(&quick);
        found = job::find(&job, &cache);
    }
    let done = match found {
        Some(done) => done,
        None => {
            let encoder = encoder.as_ref().map(Choice::encoder).transpose()?;
            job::make(&job, &start, encoder.as_deref(), &cache, ctx, &mut |_| {})?
        }
    };
    Ok(Work { job, done })
}
