//! The whole flow on one screen: materials -> shapes -> edited shapes -> figures, and materials -> tensors -> pictures.
//!
//! Input: a [`Plan`], what its steps name, a cache. Output: the artifact that is asked for. Invariants: what the cache has is not made
//! again, and what is found loads no model. Determinism: as the stages. Cost: as the stages; a hit is a read.

use crate::cache::Cache;
use crate::ctx::Ctx;
use crate::diffuse::{DiffuseError, Diffusion};
use crate::encoder::Encoder;
use crate::fault::Fault;
use crate::finish::scores::{self, Before, ScoreError};
use crate::finish::{self, Finish};
use crate::image::Image;
use crate::models::LoadError;
use crate::optimize::{self, Edited, OptimizeError};
use crate::plan::{Artifact, Given, Input, Key, Materials, Plan, PlanError, Recipe, Role, StepId};
use crate::raster::{self, Background, RasterError, Size};
use crate::scene::Scene;
use crate::vectorize::{self, VectorizeError};
use std::borrow::Cow;
use std::sync::Arc;

/// What a plan is carried out with.
#[derive(Clone, Copy)]
pub struct With<'a> {
    /// What the steps start from.
    pub materials: &'a Materials,
    /// The encoder that steps ask; called where one has to be made.
    pub encoder: &'a (dyn Fn() -> Result<Arc<Encoder>, LoadError> + Sync),
    /// The diffusion model, likewise.
    pub diffusion: &'a (dyn Fn() -> Result<Arc<Diffusion>, LoadError> + Sync),
    /// Where artifacts are looked for and kept.
    pub cache: &'a Cache,
    /// An artifact that is at hand, whether the cache has it or not.
    pub at_hand: Option<(Key, &'a Artifact)>,
    /// Threads, cancel token, progress, backend.
    pub ctx: &'a Ctx,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// The artifact.
    pub artifact: Artifact,
    /// Whether it was there.
    pub was_found: bool,
}

impl Made {
    /// The shapes before and after, where it has shapes.
    pub fn edited(&self) -> Option<Cow<'_, Edited>> {
        match &self.artifact {
            Artifact::Scene(scene) => Some(Cow::Owned(Edited::untouched(scene))),
            Artifact::Edit(edited) => Some(Cow::Borrowed(edited)),
            _ => None,
        }
    }
}

