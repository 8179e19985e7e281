//! One frame's work for an instance: what a render and the buttons have in common.
//!
//! Input: an instance and a time. Output: the source, what the parameters ask for, and the finished edit. Invariants: the
//! work is a [`Request`] as the command line makes it of the same pixels and parameters. The host is called from its own
//! thread alone: the work itself runs on another one while this one asks for abort. Determinism and cost: as [`session`].

use super::clips::{self, ClipError, Depth, Frame, HostImage};
use super::overlay;
use super::picker;
use super::process;
use super::props::Props;
use super::reader::Reader;
use super::suites::Suites;
use super::sys::*;
use super::wholes;
use crate::cache::CacheError;
use crate::ctx::{Cancelled, Ctx, Progress, ThreadError};
use crate::fault::Fault;
use crate::gpu::{self, Backend};
use crate::image::{ColorSpace, Image, color};
use crate::nodes::param::{Kind, Param, ParamError, Value, Values};
use crate::nodes::{Clip, Node, Role, font_stylize, hosted, plan_for_nothing, prompts, shared};
use crate::plan::{Artifact, Key};
use crate::raster::Size;
use crate::schedule::{Prompt, ScheduleError};
use crate::session::{self, Made, Material, Prepared, Request, Session, SessionError, material};
use crate::text::TextError;
use std::sync::Arc;
use std::time::Duration;

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
    /// The work failed.
    #[error(transparent)]
    Session(#[from] SessionError),
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
    /// There is nothing to export as shapes.
    #[error("this node makes no shapes; there is nothing to export")]
    NoShapes,
    /// There is no region to copy to.
    #[error("all {most} regions are in use; switch one off and empty its prompt")]
    NoRegion {
        /// Regions that a node has.
        most: usize,
    },
    /// The host called in again while it was being called.
    #[error("Linocut is at work already; wait until it is done, or stop it in the progress bar")]
    Busy,
    /// The host asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl TaskError {
    /// What kind of fault it is.
    pub(super) fn fault(&self) -> Fault {
        match self {
            Self::NoSource
            | Self::NoWord
            | Self::Range { .. }
            | Self::NoGrade
            | Self::NoShapes
            | Self::NoRegion { .. }
            | Self::Busy => Fault::Usage,
            Self::Font { .. } | Self::NoOutput | Self::Clip(_) | Self::Write { .. } => Fault::Work,
            Self::Text(error) => error.fault(),
            Self::Param(error) => error.fault(),
            Self::Schedule(error) => error.fault(),
            Self::Threads(error) => error.fault(),
            Self::Session(error) => error.fault(),
            Self::Frame { error, .. } => error.fault(),
            Self::Cache(error) => error.fault(),
            Self::Cancelled(error) => error.fault(),
        }
    }
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
    /// What limits the effect; none where it is seen everywhere.
    pub mask: Option<Mask>,
    /// The pictures of the node's other clips.
    others: Vec<(Role, HostImage)>,
    /// What the numbers of the source and of the output mean.
    pub space: ColorSpace,
    /// Every parameter at this time.
    pub values: Values,
    prompt: Prompt,
    /// How far each pixel of the picture lies under the mask, where the mask limits the shapes.
    limits: Option<Vec<f32>>,
    /// Regions that lie beside the picture, by what an artist calls them.
    pub lost_regions: Vec<String>,
    /// A name for what the parameters ask for, whatever the source; at the scale of the whole frame.
    asked: Option<Key>,
    effect: usize,
    is_proxy: bool,
}

/// How far the effect is seen.
pub(super) enum Mask {
    /// As far as a picture says.
    Picture(HostImage),
    /// An input is connected and holds nothing: as under black.
    Black,
}

impl Mask {
    /// How far one pixel is covered, 0 to 1.
    pub(super) fn cover(&self, x: i32, y: i32, inverted: bool) -> f32 {
        match self {
            Self::Picture(picture) => picture.cover(x, y, inverted),
            Self::Black => f32::from(u8::from(inverted)),
        }
    }
}

/// What a result is to what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// Just that.
    AsAsked,
    /// A draft of it.
    Draft,
    /// The edit of the whole frame, drawn at the scale of a proxy.
    Whole,
    /// An edit of a proxy, which may look otherwise than that of the whole frame.
    Proxy,
}

/// How much may be done for a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    /// Whatever it takes.
    Whole,
    /// A draft is enough where the whole is not there yet.
    Draft,
    /// What is there is shown.
    Find,
}

