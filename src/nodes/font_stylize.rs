//! Linocut Font Stylize: shape-only edit of a word.

use super::param::{Kind, Param};
use super::{Node, shared};

const TEXT: Param = Param {
    id: "text",
    label: "Text",
    hint: "The word to draw with the font. Leave it empty to stylize the picture of a word.",
    kind: Kind::Text { default: "" },
    group: "Text",
    animates: false,
};

const FONT: Param = Param {
    id: "font",
    label: "Font",
    hint: "A TrueType or OpenType file with the letters of the text.",
    kind: Kind::File,
    group: "Text",
    animates: false,
};

const LEGIBILITY: Param = Param {
    id: "legibility",
    label: "Legibility",
    hint: "How strongly the blurred picture is held to the original word: 0 lets letters dissolve, higher values keep \
           them readable.",
    kind: Kind::Number { default: 1.0, min: 0.0, max: 100.0 },
    group: "Look",
    animates: false,
};

const LOGO: Param = Param {
    kind: Kind::Choice { default: "logo", options: &["photo", "poster", "lineart", "logo"] },
    ..shared::PRESET
};

const PARAMS: &[Param] = &[
    TEXT,
    FONT,
    shared::PROMPT,
    LEGIBILITY,
    shared::QUALITY,
    shared::ITERATIONS,
    shared::PATCHES,
    shared::SEED,
    shared::ENCODER,
    LOGO,
    shared::ROUNDS,
    shared::MAX_PATHS,
    shared::WORKING_SIZE,
];

/// The node's definition.
pub const NODE: Node = Node {
    id: "org.linocut.FontStylize",
    label: "Linocut Font Stylize",
    command: "stylize",
    help: "Bends the letters of a word toward a sentence; colours stay.",
    params: PARAMS,
};
