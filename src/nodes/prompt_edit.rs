//! Linocut Prompt Edit: CLIPVG with a global prompt and regions.

use super::param::{AutoNumber, Kind, Param, Text, Typed, Values};
use super::{Asked, Makes, Node, shared};
use crate::finish::Finish;
use crate::optimize::Mode;
use crate::plan::Plan;

/// What may change.
pub const MODE: Typed<Text> = Param {
    id: "mode",
    label: "Mode",
    hint: "What may change: 'full' moves outlines and colours, 'color' keeps every outline, 'shape' keeps every colour.",
    kind: Kind::Choice { default: "full", options: &["full", "color", "shape"] },
    animates: false,
}.text();

/// [`shared::DETAIL`] with a default that follows the mode.
const DETAIL: Typed<AutoNumber> = Param {
    hint: "How much of the source's own pixels is kept, under the grade, where shapes have not moved: 0 gives flat vector \
           shapes, 1 a photograph. Automatic takes 1 in mode 'color' and 0 elsewhere. It does not touch the SVG.",
    kind: Kind::AutoNumber { usual: 1.0, min: 0.0, max: 1.0 },
    ..shared::DETAIL.param
}
.auto_number();

const PARAMS: &[Param] = &[
    shared::PROMPT.param,
    MODE.param,
    shared::REGION.param,
    shared::ONLY.param,
    shared::QUALITY.param,
    shared::ITERATIONS.param,
    shared::PATCHES.param,
    shared::SEED.param,
    shared::ENCODER.param,
    shared::STRENGTH.param,
    DETAIL.param,
    shared::PRESET.param,
    shared::ROUNDS.param,
    shared::MAX_PATHS.param,
    shared::WORKING_SIZE.param,
    shared::LUT.param,
];

fn mode(values: &Values) -> Mode {
    match values.get(&MODE) {
        "color" => Mode::Color,
        "shape" => Mode::Shape,
        _ => Mode::Full,
    }
}

fn plan(values: &Values, asked: &Asked<'_>) -> Plan {
    super::plan_of(values, Some(super::settings(values, mode(values), asked)), asked)
}

fn finish(values: &Values) -> Finish {
    let usual = f32::from(u8::from(mode(values) == Mode::Color));
    Finish {
        detail: values.get(&DETAIL).map_or(usual, |detail| detail as f32),
        strength: values.get(&shared::STRENGTH) as f32,
        ..Finish::default()
    }
}

/// The node's definition.
pub const NODE: Node = Node {
    id: "org.linocut.PromptEdit",
    label: "Prompt Edit",
    command: "edit",
    help: "Edits a picture with a sentence: shapes are optimised until the encoder agrees with the prompt.",
    params: PARAMS,
    clips: super::ON_A_PICTURE,
    makes: Makes::Picture,
    edits: true,
    plan,
    finish,
};