/// A finished edit.
pub(super) struct Work {
    /// What was asked for.
    pub prepared: Prepared,
    /// Its scenes.
    pub made: Made,
    /// What they are to what was asked for.
    pub shown: Shown,
}

impl Inputs {
    /// The shared threads with a listener and the backend that the node asks for.
    ///
    /// # Errors
    /// [`ThreadError`].
    pub(super) fn ctx(&self, progress: Arc<dyn Progress>) -> Result<Ctx, ThreadError> {
        let mut ctx = process::ctx(progress)?;
        ctx.backend = Backend::named(self.values.get(&hosted::BACKEND), &gpu::Wanted::from_environment());
        Ok(ctx)
    }

    /// What is worked on; a word fills a frame of `word_px`.
    ///
    /// # Errors
    /// [`TaskError`] for pixels that are not numbers, a font that cannot be read, a word that cannot be drawn.
    pub(super) fn material(&self, word_px: Size, ctx: &Ctx) -> Result<Material, TaskError> {
        if let Some(source) = &self.source {
            return Ok(Material::from_picture(ctx.install(|| source.read(self.space))?));
        }
        let path = self.values.get(&font_stylize::FONT).trim();
        let failed = |error: std::io::Error| TaskError::Font { path: path.to_owned(), reason: error.to_string() };
        let font = std::fs::read(path).map_err(failed)?;
        let side = self.values.get(&shared::WORKING_SIZE) as usize;
        Ok(Material::from_word(self.values.get(&font_stylize::TEXT), &font, word_px, side)?)
    }

    /// The pictures of the node's other clips.
    ///
    /// # Errors
    /// [`ClipError`] for pixels that are not numbers.
    pub(super) fn others(&self, ctx: &Ctx) -> Result<Vec<(Role, Image)>, ClipError> {
        let shown = |(role, image): &(Role, HostImage)| Ok((*role, material::as_shown(image.read(self.space)?)));
        ctx.install(|| self.others.iter().map(shown).collect())
    }

    /// Whether there is anything to edit towards, where `node` needs it.
    pub(super) fn has_prompt(&self, node: &Node) -> bool {
        !node.edits || !self.prompt.text.is_empty() || !self.values.get(&shared::REGION).is_empty()
    }

    /// The result for `material` and the pictures of [`Self::others`]; none where it would have to be made and that is too much. A
    /// draft is made only where it is enough and what was asked for is not there yet.
    ///
    /// # Errors
    /// [`SessionError`] of the stage that failed.
    pub(super) fn work(
        &self,
        node: &Node,
        effort: Effort,
        material: &Material,
        others: &[(Role, Image)],
        ctx: &Ctx,
    ) -> Result<Option<Work>, SessionError> {
        let Self { values, prompt, limits, .. } = self;
        let request = Request { node, values, prompt, material, mask: limits.as_deref(), others };
        self.on_any_backend(ctx, |ctx| {
            let session = process::session();
            let prepared = session.prepare(&request, ctx)?;
            if let (Material::Shapes(word, _), false) = (material, self.has_prompt(node)) {
                let made = Made { artifact: Artifact::Scene(word.clone()), was_found: true };
                return Ok(Some(Work { prepared, made, shown: Shown::AsAsked }));
            }
            if let Some(made) = self.of_whole_frame(&prepared, &session, ctx) {
                return Ok(Some(Work { prepared, made, shown: Shown::Whole }));
            }
            let asked = prepared.key;
            let (prepared, made) = match effort {
                Effort::Whole | Effort::Draft => {
                    session.fulfil(&request, prepared, effort == Effort::Draft, ctx, None)?
                }
                Effort::Find => match session.find(&prepared) {
                    Some(made) => (prepared, made),
                    None => return Ok(None),
                },
            };
            let shown = match (prepared.key == asked, self.is_proxy) {
                (false, _) => Shown::Draft,
                (true, true) if node.edits => Shown::Proxy,
                (true, _) => Shown::AsAsked,
            };
            if let (false, Some(asked), Some(source)) = (self.is_proxy, self.asked, prepared.working_picture()) {
                wholes::remember(self.effect, asked, source, prepared.key, ctx);
            }
            Ok(Some(Work { prepared, made, shown }))
        })
    }

    /// The edit of the frame that this is a proxy of, where it was made and is still there.
    fn of_whole_frame(&self, prepared: &Prepared, session: &Session, ctx: &Ctx) -> Option<Made> {
        let asked = self.asked.filter(|_| self.is_proxy)?;
        session.find_other(&wholes::find(self.effect, asked, prepared.working_picture()?, ctx)?)
    }

