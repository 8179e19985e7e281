//! Plan: what is to be made, as data; every step has a key that names what it makes.
//!
//! ```text
//! Plan { steps } -> keys -> found in a cache, or made by `pipeline` -> artifacts
//! ```
//! Input: settings of stages, names of materials and models. Output: [`Plan`], [`Key`]. Invariants: a step's inputs stand before it; a
//! key is the hash of everything that its artifact depends on, its inputs' keys among it (Merkle 1987), and of nothing else: no
//! name of a node, no size of what is drawn. Two steps with one key make the same bits. Determinism: the canonical form is JSON with
//! fields in declaration order. Cost: a hash a step.

mod artifact;
mod materials;

pub use artifact::{Artifact, ArtifactError};
pub use materials::{Given, MaterialHash, Materials};

use crate::diffuse;
use crate::fault::Fault;
use crate::finish::scores::{self, Judged};
use crate::optimize;
use crate::scene::svg_out::Metadata;
use crate::vectorize;
use serde::{Deserialize, Serialize};

/// Steps, parents first, and which of them is wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
    /// The step whose artifact is asked for.
    pub result: StepId,
}

/// Place of a step in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub usize);

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What is done.
    pub recipe: Recipe,
    /// What it is done with.
    pub inputs: Vec<(Role, Input)>,
    /// Models that it asks, by the hash of their files.
    pub models: Vec<(ModelRole, String)>,
    /// Which machines make the same bits ([`crate::ctx::Ctx::backend_class`]).
    pub class: String,
    /// Seed of every random choice.
    pub seed: u64,
}

/// One kind of work with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recipe {
    /// A picture to shapes; shapes stay as they are.
    Trace(vectorize::Settings),
    /// Shapes to edited shapes.
    Edit(optimize::Settings),
    /// An edit to figures.
    Score(Judged),
    /// A reference to vectors that stand for what it shows.
    Concept(diffuse::Concept),
    /// A picture to noise, and to what leads back from there.
    Pivot(diffuse::Pivot),
    /// A concept and a pivot to a picture.
    Fuse(diffuse::Fuse),
}

/// What an input is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The picture, or the shapes, that all begins with.
    Source,
    /// How far each pixel may change.
    Mask,
    /// The shapes that an edit starts from.
    Start,
    /// The edit that is judged.
    Judged,
    /// The picture whose likeness is asked for.
    Reference,
    /// Vectors that stand for what a reference shows.
    Concept,
    /// What leads back to a picture.
    Pivot,
}

/// Where an input comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// From outside.
    Material(MaterialHash),
    /// From an earlier step.
    Step(StepId),
}

/// What a model is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelRole {
    /// How well a picture agrees with a sentence.
    Encoder,
    /// What a picture looks like that a text describes.
    Diffusion,
}

/// Name of an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(pub blake3::Hash);

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.to_hex())
    }
}

/// A plan that cannot be read or carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Not a plan.
    #[error("plan: {reason} (line {line}, column {column}); write it again with this version")]
    Json {
        /// What is wrong.
        reason: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// A step names one that does not stand before it.
    #[error("plan: step {step} takes step {input}, but only steps before it can be taken, of {steps} in all")]
    Order {
        /// The step, from 0.
        step: usize,
        /// What it names.
        input: usize,
        /// Number of steps.
        steps: usize,
    },
    /// A step lacks what its recipe needs.
    #[error("plan: step {step} lacks its {role:?}; write it again with this version")]
    Lacks {
        /// The step, from 0.
        step: usize,
        /// What it needs.
        role: Role,
    },
}

impl PlanError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        Fault::Usage
    }
}

impl Recipe {
    /// Counts changes of what the same settings make; raised with every change of numbers.
    pub fn version(&self) -> u32 {
        match self {
            Self::Trace(_) => vectorize::VERSION,
            Self::Edit(_) => optimize::VERSION,
            Self::Score(_) => scores::VERSION,
            Self::Concept(_) | Self::Pivot(_) | Self::Fuse(_) => diffuse::VERSION,
        }
    }
}

impl Step {
    /// The input of a role.
    pub fn input(&self, role: Role) -> Option<&Input> {
        self.inputs.iter().find(|(of, _)| *of == role).map(|(_, input)| input)
    }

    /// Hash of a model.
    pub fn model(&self, role: ModelRole) -> Option<&str> {
        self.models.iter().find(|(of, _)| *of == role).map(|(_, hash)| hash.as_str())
    }

