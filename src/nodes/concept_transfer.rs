//! Linocut Concept Transfer: the look of one reference picture goes onto the source, whose structure stays.

use super::param::{Kind, Number, Param, Text, Typed, Values};
use super::{Asked, Clip, Makes, Node, shared};
use crate::finish::Finish;
use crate::optimize::Settings;
use crate::plan::{Plan, Role};

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
];

fn plan(values: &Values, asked: &Asked<'_>) -> Plan {
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