/// Told of every iteration.
pub type Watch<'a> = Option<&'a mut (dyn FnMut(&optimize::Step<'_>) + Send)>;

/// Why the flow ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The plan cannot be carried out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// No encoder.
    #[error(transparent)]
    Encoder(Box<LoadError>),
    /// The picture could not be traced.
    #[error(transparent)]
    Vectorize(#[from] VectorizeError),
    /// The shapes could not be edited.
    #[error(transparent)]
    Optimize(#[from] OptimizeError),
    /// The result could not be judged.
    #[error(transparent)]
    Score(#[from] ScoreError),
    /// The diffusion model could not do its work.
    #[error(transparent)]
    Diffuse(#[from] DiffuseError),
    /// The result cannot be drawn.
    #[error(transparent)]
    Raster(#[from] RasterError),
    /// The result is figures.
    #[error("figures and tensors cannot be drawn; ask for the edit they belong to")]
    NoPicture,
}

impl PipelineError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Plan(error) => error.fault(),
            Self::Encoder(error) => error.fault(),
            Self::Vectorize(error) => error.fault(),
            Self::Optimize(error) => error.fault(),
            Self::Score(error) => error.fault(),
            Self::Raster(error) => error.fault(),
            Self::Diffuse(error) => error.fault(),
            Self::NoPicture => Fault::Usage,
        }
    }
}

impl From<LoadError> for PipelineError {
    fn from(error: LoadError) -> Self {
        Self::Encoder(Box::new(error))
    }
}

/// The artifact of `key`, where the cache has it; a damaged one is none.
pub fn find(key: &Key, cache: &Cache) -> Option<Artifact> {
    Artifact::from_bytes(&cache.get(&key.0)?).ok()
}

/// Makes what `plan` asks for, and of the steps before it what the cache lacks; keeps all of it.
///
/// # Errors
/// [`PipelineError`] of the stage that failed; on cancellation nothing of that stage is kept.
pub fn run(plan: &Plan, with: &With<'_>, watch: Watch<'_>) -> Result<Made, PipelineError> {
    let keys = plan.keys()?;
    with.ctx.install(|| made(plan, &keys, plan.result, with, watch))
}

fn made(
    plan: &Plan,
    keys: &[Key],
    StepId(at): StepId,
    with: &With<'_>,
    watch: Watch<'_>,
) -> Result<Made, PipelineError> {
    let steps = plan.steps.len();
    let (Some(step), Some(key)) = (plan.steps.get(at), keys.get(at)) else {
        return Err(PlanError::Order { step: steps, input: at, steps }.into());
    };
    if let Some(artifact) = with.at_hand.filter(|(of, _)| of == key).map(|(_, artifact)| artifact.clone()) {
        return Ok(Made { artifact, was_found: true });
    }
    if let Some(artifact) = find(key, with.cache) {
        return Ok(Made { artifact, was_found: true });
    }
    let lacks = |role| PlanError::Lacks { step: at, role };
    let input = |role| match step.input(role) {
        None => Ok::<_, PipelineError>(None),
        Some(Input::Material(hash)) => Ok(Some(Taken::Given(with.materials.get(hash).ok_or_else(|| lacks(role))?))),
        Some(Input::Step(id)) => Ok(Some(Taken::Made(made(plan, keys, *id, with, None)?.artifact))),
    };
    let tensors = |role| match input(role)? {
        Some(Taken::Made(Artifact::Tensors(tensors))) => Ok::<_, PipelineError>(tensors),
        _ => Err(lacks(role).into()),
    };
    let ctx = with.ctx;
    let artifact = match &step.recipe {
        Recipe::Concept(settings) => {
            let reference = picture(input(Role::Reference)?).ok_or_else(|| lacks(Role::Reference))?;
            Artifact::Tensors((with.diffusion)()?.concept(reference, settings, step.seed, ctx)?)
        }
        Recipe::Pivot(settings) => {
            let source = match input(Role::Source)? {
                Some(Taken::Given(Given::Picture(picture))) => Cow::Borrowed(picture),
                Some(Taken::Given(Given::Scene(scene))) => Cow::Owned(on_paper(scene, ctx)?),
                _ => return Err(lacks(Role::Source).into()),
            };
            Artifact::Tensors((with.diffusion)()?.pivot(&source, settings, ctx)?)
        }
        Recipe::Fuse(settings) => {
            let (concept, pivot) = (tensors(Role::Concept)?, tensors(Role::Pivot)?);
            Artifact::Picture((with.diffusion)()?.fuse(&concept, &pivot, settings, ctx)?)
        }
        Recipe::Trace(settings) => match input(Role::Source)? {
            Some(Taken::Given(Given::Picture(picture))) => {
                Artifact::Scene(vectorize::vectorize(picture, settings, step.seed, ctx)?)
            }
            Some(Taken::Given(Given::Scene(scene))) => Artifact::Scene(scene.clone()),
            _ => return Err(lacks(Role::Source).into()),
        },
        Recipe::Edit(settings) => {
            let start = match input(Role::Start)? {
                Some(Taken::Given(Given::Scene(scene))) => scene.clone(),
                Some(Taken::Made(Artifact::Scene(scene))) => scene,
                _ => return Err(lacks(Role::Start).into()),
            };
            let mask = match input(Role::Mask)? {
                Some(Taken::Given(Given::Mask(mask))) => Some(mask.as_slice()),
                None => None,
                Some(_) => return Err(lacks(Role::Mask).into()),
            };
            let reference = picture(input(Role::Reference)?);
            let encoder = (with.encoder)()?;
            let inputs = optimize::Inputs { scene: &start, mask, reference };
            Artifact::Edit(Box::new(optimize::run(inputs, &encoder, settings, step.seed, ctx, watch)?))
        }
        Recipe::Score(judged) => {
            let Some(Taken::Made(Artifact::Edit(edited))) = input(Role::Judged)? else {
                return Err(lacks(Role::Judged).into());
            };
            let before = match input(Role::Source)? {
                Some(Taken::Given(Given::Picture(picture))) => Before::Picture(picture),
                Some(Taken::Given(Given::Scene(scene))) => Before::Scene(scene),
                _ => return Err(lacks(Role::Source).into()),
            };
            let reference = picture(input(Role::Reference)?);
            let encoder = (with.encoder)()?;
            Artifact::Scores(scores::measure(judged, before, reference, &edited, &encoder, ctx)?)
        }
    };
    keep(key, &artifact, with.cache);
    Ok(Made { artifact, was_found: false })
}

/// A picture of `artifact` of `size`; `source` has that size and gives the result its detail and alpha.
///
/// # Errors
/// [`PipelineError::Raster`], [`PipelineError::NoPicture`].
pub fn draw(
    artifact: &Artifact,
    size: Size,
    source: Option<&Image>,
    finish: Finish,
    ctx: &Ctx,
) -> Result<Image, PipelineError> {
    match artifact {
        Artifact::Scene(scene) => Ok(finish::draw(&Edited::untouched(scene), size, source, finish, ctx)?),
        Artifact::Edit(edited) => Ok(finish::draw(edited, size, source, finish, ctx)?),
        Artifact::Picture(picture) => Ok(finish::draw_picture(picture, size, source, finish, ctx)),
        Artifact::Scores(_) | Artifact::Tensors(_) => Err(PipelineError::NoPicture),
    }
}

/// An input, wherever it came from.
enum Taken<'a> {
    Given(&'a Given),
    Made(Artifact),
}

/// An input that is a picture.
fn picture(taken: Option<Taken<'_>>) -> Option<&Image> {
    if let Some(Taken::Given(Given::Picture(picture))) = taken { Some(picture) } else { None }
}

/// Shapes as a picture on white.
fn on_paper(scene: &Scene, ctx: &Ctx) -> Result<Image, RasterError> {
    raster::render(scene, Size::of_canvas(scene), Background::Rgb([1.0; 3]), ctx)
}

/// Keeps `artifact`; a cache that cannot be written is reported and passed over.
fn keep(key: &Key, artifact: &Artifact, cache: &Cache) {
    let kept = artifact.to_bytes().map_err(|error| error.to_string());
    if let Err(error) = kept.and_then(|bytes| cache.put(&key.0, &bytes).map_err(|error| error.to_string())) {
        tracing::warn!("the result was not cached: {error}");
    }
}
