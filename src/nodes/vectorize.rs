//! Linocut Vectorize: picture to shapes.

use super::param::{Param, Values};
use super::{Asked, Makes, Node, shared};
use crate::finish::Finish;
use crate::plan::Plan;

const PARAMS: &[Param] = &[
    shared::PRESET.param,
    shared::ROUNDS.param,
    shared::MAX_PATHS.param,
    shared::WORKING_SIZE.param,
    shared::SEED.param,
];

fn plan(values: &Values, asked: &Asked<'_>) -> Plan {
    super::plan_of(values, None, asked)
}

fn finish(_: &Values) -> Finish {
    Finish::default()
}

/// The node's definition.
pub const NODE: Node = Node {
    id: "org.linocut.Vectorize",
    label: "Vectorize",
    command: "vectorize",
    help: "Turns a picture into stacked vector shapes: a coarse round of few colours with finer rounds on top.",
    params: PARAMS,
    clips: super::ON_A_PICTURE,
    makes: Makes::Shapes,
    edits: false,
    plan,
    finish,
};
