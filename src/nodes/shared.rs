//! Parameter blocks that several nodes show, each defined once.

use super::param::{Areas, AutoInteger, Integer, Integers, Kind, Number, Param, Rectangle, Switch, Text, Typed};

/// Target sentence.
pub const PROMPT: Typed<Text> = Param {
    id: "prompt",
    label: "Prompt",
    hint: "What the picture should become, in plain words, such as 'a snowy village at night'. Leave it empty to edit \
           regions only.",
    kind: Kind::Text { default: "" },
    animates: true,
}
.text();

/// Rectangles with their own sentence.
pub const REGION: Typed<Areas> = Param {
    id: "region",
    label: "Region",
    hint: "A rectangle with a prompt of its own, in pixels of the source with the origin at the top left. What changes is \
           the thing inside it, by what is seen of its shapes and by their colours. Give it once a region.",
    kind: Kind::Regions,
    animates: false,
}.regions();

/// Restriction to the shapes of a rectangle.
pub const ONLY: Typed<Rectangle> = Param {
    id: "only",
    label: "Only shapes inside",
    hint: "Only shapes whose visible area lies mostly inside this rectangle may change; everything else is frozen.",
    kind: Kind::Rect,
    animates: false,
}
.rect();

/// Effort.
pub const QUALITY: Typed<Text> = Param {
    id: "quality",
    label: "Quality",
    hint: "How much work goes into an edit. 'draft' answers in seconds, 'normal' is for pictures, 'final' takes about \
           three times as long, 'paper' repeats the settings and quirks of the CLIPVG publication.",
    kind: Kind::Choice { default: "normal", options: &["draft", "normal", "final", "paper"] },
    animates: false,
}
.text();

/// Optimiser steps.
pub const ITERATIONS: Typed<AutoInteger> = Param {
    id: "iterations",
    label: "Iterations",
    hint: "Most optimiser steps after the search for a look or a bend. Automatic takes the number that belongs to the quality; the \
           fine steps of the second half end earlier when the picture no longer improves.",
    kind: Kind::AutoInteger { usual: 150, min: 1, max: 10_000 },
    animates: true,
}.auto_integer();

/// Crops an iteration.
pub const PATCHES: Typed<AutoInteger> = Param {
    id: "patches",
    label: "Patches",
    hint: "Random crops of each region that the encoder looks at in one step. Automatic takes the number that belongs to the \
           quality; more crops give steadier edits and cost time in proportion.",
    kind: Kind::AutoInteger { usual: 12, min: 1, max: 512 },
    animates: true,
}
.auto_integer();

/// Seed of every random choice.
pub const SEED: Typed<Integer> = Param {
    id: "seed",
    label: "Seed",
    hint: "Seed of every random choice. The same seed gives the same picture on the same kind of machine; another seed \
           gives another variation.",
    kind: Kind::Integer { default: 0, min: 0, max: i64::MAX },
    animates: true,
}
.integer();

/// Which encoder judges.
pub const ENCODER: Typed<Text> = Param {
    id: "encoder",
    label: "Encoder",
    hint: "Which encoder compares picture and text: 'default' is built in, other names are looked up as 'linocut models \
           list' shows, and a folder with config.json, model.safetensors and tokenizer.json works too.",
    kind: Kind::Text { default: "default" },
    animates: false,
}.text();

/// The source's own pixels under the grade.
pub const DETAIL: Typed<Number> = Param {
    id: "detail",
    label: "Detail",
    hint: "How much of the source's own pixels is kept, under the grade, where shapes have not moved: 0 gives flat vector \
           shapes, 1 a photograph. It does not touch the SVG.",
    kind: Kind::Number { default: 0.0, min: 0.0, max: 1.0 },
    animates: true,
}.number();

/// How much of the edit is shown.
pub const STRENGTH: Typed<Number> = Param {
    id: "strength",
    label: "Strength",
    hint: "How far along its way the edit is shown: 0 is the source, 1 the edit; points, colours and grades pass evenly in \
           between. Changing it never edits again.",
    kind: Kind::Number { default: 1.0, min: 0.0, max: 1.0 },
    animates: true,
}.number();

