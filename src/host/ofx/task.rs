//! One frame's work for an instance: what a render and the buttons have in common.
//!
//! Input: an instance and a time. Output: the source, what the parameters ask for, and the finished edit. Invariants: the
//! work is a [`crate::session::Request`] as the command line makes it of the same pixels and parameters. The host is called from its own
//! thread alone: the work itself runs on another one while this one asks for abort. Determinism and cost: as [`crate::session`].

use super::clips::{self, ClipError, Depth, Frame, HostImage};
use super::error::TaskError;
use super::inputs::{Inputs, Mask, Work};
use super::overlay;
use super::picker;
use super::process;
use super::props::Props;
use super::reader::Reader;
use super::references::{self, Other};
use super::suites::Suites;
use super::sys::*;
use crate::ctx::Ctx;
use crate::image::{ColorSpace, color};
use crate::nodes::param::{Kind, Param, ParamError, Value, Values};
use crate::nodes::{Clip, Node, Role, hosted, plan_for_nothing, prompts, shared};
use crate::schedule::Prompt;
use crate::session::SessionError;
use std::time::Duration;

/// How often the host is asked whether to stop.
const POLL: Duration = Duration::from_millis(20);

/// One instance at one time.
pub(super) struct Task<'a> {
    node: &'a Node,
    effect: OfxImageEffectHandle,
    suites: Suites,
    time: OfxTime,
    scale: [f64; 2],
}

impl<'a> Task<'a> {
    /// The task that `arguments` of an action name.
    pub(super) fn new(node: &'a Node, effect: OfxImageEffectHandle, arguments: &Props, suites: Suites) -> Self {
        Self { node, effect, suites, time: arguments.time(), scale: arguments.render_scale() }
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
        let has_word = reader.has_word(self.node);
        let clip = self.node.clips.iter().find(|clip| clip.role == Role::Source && !has_word);
        let source = clip.map_or(Ok(None), |clip| self.image(clip))?;
        if source.is_none() && !has_word {
            return Err(if self.node.draws_its_source() { TaskError::NoWord } else { TaskError::NoSource });
        }
        let mask = self.mask(&reader)?;
        let frame = source.as_ref().map_or(Frame::EMPTY, |source| source.frame);
        let references = if self.node.takes_reference() { hosted::REFERENCES } else { &[] };
        let params = self.node.all_params().chain(references).chain(hosted::PARAMS);
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
                let named = clip.and_then(|clip| clips::named_space(self.effect, clip.name, self.suites));
                named.unwrap_or(stored.map_or(ColorSpace::Srgb, Depth::usual_space))
            }
        };
        show_colors(&mut values, self.node.params, space)?;
        let others = self.others(&reader, &values)?;
        let limits = values.get(&shared::MASK_LIMITS) && self.node.edits && source.is_some();
        let limits = mask.as_ref().filter(|_| limits);
        let limits = limits.map(|mask| covers(mask, &frame, values.get(&shared::MASK_INVERT)));
        // A mask that limits shapes has a scale of its own, and where nobody looks a proxy is no preview: every machine of a farm
        // edits it alike, whatever it did before.
        // So has the picture of another input.
        let has_wholes = limits.is_none() && others.is_empty() && !process::is_in_background(self.suites);
        let whole = if has_wholes { Some(reader.values(params, &Frame::EMPTY)?) } else { None };
        let asked = whole.and_then(|values| plan_for_nothing(self.node, &values, &prompt).key().ok());
        let (effect, is_proxy) = (self.effect.addr(), self.scale != [1.0; 2]);
        Ok(Inputs { source, mask, others, space, values, prompt, limits, lost_regions, asked, effect, is_proxy })
    }

    /// The pictures of the node's other inputs, each in its own numbers; a file in the place of a reference that is not connected.
    fn others(&self, reader: &Reader, values: &Values) -> Result<Vec<(Role, Other)>, ClipError> {
        let mut others = Vec::new();
        for clip in self.node.others() {
            let is_reference = clip.role == Role::Reference;
            let time = if is_reference { references::frame(self.node, reader) } else { self.time };
            let image = match clips::named(self.effect, clip.name, self.suites) {
                Some(handle) => clips::image(handle, clip.name, time, self.scale, self.suites)?,
                None => None,
            };
            let other = match image {
                Some(image) => {
                    let named = clips::named_space(self.effect, clip.name, self.suites);
                    let space = match values.get(&hosted::INPUT_COLOR_SPACE) {
                        "linear" => ColorSpace::Linear,
                        "srgb" => ColorSpace::Srgb,
                        _ => named.unwrap_or(image.depth.usual_space()),
                    };
                    Some(Other::Clip(image, space))
                }
                None => references::file_of(self.node, values).filter(|_| is_reference),
            };
            others.extend(other.map(|other| (clip.role, other)));
        }
        Ok(others)
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
        if !self.node.takes_prompts() {
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
            picker::remember(self.effect.addr(), work.prepared.key, &edited.scene, frame);
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
