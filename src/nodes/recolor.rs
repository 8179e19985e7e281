//! Linocut Recolor: colour-only edit.

use super::param::{Kind, Param};
use super::{Node, shared};

const PALETTE: Param = Param {
    id: "palette",
    label: "Palette",
    hint: "'shared' moves all shapes of one palette colour together, like turning the inks of a print; 'free' lets every \
           shape find a colour of its own.",
    kind: Kind::Choice { default: "shared", options: &["shared", "free"] },
    group: "Look",
    animates: false,
};

const KEEP_BLACK_WHITE: Param = Param {
    id: "keepBlackWhite",
    label: "Keep black and white",
    hint: "Leaves shapes that are almost black or almost white as they are, so that lettering and paper survive.",
    kind: Kind::Switch { default: false },
    group: "Look",
    animates: false,
};

/// Where the palette goes.
pub const PALETTE_FILE: Param = Param {
    id: "paletteFile",
    label: "Palette File",
    hint: "A GIMP palette (.gpl) to write the new colours to, each named after the colour it was. In a host the export \
           buttons write it, and a run of # becomes the number of the frame.",
    kind: Kind::File,
    group: "Shapes Out",
    animates: false,
};

const PARAMS: &[Param] = &[
    shared::PROMPT,
    shared::REGION,
    shared::ONLY,
    PALETTE,
    KEEP_BLACK_WHITE,
    shared::QUALITY,
    shared::ITERATIONS,
    shared::PATCHES,
    shared::SEED,
    shared::ENCODER,
    shared::STRENGTH,
    shared::DETAIL_OF_RECOLOR,
    shared::PRESET,
    shared::ROUNDS,
    shared::MAX_PATHS,
    shared::WORKING_SIZE,
    PALETTE_FILE,
    shared::LUT,
];

/// The node's definition.
pub const NODE: Node = Node {
    id: "org.linocut.Recolor",
    label: "Linocut Recolor",
    command: "recolor",
    help: "Recolours a picture with a sentence; no outline moves and the grain of the source stays.",
    params: PARAMS,
};
