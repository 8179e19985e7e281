//! Linocut Concept Transfer: the look of one reference picture goes onto the source, whose structure stays.

use super::param::{Kind, Number, Param, Text, Typed, Values};
use super::{Asked, Clip, Makes, Node, shared};
use crate::ctx::Ctx;
use crate::diffuse::{Concept, Fuse, Pivot};
use crate::finish::Finish;
use crate::optimize::{Quality, Settings};
use crate::plan::{Input, ModelRole, Plan, Recipe, Role, Step, StepId};

/// The option of [`ENGINE`] that asks a diffusion model.
pub const DIFFUSION: &str = "diffusion";

/// What makes the edit.
pub const ENGINE: Typed<Text> = Param {
    id: "engine",
    label: "Engine",
    hint: "What makes the edit: 'vector' moves colours and outlines of shapes, at once and without any download; 'diffusion' lets a \
           diffusion model paint the source anew with what the reference shows (VCT).",
    kind: Kind::Choice { default: "vector", options: &["vector", DIFFUSION] },
    animates: false,
}
.text();

/// Which diffusion model paints.
pub const MODEL: Typed<Text> = Param {
    id: "model",
    label: "Model",
    hint: "Which diffusion model paints: 'auto' takes Stable Diffusion 1.5 where it was fetched and else the small one that is built in, \
           'small' always that one; other names are looked up as 'linocut models list' shows, and a folder works too.",
    kind: Kind::Text { default: "auto" },
    animates: false,
}
.text();

/// Where the search for the concept starts.
pub const CONCEPT: Typed<Text> = Param {
    id: "concept",
    label: "Concept",
    hint: "What the reference shows, in a word or two, such as 'painting' or 'cat': where the diffusion engine's search for its concept \
           starts.",
    kind: Kind::Text { default: "picture" },
    animates: false,
}
.text();

/// How long the source's layout is kept.
pub const LAYOUT: Typed<Number> = Param {
    id: "layout",
    label: "Keep layout",
    hint: "Share of the diffusion engine's steps in which things keep their shapes and places: at 1 the source's, at 0 those that the \
           model makes up. Keep structure multiplies it.",
    kind: Kind::Number { default: 0.9, min: 0.0, max: 1.0 },
    animates: true,
}
.number();

/// How long the source's things are kept apart.
pub const PLACING: Typed<Number> = Param {
    id: "placing",
    label: "Keep places",
    hint: "Share of the diffusion engine's steps in which the concept goes only where the source's own content leaves room. Keep \
           structure multiplies it.",
    kind: Kind::Number { default: 0.2, min: 0.0, max: 1.0 },
    animates: true,
}
.number();

/// How hard the concept pulls.
pub const GUIDANCE: Typed<Number> = Param {
    id: "guidance",
    label: "Guidance",
    hint: "How hard the diffusion engine pulls towards the concept; the publication's 7.5 suits most pictures, less is nearer to the \
           source.",
    kind: Kind::Number { default: 7.5, min: 1.0, max: 20.0 },
    animates: true,
}
.number();

/// How much of their way outlines stay back.
pub const KEEP_STRUCTURE: Typed<Number> = Param {
    id: "keepStructure",
    label: "Keep structure",
    hint: "How firmly outlines stay where they are: at 1 only colours change, at 0 outlines move as far as the reference drew \
           them. Changing it never edits again.",
    kind: Kind::Number { default: 1.0, min: 0.0, max: 1.0 },
    animates: true,
}
.number();

/// [`shared::QUALITY`] without the publication's, which knows no references.
pub const QUALITY: Typed<Text> = Param {
    hint: "How much work goes into an edit. 'draft' answers in seconds, 'normal' is for pictures, 'final' takes about \
           three times as long.",
    kind: Kind::Choice { default: "normal", options: &["draft", "normal", "final"] },
    ..shared::QUALITY.param
}
.text();

const REFERENCE: Clip = Clip {
    name: "Reference",
    role: Role::Reference,
    optional: true,
    is_mask: false,
    hint: "Picture whose look goes onto the source, of any size",
};

