//! The one road from what is asked for to what is seen.
//!
//! ```text
//! Request -> prepare -> Prepared -> find (cache) | make -> Made -> draw -> Image
//! ```
//! The command line, the OpenFX host, benches and tests translate their world into a [`Request`] and the answer back.
//!
//! Input: a node with its values at one time, a material. Output: a finished edit and its picture. Invariants: the same request
//! gives the same plan whoever asks, so all find each other's artifacts; finding and drawing take no turn and load no encoder, so
//! a hit never waits for another's edit. Determinism: as [`crate::plan`]. Cost: as the plan; a hit is a read and a drawing.

pub mod material;
pub mod report;
mod turn;

use crate::cache::Cache;
use crate::ctx::{Cancelled, Ctx};
use crate::fault::Fault;
use crate::finish::Finish;
use crate::finish::scores::{Judged, Scores};
use crate::gpu::Backend;
use crate::image::{Image, resample};
use crate::models::{self, Choice, DiffusionChoice, LoadError, SearchPath};
use crate::nodes::param::{ParamError, Value, Values};
use crate::nodes::{self, Asked, Engine, Node, concept_transfer, shared};
use crate::optimize::OptimizeError;
use crate::pipeline::{self, PipelineError, With};
pub use crate::pipeline::{Made, Watch};
use crate::plan::{Artifact, Given, Key, Materials, Plan, PlanError, Role};
use crate::schedule::Prompt;
pub use material::Material;
use material::Started;

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
    /// The pictures of the node's other clips: display-referred sRGB, straight alpha, of any size.
    pub others: &'a [(Role, Image)],
}

/// A request that was thought through: everything is known but the result.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What is to be made.
    pub plan: Plan,
    /// Name of what is made.
    pub key: Key,
    /// What it starts from.
    pub materials: Materials,
    /// Sizes of the source and of the canvas.
    pub sizes: nodes::Sizes,
    /// The encoder that judges, found and not yet loaded.
    pub encoder: Option<Choice>,
    /// The diffusion model that paints, found and not yet loaded.
    pub diffusion: Option<DiffusionChoice>,
    start: nodes::Start,
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
    /// The plan is none.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The work failed.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
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
            Self::Plan(error) => error.fault(),
            Self::Pipeline(error) => error.fault(),
            Self::Cancelled(error) => error.fault(),
        }
    }
}

impl Session {
    /// Scales the material to the working size and plans.
    ///
    /// # Errors
    /// [`SessionError::Encoder`] for an encoder that is not there.
    pub fn prepare(&self, request: &Request<'_>, ctx: &Ctx) -> Result<Prepared, SessionError> {
        let Request { node, values, material, mask, others, .. } = *request;
        let side = values.get(&shared::WORKING_SIZE) as usize;
        let Started { mut materials, source, mask, is_scene, sizes } = ctx.install(|| material.start(side, mask, ctx));
        let fitted = |picture: &Image| {
            Given::Picture(ctx.install(|| resample::fit_long_side(&material::settled(picture), side, ctx)))
        };
        let others = others.iter().map(|(role, picture)| (*role, materials.add(fitted(picture)))).collect();
        let (search, cancel, engine) = (&self.search, &ctx.cancel, nodes::engine(node, values));
        let encoder =
            (engine == Some(Engine::Vector)).then(|| models::choose(values.get(&shared::ENCODER), search, cancel));
        let encoder = encoder.transpose()?;
        let diffusion = (engine == Some(Engine::Diffusion))
            .then(|| models::choose_diffusion(values.get(&concept_transfer::MODEL), search, cancel));
        let diffusion = diffusion.transpose()?;
        let start = nodes::Start {
            source,
            is_scene,
            mask,
            others,
            encoder: encoder.as_ref().map_or("", Choice::hash).to_owned(),
            diffusion: diffusion.as_ref().map_or("", DiffusionChoice::hash).to_owned(),
            class: ctx.backend_class(),
        };
        let plan = (node.plan)(values, &Asked { sizes, prompt: request.prompt, start: &start });
        if plan.lacks_reference() {
            return Err(PipelineError::from(OptimizeError::NoReference).into());
        }
        let key = plan.key()?;
        Ok(Prepared { plan, key, materials, sizes, encoder, diffusion, start, finish: (node.finish)(values) })
    }

