//! Linocut Prompt Edit: CLIPVG with a global prompt and regions.

use super::param::{Kind, Param};
use super::{Node, shared};

const MODE: Param = Param {
    id: "mode",
    label: "Mode",
    hint: "What may change: 'full' moves outlines and colours, 'color' keeps every outline, 'shape' keeps every colour.",
    kind: Kind::Choice { default: "full", options: &["full", "color", "shape"] },
    group: "Prompt",
    animates: false,
};

/// [`shared::DETAIL`] with a default that follows the mode.
const DETAIL: Param = Param {
    hint: "How much of the source's own pixels is kept, under the grade, where shapes have not moved: 0 gives flat vector \
           shapes, 1 a photograph. -1 takes 1 in mode 'color' and 0 elsewhere. It does not touch the SVG.",
    kind: Kind::Number { default: -1.0, min: -1.0, max: 1.0 },
    ..shared::DETAIL
};

const PARAMS: &[Param] = &[
    shared::PROMPT,
    MODE,
    shared::REGION,
    shared::ONLY,
    shared::QUALITY,
    shared::ITERATIONS,
    shared::PATCHES,
    shared::SEED,
    shared::ENCODER,
    shared::STRENGTH,
    DETAIL,
    shared::PRESET,
    shared::ROUNDS,
    shared::MAX_PATHS,
    shared::WORKING_SIZE,
    shared::LUT,
];

/// The node's definition.
pub const NODE: Node = Node {
    id: "org.linocut.PromptEdit",
    label: "Linocut Prompt Edit",
    command: "edit",
    help: "Edits a picture with a sentence: shapes are optimised until the encoder agrees with the prompt.",
    params: PARAMS,
};