    /// The step's key, given those of the steps before it; none where it names another.
    fn key(&self, before: &[Key]) -> Option<Key> {
        let name = |(role, input): &(Role, Input)| match input {
            Input::Material(MaterialHash(hash)) => Some((*role, "material", hash.clone())),
            Input::Step(StepId(at)) => Some((*role, "step", before.get(*at)?.to_string())),
        };
        let inputs = self.inputs.iter().map(name).collect::<Option<Vec<_>>>()?;
        let named = (&self.recipe, self.recipe.version(), inputs, &self.models, &self.class, self.seed);
        // Plain data with string keys always serialises.
        Some(Key(blake3::hash(serde_json::to_string(&named).unwrap_or_default().as_bytes())))
    }
}

impl Plan {
    /// The key of every step.
    ///
    /// # Errors
    /// [`PlanError::Order`].
    pub fn keys(&self) -> Result<Vec<Key>, PlanError> {
        let steps = self.steps.len();
        let mut keys = Vec::with_capacity(steps);
        for (at, step) in self.steps.iter().enumerate() {
            let key = step.key(&keys).ok_or_else(|| PlanError::Order { step: at, input: latest(step), steps })?;
            keys.push(key);
        }
        match self.result {
            StepId(input) if input >= steps => Err(PlanError::Order { step: steps, input, steps }),
            _ => Ok(keys),
        }
    }

    /// The key of the result.
    ///
    /// # Errors
    /// As [`Self::keys`].
    pub fn key(&self) -> Result<Key, PlanError> {
        let keys = self.keys()?;
        let StepId(at) = self.result;
        keys.get(at).copied().ok_or(PlanError::Order { step: keys.len(), input: at, steps: keys.len() })
    }

    /// Adds a step; its place.
    pub fn push(&mut self, step: Step) -> StepId {
        self.steps.push(step);
        StepId(self.steps.len() - 1)
    }

    /// The step that is asked for.
    fn last(&self) -> Option<&Step> {
        self.steps.get(self.result.0)
    }

    /// The settings of the edit that is asked for; none where shapes are only traced.
    pub fn edit(&self) -> Option<&optimize::Settings> {
        match &self.last()?.recipe {
            Recipe::Edit(settings) => Some(settings),
            _ => None,
        }
    }

    /// Whether a step follows a reference and has none.
    pub fn lacks_reference(&self) -> bool {
        let follows = |recipe: &Recipe| match recipe {
            Recipe::Edit(edit) => edit.likeness.is_some(),
            Recipe::Concept(_) => true,
            _ => false,
        };
        self.steps.iter().any(|step| follows(&step.recipe) && step.input(Role::Reference).is_none())
    }

    /// The same plan, and then figures of its edit as `judged` says; itself where it edits nothing.
    pub fn scored(&self, source: MaterialHash, judged: Judged) -> Self {
        let mut plan = self.clone();
        if let Some(edit) = self.last().filter(|_| self.edit().is_some()) {
            let reference = edit.input(Role::Reference).map(|input| (Role::Reference, input.clone()));
            let inputs = [(Role::Source, Input::Material(source)), (Role::Judged, Input::Step(self.result))];
            let step = Step {
                recipe: Recipe::Score(judged),
                inputs: inputs.into_iter().chain(reference).collect(),
                ..edit.clone()
            };
            plan.result = plan.push(step);
        }
        plan
    }

    /// What an SVG of the result says about its making.
    pub fn metadata(&self) -> Metadata {
        let prompts = self.edit().into_iter().flat_map(|edit| &edit.regions).map(|region| region.prompt.text.as_str());
        let last = self.last();
        Metadata {
            title: prompts.collect::<Vec<_>>().join("; "),
            job_hash: self.key().ok().map(|key| key.to_string()),
            seed: last.map(|step| step.seed),
            encoder_hash: last.and_then(|step| step.model(ModelRole::Encoder)).map(str::to_owned),
        }
    }

    /// The canonical form: compact JSON, fields in declaration order.
    pub fn canonical(&self) -> String {
        // Plain data with string keys always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a plan from JSON.
    ///
    /// # Errors
    /// [`PlanError::Json`] with the place in the text, [`PlanError::Order`].
    pub fn from_json(text: &str) -> Result<Self, PlanError> {
        let plan: Self = serde_json::from_str(text).map_err(|error| PlanError::Json {
            reason: error.to_string(),
            line: error.line(),
            column: error.column(),
        })?;
        plan.keys()?;
        Ok(plan)
    }
}

/// The highest step that `step` names.
fn latest(step: &Step) -> usize {
    let named =
        step.inputs.iter().filter_map(|(_, input)| if let Input::Step(StepId(at)) = input { Some(*at) } else { None });
    named.max().unwrap_or(0)
}