    /// The result, where it was made before. Takes no turn and loads no encoder.
    pub fn find(&self, prepared: &Prepared) -> Option<Made> {
        self.find_other(&prepared.key)
    }

    /// Makes the result and keeps it. One edit runs at a time and uses every core; others wait their turn here.
    ///
    /// # Errors
    /// [`SessionError`] of the stage that failed.
    pub fn make(&self, prepared: &Prepared, ctx: &Ctx, watch: Watch<'_>) -> Result<Made, SessionError> {
        let _turn = turn::take(&ctx.cancel)?;
        self.run(&prepared.plan, None, prepared, ctx, watch)
    }

    fn run(
        &self,
        plan: &Plan,
        at_hand: Option<(Key, &Artifact)>,
        prepared: &Prepared,
        ctx: &Ctx,
        watch: Watch<'_>,
    ) -> Result<Made, SessionError> {
        let encoder = || prepared.encoder.as_ref().ok_or(LoadError::None)?.encoder();
        let diffusion = || prepared.diffusion.as_ref().ok_or(LoadError::None)?.model();
        let (materials, cache) = (&prepared.materials, &self.cache);
        let with = With { materials, encoder: &encoder, diffusion: &diffusion, cache, at_hand, ctx };
        Ok(pipeline::run(plan, &with, watch)?)
    }

    /// What was made under another key, where it is still there.
    pub fn find_other(&self, key: &Key) -> Option<Made> {
        Some(Made { artifact: pipeline::find(key, &self.cache)?, was_found: true })
    }

    /// The result of the `prepared` request, found or made; where it is not there yet and a draft is enough, that of a draft. With
    /// what it is the result of.
    ///
    /// # Errors
    /// [`SessionError`] of the stage that failed.
    pub fn fulfil(
        &self,
        request: &Request<'_>,
        mut prepared: Prepared,
        may_be_draft: bool,
        ctx: &Ctx,
        watch: Watch<'_>,
    ) -> Result<(Prepared, Made), SessionError> {
        let mut found = self.find(&prepared);
        if found.is_none() && may_be_draft && request.node.edits {
            let mut values = request.values.clone();
            values.set(&shared::QUALITY, Value::Text(nodes::DRAFT.to_owned()))?;
            // The materials and the encoder are the same: only the settings of the edit are others.
            let asked = Asked { sizes: prepared.sizes, prompt: request.prompt, start: &prepared.start };
            prepared.plan = (request.node.plan)(&values, &asked);
            prepared.key = prepared.plan.key()?;
            found = self.find(&prepared);
        }
        let made = match found {
            Some(made) => made,
            None => self.make(&prepared, ctx, watch)?,
        };
        Ok((prepared, made))
    }

    /// How well the result agrees with its prompts as it is shown now; none where nothing was edited. Found where it was measured
    /// before.
    ///
    /// # Errors
    /// [`SessionError`] for an encoder that cannot be loaded or fails.
    pub fn score(&self, prepared: &Prepared, made: &Made, ctx: &Ctx) -> Result<Option<Scores>, SessionError> {
        let Some(edit) = prepared.plan.edit() else { return Ok(None) };
        let plan = prepared.plan.scored(prepared.start.source.clone(), Judged::of(edit, prepared.finish));
        let scored = self.run(&plan, Some((prepared.key, &made.artifact)), prepared, ctx, None)?;
        Ok(if let Artifact::Scores(scores) = scored.artifact { Some(scores) } else { None })
    }
}

impl Prepared {
    /// The source at working size, where it is a picture.
    pub fn working_picture(&self) -> Option<&Image> {
        match self.materials.get(&self.start.source)? {
            Given::Picture(picture) => Some(picture),
            Given::Scene(_) | Given::Mask(_) => None,
        }
    }

    /// Draws a result in the material's own size: display-referred sRGB, straight alpha.
    ///
    /// # Errors
    /// [`SessionError::Pipeline`] for what cannot be drawn.
    pub fn draw(&self, material: &Material, made: &Made, ctx: &Ctx) -> Result<Image, SessionError> {
        let (size, source) = (material.size(), material.source());
        let drawn = ctx.install(|| pipeline::draw(&made.artifact, size, source, self.finish, ctx))?;
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
