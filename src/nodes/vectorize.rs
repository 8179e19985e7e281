//! Linocut Vectorize: picture to shapes.

use super::param::Param;
use super::{Node, shared};

const PARAMS: &[Param] = &[shared::PRESET, shared::ROUNDS, shared::MAX_PATHS, shared::WORKING_SIZE, shared::SEED];

/// The node's definition.
pub const NODE: Node = Node {
    id: "org.linocut.Vectorize",
    label: "Linocut Vectorize",
    command: "vectorize",
    help: "Turns a picture into stacked vector shapes: a coarse round of few colours with finer rounds on top.",
    params: PARAMS,
};
