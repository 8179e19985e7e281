//! One frame's work for an instance: what a render and the buttons have in common.
//!
//! Input: an instance and a time. Output: the source, what the parameters ask for, and the finished job. Invariants: the
//! job is the one that the command line would run for the same pixels and parameters, so both give the same bits and
//! find each other's scenes in the cache. The host is called from its own thread alone: the work itself runs on another
//! one while this one asks for abort. Determinism: as [`job`]. Cost: as the job.

use super::clips::{self, ClipError, Frame, HostImage};
use super::params::Reader;
use super::prompts;
use super::props::Props;
use super::session;
use super::suites::Suites;
use super::sys::*;
use crate::cache::CacheError;
use crate::ctx::{Cancelled, Ctx, Progress, ThreadError};
use crate::finish::Finish;
use crate::gpu::{self, Backend};
use crate::image::{ColorSpace, Image, resample};
use crate::job::{self, Done, Job};
use crate::models::{self, Choice, LoadError};
use crate::nodes::param::{ParamError, Value, Values};
use crate::nodes::{self, Node, Sizes, font_stylize, hosted, shared};
use crate::optimize::Edited;
use crate::pipeline::{self, PipelineError, Start};
use crate::raster::{RasterError, Size};
use crate::scene::Scene;
use crate::schedule::{ScheduleError, Toward};
use crate::text::TextError;
use std::ffi::CStr;
use std::sync::Arc;
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
    /// There is neither a picture nor a word.
    #[error("type a word under Text and choose a font, or connect a picture to the Source input")]
    NoWord,
    /// The font cannot be read.
    #[error("cannot read the font '{path}' ({reason}); choose a TrueType or OpenType file under Font")]
    Font {
        /// The file.
        path: String,
        /// The system's answer.
        reason: String,
    },
    /// The word cannot be drawn.
    #[error(transparent)]
    Text(#[from] TextError),
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
    Encoder(#[from] LoadError),
    /// The work failed.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The scene cannot be drawn.
    #[error(transparent)]
    Raster(#[from] RasterError),
    /// One frame of several failed.
    #[error("frame {frame}: {error}; the frames before it are done")]
    Frame {
        /// The frame.
        frame: f64,
        /// What happened.
        error: Box<Self>,
    },
    /// A range without frames.
    #[error("the range runs from frame {first} to frame {last}; set Last frame to {first} or later")]
    Range {
        /// First frame.
        first: i64,
        /// Last frame.
        last: i64,
    },
    /// The SVG cannot be written.
    #[error("cannot write {path} ({reason}); give another file under SVG File")]
    Write {
        /// The file.
        path: String,
        /// The system's answer.
        reason: String,
    },
    /// There is no look to write.
    #[error("this edit changes no colours by a look: use mode full or color, and another quality than paper")]
    NoGrade,
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
    /// The picture to work on; none for a word.
    pub source: Option<HostImage>,
    /// What limits the effect.
    pub mask: Option<HostImage>,
    /// What the numbers of the source and of the output mean.
    pub space: ColorSpace,
    /// What the parameters ask for.
    pub wanted: Wanted,
    /// The parameters that only hosts show.
    pub finish: Values,
}

/// What a job starts from, out of the host's hands.
pub(super) enum Material {
    /// A picture in display-referred sRGB with straight alpha.
    Picture(Image),
    /// A word, to be drawn in this size.
    Word(Scene, Size),
}

/// What the parameters ask for.
pub(super) struct Wanted {
    /// The node's own parameters, with the prompt of this time.
    pub values: Values,
    toward: Option<Toward>,
    /// How far each pixel of the picture lies under the mask, where the mask limits the shapes.
    mask: Option<Vec<f32>>,
}

/// A finished job.
pub(super) struct Work {
    /// What was done.
    pub job: Job,
    /// Its scenes.
    pub done: Done,
}

impl Inputs {
    /// The shared threads with a listener and the backend that the node asks for.
    ///
    /// # Errors
    /// [`ThreadError`].
    pub(super) fn ctx(&self, progress: Arc<dyn Progress>) -> Result<Ctx, ThreadError> {
        let mut ctx = session::ctx(progress)?;
        ctx.backend = Backend::named(self.finish.text(hosted::BACKEND.id), &gpu::Wanted::from_environment());
        Ok(ctx)
    }

    /// What the job starts from; a word fills a frame of `word_px`.
    ///
    /// # Errors
    /// [`TaskError`] for pixels that are not numbers, a font that cannot be read, a word that cannot be drawn.
    pub(super) fn material(&self, word_px: Size, ctx: &Ctx) -> Result<Material, TaskError> {
        if let Some(source) = &self.source {
            let picture = ctx.install(|| source.read(self.space))?;
            return Ok(Material::Picture(picture.into_straight().into_space(ColorSpace::Srgb)));
        }
        let values = &self.wanted.values;
        let path = values.text(font_stylize::FONT.id).trim();
        let failed = |error: std::io::Error| TaskError::Font { path: path.to_owned(), reason: error.to_string() };
        let font = std::fs::read(path).map_err(failed)?;
        let (width, height) = (word_px.width_px.max(1) as f32, word_px.height_px.max(1) as f32);
        let scale = (values.integer(shared::WORKING_SIZE.id) as f32 / width.max(height)).min(1.0);
        let canvas_px = [width, height].map(|side| (side * scale).round().max(1.0));
        let scene = font_stylize::scene_of_word(values.text(font_stylize::TEXT.id), &font, canvas_px)?;
        Ok(Material::Word(scene, word_px))
    }
}

impl Material {
    /// The start of a job that works on `side` pixels, and the sizes its rectangles are given in.
    fn start(&self, side: usize, mask: Option<&[f32]>, ctx: &Ctx) -> (Start, Sizes) {
        match self {
            Self::Word(scene, _) => {
                let canvas_px = [scene.width, scene.height];
                (Start::Scene(scene.clone()), Sizes { source_px: canvas_px, canvas_px })
            }
            Self::Picture(picture) => {
                let working = resample::fit_long_side(picture, side, ctx);
                let sizes = Sizes {
                    source_px: [picture.width as f32, picture.height as f32],
                    canvas_px: [working.width as f32, working.height as f32],
                };
                let start = match mask {
                    None => Start::Picture(working),
                    Some(mask) => {
                        let mask = resample::nearest(mask, picture.width, (working.width, working.height));
                        Start::Masked(working, mask)
                    }
                };
                (start, sizes)
            }
        }
    }

    /// Draws a finished job in the material's own size.
    ///
    /// # Errors
    /// [`RasterError`] for a scene that cannot be drawn.
    pub(super) fn draw(&self, edited: &Edited, finish: Finish, ctx: &Ctx) -> Result<Image, RasterError> {
        let (size, source) = match self {
            Self::Word(_, size) => (*size, None),
            Self::Picture(picture) => (Size { width_px: picture.width, height_px: picture.height }, Some(picture)),
        };
        ctx.install(|| pipeline::draw(edited, size, source, finish, ctx))
    }
}

impl<'a> Task<'a> {
    /// The task that `arguments` of an action name.
    pub(super) fn new(node: &'a Node, effect: OfxImageEffectHandle, arguments: &Props, suites: Suites) -> Self {
        let positive = |scale: Option<f64>| scale.filter(|scale| scale.is_finite() && *scale > 0.0).unwrap_or(1.0);
        let scale = [0, 1].map(|axis| positive(arguments.double(kOfxImageEffectPropRenderScale, axis)));
        Self { node, effect, suites, time: arguments.double(kOfxPropTime, 0).unwrap_or(0.0), scale }
    }

    /// The instance.
    pub(super) fn effect(&self) -> OfxImageEffectHandle {
        self.effect
    }

    /// The same instance at another time.
    pub(super) fn at(&self, time: OfxTime) -> Self {
        Self { time, ..*self }
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
        let reader = self.reader();
        let bends_words = self.node.id == font_stylize::NODE.id;
        let has_word = bends_words && reader.text(font_stylize::TEXT.id).is_some_and(|word| !word.trim().is_empty());
        let source = match has_word {
            true => None,
            false => self.image(kOfxImageEffectSimpleSourceClipName, "Source")?,
        };
        if source.is_none() && !has_word {
            return Err(if bends_words { TaskError::NoWord } else { TaskError::NoSource });
        }
        let mask = self.image(MASK, "Mask")?;
        let frame = source.as_ref().map_or(Frame::EMPTY, |source| source.frame);
        let mut values = reader.values(self.node.params, &frame)?;
        let mut toward = None;
        if self.node.edits() {
            let keyed = reader.values(hosted::PROMPTS, &frame)?;
            let blend = prompts::effective(&reader, values.text(shared::PROMPT.id), &keyed)?;
            values.set(&shared::PROMPT, Value::Text(blend.prompt))?;
            toward = blend.toward;
        }
        let finish = reader.values(hosted::PARAMS, &frame)?;
        let space = match finish.text(hosted::INPUT_COLOR_SPACE.id) {
            "linear" => ColorSpace::Linear,
            "srgb" => ColorSpace::Srgb,
            _ => source.as_ref().map_or(ColorSpace::Srgb, |source| source.depth.usual_space()),
        };
        let limits = finish.switch(hosted::MASK_LIMITS.id);
        let limits = mask.as_ref().filter(|_| limits && self.node.edits() && source.is_some());
        let mask_plane = limits.map(|mask| covers(mask, &frame, finish.switch(hosted::MASK_INVERT.id)));
        Ok(Inputs { source, mask, space, wanted: Wanted { values, toward, mask: mask_plane }, finish })
    }

    /// The prompt of the whole picture at the task's time, in words.
    ///
    /// # Errors
    /// [`TaskError`] for a parameter or a schedule that does not parse.
    pub(super) fn effective_prompt(&self) -> Result<String, TaskError> {
        let reader = self.reader();
        let keyed = reader.values(hosted::PROMPTS, &Frame::EMPTY)?;
        let held = reader.text(shared::PROMPT.id).unwrap_or_default();
        let blend = prompts::effective(&reader, &held, &keyed)?;
        Ok(match blend.toward {
            None => blend.prompt,
            Some(Toward { prompt, amount }) => {
                format!("{} ({:.0} %) and {prompt} ({:.0} %)", blend.prompt, 100.0 * (1.0 - amount), 100.0 * amount)
            }
        })
    }

    /// Reads parameters at the task's time.
    pub(super) fn reader(&self) -> Reader {
        Reader { set: super::param_set(self.effect, self.suites), time: self.time, suites: self.suites }
    }

    fn aborted(&self) -> bool {
        // SAFETY: a host function with the live instance, on the thread that the host works with.
        self.suites.effect.abort.is_some_and(|abort| unsafe { abort(self.effect) } != 0)
    }

    /// Runs `work` on a thread of its own and passes the host's abort, and what `is_stopped` says, on to it.
    ///
    /// # Errors
    /// What `work` says, or that the host asked to stop.
    pub(super) fn wait<R: Send>(
        &self,
        ctx: &Ctx,
        mut is_stopped: impl FnMut() -> bool,
        work: impl FnOnce() -> Result<R, TaskError> + Send,
    ) -> Result<R, TaskError> {
        let mut is_stopped = || self.aborted() || is_stopped();
        let turn = session::turn(&mut is_stopped).ok_or(Cancelled)?;
        let done = std::thread::scope(|scope| {
            let host = std::thread::current();
            let worker = scope.spawn(move || {
                let done = work();
                host.unpark();
                done
            });
            while !worker.is_finished() {
                std::thread::park_timeout(POLL);
                if is_stopped() {
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

/// How far each pixel of `frame` lies under `mask`, 0 to 1, top row first.
fn covers(mask: &HostImage, frame: &Frame, inverted: bool) -> Vec<f32> {
    let OfxRectI { x1, x2, y1, y2 } = frame.bounds;
    let pixels = (y1..y2).rev().flat_map(|y| (x1..x2).map(move |x| (x, y)));
    pixels.map(|(x, y)| mask.cover(x, y, inverted)).collect()
}

/// The same road as the command line's: picture, plan, job. A `draft` is made only where what was asked for is not there
/// yet.
///
/// # Errors
/// [`TaskError`] of the stage that failed.
pub(super) fn work(
    node: &Node,
    draft: bool,
    material: &Material,
    wanted: &Wanted,
    ctx: &Ctx,
) -> Result<Work, TaskError> {
    let Wanted { values, toward, mask } = wanted;
    let (start, sizes) = material.start(values.integer(shared::WORKING_SIZE.id) as usize, mask.as_deref(), ctx);
    let cache = session::cache();
    let name = values.text(shared::ENCODER.id);
    let encoder = node.edits().then(|| models::choose(name, &session::search_path(), &ctx.cancel)).transpose()?;
    let hash = encoder.as_ref().map_or("", Choice::hash);
    let job_of = |values: &Values| {
        let mut plan = nodes::plan(node, values, &sizes);
        if let Some(toward) = toward {
            nodes::pass_over(&mut plan, toward.clone());
        }
        Job::new(node.id, plan, &start, hash, ctx)
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
            job::make(&job, &start, encoder.as_deref(), &cache, ctx, None)?
        }
    };
    Ok(Work { job, done })
}
