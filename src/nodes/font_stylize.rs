//! Linocut Font Stylize: shape-only edit of a word.

use super::param::{Color, Kind, Number, Param, Switch, Text, Typed, Values};
use super::{Asked, Clip, Makes, Node, shared};
use crate::finish::{Finish, Letters};
use crate::optimize::Mode;
use crate::plan::Plan;
use crate::scene::Scene;
use crate::text::{TextError, TextOptions, scene_from_text};

/// The word to draw.
pub const TEXT: Typed<Text> = Param {
    id: "text",
    label: "Text",
    hint: "The word to draw with the font. Leave it empty to stylize the picture of a word.",
    kind: Kind::Text { default: "" },
    animates: false,
}
.text();

/// The font it is drawn with.
pub const FONT: Typed<Text> = Param {
    id: "font",
    label: "Font",
    hint: "A TrueType or OpenType file with the letters of the text.",
    kind: Kind::File { is_read: true },
    animates: false,
}
.text();

/// How closely letters are held.
pub const LEGIBILITY: Typed<Number> = Param {
    id: "legibility",
    label: "Legibility",
    hint: "How closely each letter is held to a moved, leaning copy of itself: 0 lets letters dissolve, higher values keep \
           them readable.",
    kind: Kind::Number { default: 1.0, min: 0.0, max: 100.0 },
    animates: true,
}.number();

/// What colour the letters have.
pub const LETTER_COLOR: Typed<Color> = Param {
    id: "letterColor",
    label: "Letter colour",
    hint: "The colour of the letters of a text; the picture of a word keeps its own. In a host its numbers mean what those of \
           the picture mean. Changing it never edits again: the encoder always sees black on white.",
    kind: Kind::Color { default: [0.0; 3] },
    animates: true,
}
.color();

/// What the letters lie on.
pub const GROUND: Typed<Switch> = Param {
    id: "ground",
    label: "Ground",
    hint: "Draws the letters of a text on white. Without it they lie on nothing: their cover is the picture's alpha, and the SVG \
           holds them alone. Changing it never edits again.",
    kind: Kind::Switch { default: false },
    animates: false,
}
.switch();

const LOGO: Typed<Text> = Param {
    kind: Kind::Choice { default: "logo", options: &["photo", "poster", "lineart", "logo"] },
    ..shared::PRESET.param
}
.text();

/// The limit of [`LOGO`].
const MAX_PATHS: Param =
    Param { kind: Kind::AutoInteger { usual: 1000, min: 1, max: 200_000 }, ..shared::MAX_PATHS.param };

const PARAMS: &[Param] = &[
    TEXT.param,
    FONT.param,
    LETTER_COLOR.param,
    GROUND.param,
    shared::PROMPT.param,
    LEGIBILITY.param,
    shared::STRENGTH.param,
    shared::QUALITY.param,
    shared::ITERATIONS.param,
    shared::PATCHES.param,
    shared::SEED.param,
    shared::ENCODER.param,
    LOGO.param,
    shared::ROUNDS.param,
    MAX_PATHS,
    shared::WORKING_SIZE.param,
];

/// Every curve of a letter is split this often, so that it can bend (Word-As-Image, section 4.1).
const SUBDIVISIONS: u32 = 1;

/// `word` in the font with these bytes, on a canvas of this width and height.
///
/// # Errors
/// [`TextError`] for a letter that the font lacks, a broken font, no room.
pub fn scene_of_word(word: &str, font: &[u8], [width_px, height_px]: [f32; 2]) -> Result<Scene, TextError> {
    let margin_px = TextOptions::default().margin_px.min(width_px.min(height_px) / 8.0);
    let options = TextOptions { width_px, height_px, margin_px, subdivisions: SUBDIVISIONS, ..TextOptions::default() };
    scene_from_text(word, font, &options)
}

fn plan(values: &Values, asked: &Asked<'_>) -> Plan {
    let edit = super::settings(values, Mode::Shape, asked).with_legibility(values.get(&LEGIBILITY) as f32);
    super::plan_of(values, Some(edit), asked)
}

fn finish(values: &Values) -> Finish {
    let color = values.get(&LETTER_COLOR).map(|value| value as f32);
    let letters = Letters { color, ground: values.get(&GROUND) };
    // Without a text the word is a picture or shapes of its own.
    let letters = (!values.get(&TEXT).trim().is_empty()).then_some(letters);
    Finish { strength: values.get(&shared::STRENGTH) as f32, letters, ..Finish::default() }
}

/// The node's definition.
pub const NODE: Node = Node {
    id: "org.linocut.FontStylize",
    label: "Font Stylize",
    command: "stylize",
    help: "Bends the letters of a word toward a sentence; colours stay.",
    params: PARAMS,
    clips: &[Clip { optional: true, ..super::SOURCE }, super::MASK],
    makes: Makes::Picture,
    edits: true,
    plan,
    finish,
};