    /// The picture of a result in the material's own size.
    ///
    /// # Errors
    /// [`SessionError`] for a scene that cannot be drawn.
    pub(super) fn drawn(&self, material: &Material, work: &Work, ctx: &Ctx) -> Result<Image, SessionError> {
        self.on_any_backend(ctx, |ctx| work.prepared.draw(material, &work.made, ctx))
    }

    /// Runs `work`, on the CPU where a card fails it and the node leaves the backend open.
    fn on_any_backend<R>(&self, ctx: &Ctx, work: impl Fn(&Ctx) -> Result<R, SessionError>) -> Result<R, SessionError> {
        let is_open = self.values.get(&hosted::BACKEND) == "auto";
        session::with_fallback(ctx, is_open, SessionError::fault, work)
    }
}

impl<'a> Task<'a> {
    /// The task that `arguments` of an action name.
    pub(super) fn new(node: &'a Node, effect: OfxImageEffectHandle, arguments: &Props, suites: Suites) -> Self {
        let positive = |scale: Option<f64>| scale.filter(|scale| scale.is_finite() && *scale > 0.0).unwrap_or(1.0);
        let scale = [0, 1].map(|axis| positive(arguments.double(kOfxImageEffectPropRenderScale, axis)));
        Self { node, effect, suites, time: arguments.time(), scale }
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

    /// The picture to write; none where the host has none.
    ///
    /// # Errors
    /// [`ClipError`] where it cannot be understood.
    pub(super) fn output(&self) -> Result<Option<HostImage>, ClipError> {
        let Some(clip) = clips::clip(self.effect, kOfxImageEffectOutputClipName, self.suites) else { return Ok(None) };
        clips::image(clip, "Output", self.time, self.scale, self.suites)
    }

    /// The picture of one of the node's clips; none where it is not connected.
    ///
    /// # Errors
    /// [`ClipError`] where it cannot be understood.
    fn image(&self, clip: &Clip) -> Result<Option<HostImage>, ClipError> {
        let Some(handle) = clips::named(self.effect, clip.name, self.suites) else { return Ok(None) };
        clips::image(handle, clip.name, self.time, self.scale, self.suites)
    }

    /// The picture of the node's first clip that `is_meant`; none where it has none or it is not connected.
    fn image_of(&self, is_meant: impl Fn(&Clip) -> bool) -> Result<Option<HostImage>, ClipError> {
        let clip = self.node.clips.iter().find(|clip| is_meant(clip));
        clip.map_or(Ok(None), |clip| self.image(clip))
    }

    /// Source and parameters; of a word in the numbers that the host says its output has.
    ///
    /// # Errors
    /// As [`Self::inputs_into`].
    pub(super) fn inputs(&self) -> Result<Inputs, TaskError> {
        let output = clips::clip(self.effect, kOfxImageEffectOutputClipName, self.suites);
        self.inputs_into(output.and_then(|output| clips::depth(output, self.suites)))
    }

    /// Source and parameters, for an output that is kept in `depth`.
    ///
    /// # Errors
    /// [`TaskError`] for a missing source or a parameter that does not parse.
    pub(super) fn inputs_into(&self, depth: Option<Depth>) -> Result<Inputs, TaskError> {
        let reader = self.reader();
        let bends_words = self.node.draws_its_source();
        let has_word = bends_words && reader.text(font_stylize::TEXT.id).is_some_and(|word| !word.trim().is_empty());
        let source = match has_word {
            true => None,
            false => self.image_of(|clip| clip.role == Role::Source)?,
        };
        if source.is_none() && !has_word {
            return Err(if bends_words { TaskError::NoWord } else { TaskError::NoSource });
        }
        let mask = self.mask(&reader)?;
        let others = self.node.others().filter_map(|clip| Some((clip.role, self.image(clip).transpose()?)));
        let others = others.map(|(role, image)| Ok((role, image?))).collect::<Result<Vec<_>, ClipError>>()?;
        let frame = source.as_ref().map_or(Frame::EMPTY, |source| source.frame);
        let params = self.node.all_params().chain(hosted::PARAMS);
        let mut values = reader.values(params.clone(), &frame)?;
        let lost = values.leave_out_regions(|rect| source.is_none() || is_on_picture(rect, &frame));
        let lost_regions = lost.into_iter().map(|area| format!("the region of '{}'", area.prompt)).collect();
        let prompt = self.prompt(&reader, &values)?;
        let space = match values.get(&hosted::INPUT_COLOR_SPACE) {
            "linear" => ColorSpace::Linear,
            "srgb" => ColorSpace::Srgb,
            _ => {
                // A word has no numbers of its own: it takes those of the picture it goes into.
                let stored = source.as_ref().map(|source| source.depth).or(depth);
                let named = source.as_ref().and_then(|_| clips::named_space(self.effect, "Source", self.suites));
                named.unwrap_or(stored.map_or(ColorSpace::Srgb, Depth::usual_space))
            }
        };
        show_colors(&mut values, self.node.params, space)?;
        let limits = values.get(&shared::MASK_LIMITS) && self.node.edits && source.is_some();
        let limits = mask.as_ref().filter(|_| limits);
        let limits = limits.map(|mask| covers(mask, &frame, values.get(&shared::MASK_INVERT)));
        // A mask that limits shapes has a scale of its own.
        let whole = if limits.is_none() { Some(reader.values(params, &Frame::EMPTY)?) } else { None };
        let asked = whole.and_then(|values| plan_for_nothing(self.node, &values, &prompt).key().ok());
        let (effect, is_proxy) = (self.effect.addr(), self.scale != [1.0; 2]);
        Ok(Inputs { source, mask, others, space, values, prompt, limits, lost_regions, asked, effect, is_proxy })
    }

    /// What the Mask input says; none where it is not connected, or where that cannot be known and nobody switched it on.
    fn mask(&self, reader: &Reader) -> Result<Option<Mask>, ClipError> {
        let Some(clip) = self.node.clips.iter().find(|clip| clip.is_mask) else { return Ok(None) };
        let is_off = reader.integer(hosted::USE_MASK.id) == Some(0);
        if is_off || clips::named(self.effect, clip.name, self.suites).is_none() {
            return Ok(None);
        }
        Ok(Some(self.image(clip)?.map_or(Mask::Black, Mask::Picture)))
    }

    fn prompt(&self, reader: &Reader, values: &Values) -> Result<Prompt, TaskError> {
        if !self.node.edits {
            return Ok(Prompt::default());
        }
        Ok(prompts::at(values, reader.keys(shared::PROMPT.id), self.time)?)
    }

    /// Reads parameters at the task's time.
    pub(super) fn reader(&self) -> Reader {
        Reader::new(self.effect, self.time, self.suites)
    }

    /// Keeps the shapes of `work` for pens in a viewer, where the node has rectangles to put around them.
    pub(super) fn remember_shapes(&self, node: &Node, work: &Work, frame: Frame) {
        if let (true, Some(edited)) =
            (hosted::has_rectangles(node) && overlay::has_viewer(self.suites), work.made.edited())
        {
            picker::remember(self.effect.addr(), &edited.scene, frame);
        }
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
        work: impl FnOnce() -> Result<R, SessionError> + Send,
    ) -> Result<R, TaskError> {
        let done = std::thread::scope(|scope| {
            let host = std::thread::current();
            let worker = scope.spawn(move || {
                let done = work();
                host.unpark();
                done
            });
            while !worker.is_finished() {
                std::thread::park_timeout(POLL);
                if self.aborted() || is_stopped() {
                    ctx.cancel.cancel();
                }
            }
            worker.join()
        });
        // A panic of the worker goes on to the guard of this action.
        Ok(done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?)
    }
}

/// Brings the colours among `values` from the host's numbers, in `space`, into display-referred sRGB.
fn show_colors(values: &mut Values, params: &'static [Param], space: ColorSpace) -> Result<(), ParamError> {
    for param in params.iter().filter(|param| matches!(param.kind, Kind::Color { .. }) && space == ColorSpace::Linear) {
        let shown = values.get(&param.color()).map(|value| f64::from(color::srgb_from_linear(value as f32)));
        values.set(param, Value::Color(shown.map(|value| value.clamp(0.0, 1.0))))?;
    }
    Ok(())
}

/// How far each pixel of `frame` lies under `mask`, 0 to 1, top row first.
fn covers(mask: &Mask, frame: &Frame, inverted: bool) -> Vec<f32> {
    let OfxRectI { x1, x2, y1, y2 } = frame.bounds;
    let pixels = (y1..y2).rev().flat_map(|y| (x1..x2).map(move |x| (x, y)));
    pixels.map(|(x, y)| mask.cover(x, y, inverted)).collect()
}

/// Whether a rectangle has a pixel in common with the picture of `frame`.
fn is_on_picture([x, y, width, height]: [f64; 4], frame: &Frame) -> bool {
    let picture = [frame.width() as f64, frame.height() as f64];
    [(x, width), (y, height)].into_iter().zip(picture).all(|((low, side), whole)| low < whole && low + side > 0.0)
}
