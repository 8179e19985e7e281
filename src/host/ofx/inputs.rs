//! What a frame is made of, and the work on it: out of the host's hands.
//!
//! Input: pictures, parameters, a prompt. Output: the result for them, found or made. Invariants: the work is a [`Request`] as the command
//! line makes it of the same pixels and parameters; nothing of the host but its pictures is asked here. Determinism and cost: as
//! [`session`].

use super::clips::HostImage;
use super::error::TaskError;
use super::process;
use super::references::{self, Other};
use super::wholes;
use crate::ctx::{Ctx, Progress, ThreadError};
use crate::gpu::{self, Backend};
use crate::image::{ColorSpace, Image};
use crate::nodes::param::Values;
use crate::nodes::{self, Node, Role, font_stylize, hosted, shared};
use crate::optimize::Quality;
use crate::plan::{Artifact, Key};
use crate::raster::Size;
use crate::schedule::Prompt;
use crate::session::{self, Made, Material, Prepared, Request, Session, SessionError, material};
use std::sync::Arc;

/// What the host hands over for a frame.
pub(super) struct Inputs {
    /// The picture to work on; none for a word.
    pub source: Option<HostImage>,
    /// What limits the effect; none where it is seen everywhere.
    pub mask: Option<Mask>,
    /// The pictures of the node's other clips.
    pub(super) others: Vec<(Role, Other)>,
    /// What the numbers of the source and of the output mean.
    pub space: ColorSpace,
    /// Every parameter at this time.
    pub values: Values,
    /// The prompt of the whole picture.
    pub(super) prompt: Prompt,
    /// How far each pixel of the picture lies under the mask, where the mask limits the shapes.
    pub(super) limits: Option<Vec<f32>>,
    /// Regions that lie beside the picture, by what an artist calls them.
    pub lost_regions: Vec<String>,
    /// A name for what the parameters ask for, whatever the source, at the scale of the whole frame; none where proxies are edited by
    /// themselves.
    pub(super) asked: Option<Key>,
    /// The instance, by its address.
    pub(super) effect: usize,
    /// Whether the frame is seen at another scale than its own.
    pub(super) is_proxy: bool,
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
    /// The quality that was asked for; a draft is of another.
    pub asked: Option<Quality>,
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
    /// [`TaskError`] for pixels that are not numbers, a file that cannot be read.
    pub(super) fn others(&self, ctx: &Ctx) -> Result<Vec<(Role, Image)>, TaskError> {
        let shown = |(role, other): &(Role, Other)| {
            let picture = match other {
                Other::Clip(image, space) => material::as_shown(image.read(*space)?),
                Other::File(path) => (*references::read(path)?).clone(),
            };
            Ok((*role, picture))
        };
        ctx.install(|| self.others.iter().map(shown).collect())
    }

    /// Whether there is anything to edit towards, where `node` needs it: a prompt, or a reference.
    pub(super) fn has_aim(&self, node: &Node) -> bool {
        let has_prompt = || !self.prompt.text.is_empty() || !self.values.get(&shared::REGION).is_empty();
        match (node.edits, node.takes_reference()) {
            (false, _) => true,
            (true, true) => self.others.iter().any(|(role, _)| *role == Role::Reference),
            (true, false) => has_prompt(),
        }
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
            let mut prepared = session.prepare(&request, ctx)?;
            let quality = nodes::quality_of(node, values);
            if let (Material::Shapes(word, _), false) = (material, self.has_aim(node)) {
                let made = Made { artifact: Artifact::Scene(word.clone()), was_found: true };
                return Ok(Some(Work { prepared, made, shown: Shown::AsAsked, asked: quality }));
            }
            if let Some((key, made)) = self.of_whole_frame(&prepared, &session, ctx) {
                prepared.key = key;
                return Ok(Some(Work { prepared, made, shown: Shown::Whole, asked: quality }));
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
            if let (Shown::AsAsked, Some(asked), Some(source)) = (shown, self.asked, prepared.working_picture()) {
                wholes::remember(self.effect, asked, source, prepared.key, ctx);
            }
            Ok(Some(Work { prepared, made, shown, asked: quality }))
        })
    }

    /// Name and edit of the frame that this is a proxy of, where it was made and is still there.
    fn of_whole_frame(&self, prepared: &Prepared, session: &Session, ctx: &Ctx) -> Option<(Key, Made)> {
        let asked = self.asked.filter(|_| self.is_proxy)?;
        let key = wholes::find(self.effect, asked, prepared.working_picture()?, ctx)?;
        Some((key, session.find_other(&key)?))
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
