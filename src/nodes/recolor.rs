//! Linocut Recolor: colour-only edit.

use super::param::{Kind, Param, Switch, Text, Typed, Values};
use super::{Asked, Makes, Node, shared};
use crate::finish::Finish;
use crate::optimize::{Mode, Quality};
use crate::plan::Plan;

/// Whether shapes of one colour stay of one colour.
pub const PALETTE: Typed<Text> = Param {
    id: "palette",
    label: "Palette",
    hint: "'shared' moves all shapes of one palette colour together, like turning the inks of a print; 'free' lets every \
           shape find a colour of its own.",
    kind: Kind::Choice { default: "shared", options: &["shared", "free"] },
    animates: false,
}.text();

/// Whether black and white stay.
pub const KEEP_BLACK_WHITE: Typed<Switch> = Param {
    id: "keepBlackWhite",
    label: "Keep black and white",
    hint: "Leaves shapes that are almost black or almost white as they are, so that lettering and paper survive.",
    kind: Kind::Switch { default: false },
    animates: false,
}
.switch();

/// Where the palette goes.
pub const PALETTE_FILE: Typed<Text> = Param {
    id: "paletteFile",
    label: "Palette File",
    hint: "A GIMP palette (.gpl) to write the new colours to, each named after the colour it was. In a host the export \
           buttons write it, and a run of # becomes the number of the frame.",
    kind: Kind::File { is_read: false },
    animates: false,
}
.text();

const PARAMS: &[Param] = &[
    shared::PROMPT.param,
    shared::REGION.param,
    shared::ONLY.param,
    PALETTE.param,
    KEEP_BLACK_WHITE.param,
    shared::QUALITY.param,
    shared::ITERATIONS.param,
    shared::PATCHES.param,
    shared::SEED.param,
    shared::ENCODER.param,
    shared::STRENGTH.param,
    shared::DETAIL_OF_RECOLOR.param,
    shared::PRESET.param,
    shared::ROUNDS.param,
    shared::MAX_PATHS.param,
    shared::WORKING_SIZE.param,
    PALETTE_FILE.param,
    shared::LUT.param,
];

fn plan(values: &Values, asked: &Asked<'_>) -> Plan {
    let mut edit = super::settings(values, Mode::Color, asked);
    if edit.quality != Quality::Paper {
        edit.share_palette = values.get(&PALETTE) == "shared";
    }
    edit.keep_black_white = values.get(&KEEP_BLACK_WHITE);
    super::plan_of(values, Some(edit), asked)
}

fn finish(values: &Values) -> Finish {
    Finish {
        detail: values.get(&shared::DETAIL_OF_RECOLOR) as f32,
        strength: values.get(&shared::STRENGTH) as f32,
        ..Finish::default()
    }
}

/// The node's definition.
pub const NODE: Node = Node {
    id: "org.linocut.Recolor",
    label: "Recolor",
    command: "recolor",
    help: "Recolours a picture with a sentence; no outline moves and the grain of the source stays.",
    params: PARAMS,
    clips: super::ON_A_PICTURE,
    makes: Makes::Picture,
    edits: true,
    plan,
    finish,
};