/// Where the grade goes.
pub const LUT: Typed<Text> = Param {
    id: "lut",
    label: "LUT File",
    hint: "A .cube file to write the global look of the edit to, as a 3D LUT from display-referred sRGB to the same. What \
           depends on the place in the picture is no part of it; the file says how much that is. In a host the button Export \
           LUT writes it, and a run of # becomes the number of the frame.",
    kind: Kind::File { is_read: false },
    animates: false,
}.text();

/// [`DETAIL`] for colour edits, where nothing moves.
pub const DETAIL_OF_RECOLOR: Typed<Number> =
    Param { kind: Kind::Number { default: 1.0, min: 0.0, max: 1.0 }, ..DETAIL.param }.number();

/// Kind of picture.
pub const PRESET: Typed<Text> = Param {
    id: "preset",
    label: "Preset",
    hint: "Kind of picture that the shapes are traced for: 'photo' for photographs, 'poster' for few flat areas, \
           'lineart' for dark lines on light ground, 'logo' for sharp corners and few colours.",
    kind: Kind::Choice { default: "photo", options: &["photo", "poster", "lineart", "logo"] },
    animates: false,
}
.text();

/// Colours a round.
pub const ROUNDS: Typed<Integers> = Param {
    id: "rounds",
    label: "Rounds",
    hint: "Number of colours of each round of vectorization, coarse first; finer rounds lie on top. The preset's own \
           rounds are used when this is left alone.",
    kind: Kind::Integers { default: &[], min: 1, max: 256, most: 8 },
    animates: false,
}
.integers();

/// Path budget.
pub const MAX_PATHS: Typed<AutoInteger> = Param {
    id: "maxPaths",
    label: "Most paths",
    hint: "Hard limit on the number of shapes; the smallest are left out first. Automatic takes the preset's limit: 2500 for \
           'photo', 600 for 'poster', 2000 for 'lineart', 1000 for 'logo'.",
    kind: Kind::AutoInteger { usual: 2500, min: 1, max: 200_000 },
    animates: true,
}
.auto_integer();

/// Size at which shapes are traced and optimised.
pub const WORKING_SIZE: Typed<Integer> = Param {
    id: "workingSize",
    label: "Working size",
    hint: "Long side in pixels at which shapes are traced and optimised. The result is always drawn at the source's own \
           size; larger pictures are scaled down first, smaller ones are left as they are.",
    kind: Kind::Integer { default: 512, min: 16, max: 4096 },
    animates: true,
}.integer();

/// What the mask limits.
pub const MASK_LIMITS: Typed<Switch> = Param {
    id: "maskLimits",
    label: "Mask limits shapes",
    hint: "Besides showing the edit only under the mask, lets only those shapes change that lie mostly under it. Every \
           other mask is then another edit.",
    kind: Kind::Switch { default: false },
    animates: false,
}
.switch();

/// Which side of the mask is edited.
pub const MASK_INVERT: Typed<Switch> = Param {
    id: "maskInvert",
    label: "Invert Mask",
    hint: "Shows the edit where the mask is black instead of where it is white. Changing it never edits again.",
    kind: Kind::Switch { default: false },
    animates: false,
}
.switch();

/// How much of the edit is seen.
pub const MIX: Typed<Number> = Param {
    id: "mix",
    label: "Mix",
    hint: "How much of the edit is seen: 0 shows the source, 1 the edit. Changing it never edits again.",
    kind: Kind::Number { default: 1.0, min: 0.0, max: 1.0 },
    animates: true,
}
.number();

/// How a result is laid over its source; they follow the node's own and [`super::prompts::PARAMS`].
pub const LAYING: &[Param] = &[MASK_INVERT.param, MIX.param];

/// What only edits have besides [`LAYING`].
pub const LIMITING: &[Param] = &[MASK_LIMITS.param];