const PARAMS: &[Param] = &[
    ENGINE.param,
    shared::STRENGTH.param,
    KEEP_STRUCTURE.param,
    shared::DETAIL_OF_RECOLOR.param,
    QUALITY.param,
    shared::ONLY.param,
    shared::ITERATIONS.param,
    shared::PATCHES.param,
    shared::SEED.param,
    shared::ENCODER.param,
    shared::PRESET.param,
    shared::ROUNDS.param,
    shared::MAX_PATHS.param,
    shared::WORKING_SIZE.param,
    shared::LUT.param,
    MODEL.param,
    CONCEPT.param,
    LAYOUT.param,
    PLACING.param,
    GUIDANCE.param,
];

/// The two dear stages by effort. In passes of the denoiser, forth and back where the first number stands and forth alone where the
/// second: draft 30 + 20 and 30, normal 200 + 200 and 60, final 600 + 500 and 150, at most; then 4 a step for the fusion.
pub fn stages(quality: Quality) -> (Concept, Pivot) {
    let (steps, accumulate, ways, inner) = match quality {
        Quality::Draft => (15, 2, 10, 2),
        Quality::Normal => (50, 4, 20, 10),
        Quality::Final | Quality::Paper => (150, 4, 50, 10),
    };
    // Fewer steps than the publication's must be longer ones; on the long way its own rate ends nearer to the reference.
    let rate = if matches!(quality, Quality::Draft | Quality::Normal) { 0.35 } else { Concept::default().rate };
    (Concept { steps, accumulate, rate, ..Concept::default() }, Pivot { steps: ways, inner, ..Pivot::default() })
}

/// Concept of the reference, pivot of the source, and the two fused: what is turned live stands in the last step alone.
fn painted(values: &Values, asked: &Asked<'_>) -> Plan {
    let (concept, pivot) = stages(super::quality(values.get(&QUALITY)));
    let concept = Concept { word: values.get(&CONCEPT).to_owned(), ..concept };
    let keep = values.get(&KEEP_STRUCTURE);
    let fuse = Fuse {
        layout: (keep * values.get(&LAYOUT)) as f32,
        placing: (keep * values.get(&PLACING)) as f32,
        guidance: values.get(&GUIDANCE) as f32,
        ..Fuse::default()
    };
    let start = asked.start;
    let mut plan = Plan { steps: Vec::new(), result: StepId(0) };
    let mut push = |recipe, inputs| {
        plan.push(Step {
            recipe,
            inputs,
            models: vec![(ModelRole::Diffusion, start.diffusion.clone())],
            class: Ctx::processor_class(),
            seed: values.get(&shared::SEED) as u64,
        })
    };
    let reference = start.others.iter().find(|(role, _)| *role == Role::Reference);
    let reference = reference.map(|(role, hash)| (*role, Input::Material(hash.clone())));
    let concept = push(Recipe::Concept(concept), reference.into_iter().collect());
    let pivot = push(Recipe::Pivot(pivot), vec![(Role::Source, Input::Material(start.source.clone()))]);
    let inputs = vec![(Role::Concept, Input::Step(concept)), (Role::Pivot, Input::Step(pivot))];
    let result = push(Recipe::Fuse(fuse), inputs);
    Plan { result, ..plan }
}

fn plan(values: &Values, asked: &Asked<'_>) -> Plan {
    if values.get(&ENGINE) == DIFFUSION {
        return painted(values, asked);
    }
    let mut settings = Settings::of_reference(super::quality(values.get(&QUALITY)));
    settings.only_in_canvas.extend(values.get(&shared::ONLY).map(|rect| asked.sizes.canvas_from_source(rect)));
    super::with_effort(&mut settings, values);
    super::plan_of(values, Some(settings), asked)
}

fn finish(values: &Values) -> Finish {
    Finish {
        detail: values.get(&shared::DETAIL_OF_RECOLOR) as f32,
        strength: values.get(&shared::STRENGTH) as f32,
        structure: values.get(&KEEP_STRUCTURE) as f32,
        letters: None,
    }
}

/// The node's definition.
pub const NODE: Node = Node {
    id: "org.linocut.ConceptTransfer",
    label: "Transfer",
    command: "transfer",
    help: "Brings the look of a reference picture onto a picture: its palette and what the encoder sees in it; the structure stays.",
    params: PARAMS,
    clips: &[super::SOURCE, REFERENCE, super::MASK],
    makes: Makes::Picture,
    edits: true,
    plan,
    finish,
};
