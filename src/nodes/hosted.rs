//! Parameters that only hosts show: what a file says by itself, a host must be asked for.

use super::param::{AutoInteger, Integer, Kind, Number, Param, Switch, Text, Typed};
use super::{Node, shared};

/// Regions that a node carries; a command line takes any number.
pub const MOST_REGIONS: usize = 8;

/// What the numbers of the source mean.
pub const INPUT_COLOR_SPACE: Typed<Text> = Param {
    id: "inputColourSpace",
    label: "Input colour space",
    hint: "What the numbers of the source mean. 'auto' takes what the host says of the clip, else floating-point pictures as \
           linear light with Rec.709 primaries and the others as sRGB; choose by hand where the host works in another way.",
    kind: Kind::Choice { default: "auto", options: &["auto", "linear", "srgb"] },
    animates: false,
}
.text();

/// Weight of a region; its id follows the region's.
pub const REGION_WEIGHT: Typed<Number> = Param {
    id: "Weight",
    label: "Weight",
    hint: "How much this region counts against the other prompts; the prompt of the whole picture counts 1.",
    kind: Kind::Number { default: 1.0, min: 0.01, max: 100.0 },
    animates: true,
}
.number();

/// Crops of a region; its id follows the region's.
pub const REGION_PATCHES: Typed<AutoInteger> = Param {
    id: "Patches",
    label: "Patches here",
    hint: "Random crops of this region that the encoder looks at in one step. Automatic takes as many as the node's own Patches.",
    kind: Kind::AutoInteger { usual: 12, min: 1, max: 512 },
    animates: true,
}.auto_integer();

/// Whether a region limits what may change; its id follows the region's.
pub const REGION_ONLY: Typed<Switch> = Param {
    id: "Only",
    label: "Limit to its shapes",
    hint: "Only shapes whose visible area lies mostly inside this region, or inside another one with this switch, may \
           change; everything else is frozen.",
    kind: Kind::Switch { default: false },
    animates: false,
}
.switch();

/// Where the shapes go.
pub const SVG_FILE: Typed<Text> = Param {
    id: "svgFile",
    label: "SVG File",
    hint: "The file that Export SVG writes; a run of # becomes the number of the frame, as in shot.####.svg.",
    kind: Kind::File { is_read: false },
    animates: false,
}
.text();

/// Whether the mask counts; for hosts that say of an input that nobody connected that it is.
pub const USE_MASK: Typed<Switch> = Param {
    id: "useMask",
    label: "Use mask",
    hint: "Shows the edit under the Mask input alone. This host does not say whether that input is connected, so it must be \
           switched on by hand.",
    kind: Kind::Switch { default: false },
    animates: false,
}
.switch();

/// Those of hosts that do not say whether a mask is connected.
pub const MASKING: &[Param] = &[USE_MASK.param];

/// Where shapes are drawn; a command line has a flag for it.
pub const BACKEND: Typed<Text> = Param {
    id: "backend",
    label: "Backend",
    hint: "Where shapes are drawn and moved. 'cpu' gives the same bits on every x86-64 machine with fused multiply-add; 'gpu' \
           is a graphics card, whose pictures differ a little; 'auto' takes a card where there is one. The environment \
           variable LINOCUT_GPU names the card: an index, a part of its name, or off.",
    kind: Kind::Choice { default: "cpu", options: &["cpu", "gpu", "auto"] },
    animates: false,
}.text();

/// Where a reference comes from when nothing is connected.
pub const REFERENCE_FILE: Typed<Text> = Param {
    id: "referenceFile",
    label: "Reference file",
    hint: "A picture file whose look goes onto the source where nothing is connected to Reference: PNG, JPEG, WebP, TIFF or EXR. \
           Hosts with one input for a filter need it.",
    kind: Kind::File { is_read: true },
    animates: false,
}
.text();

/// Which frame of the reference counts.
pub const REFERENCE_FRAME: Typed<AutoInteger> = Param {
    id: "referenceFrame",
    label: "Reference frame",
    hint: "The frame of the Reference input that counts. Automatic takes the frame that is rendered; a fixed one keeps a still \
           picture of a moving reference.",
    kind: Kind::AutoInteger { usual: 1, min: -1_000_000, max: 1_000_000 },
    animates: true,
}
.auto_integer();

/// Those of nodes with a reference; they follow the node's own.
pub const REFERENCES: &[Param] = &[REFERENCE_FILE.param, REFERENCE_FRAME.param];

/// Those of every node, in page order; they follow the node's own.
pub const PARAMS: &[Param] =
    &[INPUT_COLOR_SPACE.param, BACKEND.param, WHOLE_PROJECT.param, FIRST_FRAME.param, LAST_FRAME.param, SVG_FILE.param];

/// Whether a range is all of the project.
pub const WHOLE_PROJECT: Typed<Switch> = Param {
    id: "wholeProject",
    label: "Whole project",
    hint: "Bake Range and Export Range work on every frame of the project. Switch it off to name the first and the last frame.",
    kind: Kind::Switch { default: true },
    animates: false,
}
.switch();

/// First frame of a range.
pub const FIRST_FRAME: Typed<Integer> = Param {
    id: "firstFrame",
    label: "First frame",
    hint: "The first frame that Bake Range and Export Range work on.",
    kind: Kind::Integer { default: 1, min: -1_000_000, max: 1_000_000 },
    animates: false,
}
.integer();

/// Last frame of a range.
pub const LAST_FRAME: Typed<Integer> = Param {
    id: "lastFrame",
    label: "Last frame",
    hint: "The last frame that Bake Range and Export Range work on.",
    kind: Kind::Integer { default: 1, min: -1_000_000, max: 1_000_000 },
    animates: false,
}
.integer();

/// Ready-made prompts.
pub const PROMPT_PRESET: Typed<Text> = Param {
    id: "promptPreset",
    label: "Prompt preset",
    hint: "Writes a ready-made sentence into the prompt; change it there as you like. It does nothing by itself.",
    kind: Kind::Choice {
        default: "none",
        options: &["none", "sunset", "moonlight", "snow", "fog", "autumn", "sepia", "neon", "gold"],
    },
    animates: false,
}
.text();

/// Those of nodes with a prompt; they follow [`super::prompts::PARAMS`].
pub const PROMPTS: &[Param] = &[PROMPT_PRESET.param];

/// The sentence of an option of [`PROMPT_PRESET`].
pub fn preset_prompt(option: &str) -> Option<&'static str> {
    Some(match option {
        "sunset" => "a photo at sunset",
        "moonlight" => "a scene by moonlight",
        "snow" => "a photo in the snow",
        "fog" => "a photo in thick mist",
        "autumn" => "a photo in autumn colors",
        "sepia" => "a sepia photograph",
        "neon" => "a scene lit by neon lights",
        "gold" => "something made of gold",
        _ => return None,
    })
}

/// A text that a node shows and nobody types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadOut {
    /// Stable name.
    pub id: &'static str,
    /// Name an artist sees.
    pub label: &'static str,
    /// Full sentences: what it says.
    pub hint: &'static str,
    /// What it says at first.
    pub default: &'static str,
}

/// The prompt that counts at the current frame.
pub const EFFECTIVE_PROMPT: ReadOut = ReadOut {
    id: "effectivePrompt",
    label: "Effective prompt",
    hint: "What the prompt, its keys, the schedule and Prompt B come to at the current frame.",
    default: "",
};

/// What is seen.
pub const STATUS: ReadOut = ReadOut {
    id: "status",
    label: "Shown",
    hint: "What the last render of this node showed: the quality that was really used, whether the edit was made or found, the \
           frame.",
    default: "not rendered yet",
};

/// What the edit came to.
pub const STATUS_EDIT: ReadOut = ReadOut {
    id: "statusEdit",
    label: "Edit",
    hint: "What the edit came to: number of shapes, optimiser steps, loss before and after.",
    default: "-",
};

/// Who judged.
pub const STATUS_ENCODER: ReadOut = ReadOut {
    id: "statusEncoder",
    label: "Judged by",
    hint: "The encoder that compared the picture with its prompt or reference, with the beginning of its hash, and how it looked at the picture.",
    default: "-",
};

/// How the source was read.
pub const STATUS_SOURCE: ReadOut = ReadOut {
    id: "statusSource",
    label: "Source read as",
    hint: "What the numbers of the source were taken for, and how its colours relate to its alpha.",
    default: "-",
};

/// What this is.
pub const ABOUT: ReadOut = ReadOut {
    id: "about",
    label: "About",
    hint: "Version of the plug-in; frames of one version are the same on every machine.",
    default: concat!("Linocut ", env!("CARGO_PKG_VERSION"), ", with a built-in encoder"),
};

/// Those of every node that renders change, in page order.
pub const STATUSES: [&ReadOut; 4] = [&STATUS, &STATUS_EDIT, &STATUS_ENCODER, &STATUS_SOURCE];

/// Counts what was baked. Hosts keep pictures by the values of parameters: another value has the baked picture shown instead of
/// a draft at once. Nobody sees it, and no plan reads it.
pub const BAKED: &str = "baked";

/// Something that happens at once when it is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Button {
    /// Stable name.
    pub id: &'static str,
    /// Name an artist sees.
    pub label: &'static str,
    /// Full sentences: what it does.
    pub hint: &'static str,
}

/// Writes the shapes of the current frame.
pub const EXPORT_SVG: Button = Button {
    id: "exportSvg",
    label: "Export SVG",
    hint: "Writes the shapes of the current frame to the SVG file, in the quality that is set; a frame that was rendered \
           before is written at once.",
};

/// Writes the shapes of a range.
pub const EXPORT_RANGE: Button = Button {
    id: "exportRange",
    label: "Export Range",
    hint: "Writes the shapes of every frame from First frame to Last frame; the file's name needs a run of # for the number.",
};

/// Writes the look of the current frame; of nodes that have a file for it.
pub const EXPORT_LUT: Button = Button {
    id: "exportLut",
    label: "Export LUT",
    hint: "Writes the global look of the edit at the current frame to the LUT file, for any program that reads .cube files.",
};

/// Renders the current frame into the cache.
pub const BAKE_FRAME: Button = Button {
    id: "bakeFrame",
    label: "Bake Frame",
    hint: "Edits the current frame in the quality that is set and keeps the result, so that drafts and renders show it at \
           once.",
};

/// Renders a range into the cache.
pub const BAKE_RANGE: Button = Button {
    id: "bakeRange",
    label: "Bake Range",
    hint: "Edits every frame from First frame to Last frame and keeps the results. Stopping keeps what is finished.",
};

/// Empties the cache.
pub const PURGE_CACHE: Button = Button {
    id: "purgeCache",
    label: "Purge Cache",
    hint: "Throws away every finished scene that is kept on this machine; the next render of each frame edits again.",
};

/// The buttons of `node`, in page order; they follow the parameters of their group.
pub fn buttons(node: &Node) -> impl Iterator<Item = &'static Button> {
    let has_lut = node.params.iter().any(|param| param.id == shared::LUT.id);
    BUTTONS.iter().filter(move |button| has_lut || **button != EXPORT_LUT)
}

const BUTTONS: &[Button] = &[BAKE_FRAME, BAKE_RANGE, EXPORT_SVG, EXPORT_RANGE, EXPORT_LUT, PURGE_CACHE];

/// Whether a viewer shows the rectangles.
pub const INTERACTIVE: Typed<Switch> = Param {
    id: "interactive",
    label: "Show rectangles",
    hint: "Shows the rectangles that are switched on in the viewer, where their corners, edges and centres can be \
           dragged. It changes nothing but the viewer.",
    kind: Kind::Switch { default: true },
    animates: false,
}
.switch();

/// Whether a pen in the viewer picks shapes.
pub const PICK: Typed<Switch> = Param {
    id: "pickRegion",
    label: "Region from a shape",
    hint: "Shows the outline of the shape under the pen in the viewer; a press puts the next free region around it and switches \
           this off.",
    kind: Kind::Switch { default: false },
    animates: false,
}
.switch();

/// Those of nodes with rectangles; they follow the node's own and never reach a plan.
pub const OVERLAY: &[Param] = &[INTERACTIVE.param, PICK.param];

/// Those of `node`: shapes are picked where there are regions to put around them.
pub fn overlay(node: &Node) -> impl Iterator<Item = &'static Param> + use<> {
    let has_regions = node.params.iter().any(|param| param.id == shared::REGION.id);
    let has_rectangles = has_rectangles(node);
    OVERLAY.iter().filter(move |param| if param.id == PICK.id { has_regions } else { has_rectangles })
}

/// A rectangle as hosts have it: three parameters, `{id}Enable`, `{id}BottomLeft` and `{id}Size`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rectangle {
    /// What the names of its parameters begin with.
    pub id: String,
    /// What a viewer calls it.
    pub title: String,
}

/// Parameters that are rectangles, the lowest in a viewer first.
const RECTANGLES: [Param; 2] = [shared::ONLY.param, shared::REGION.param];

/// Every rectangle that a node may have, the lowest in a viewer first.
pub fn rectangles() -> impl Iterator<Item = Rectangle> {
    RECTANGLES.into_iter().flat_map(|param| {
        let numbers = if param.kind == Kind::Regions { 1..=MOST_REGIONS } else { 0..=0 };
        numbers.map(move |number| match number {
            0 => Rectangle { id: param.id.to_owned(), title: param.label.to_owned() },
            _ => Rectangle { id: format!("{}{number}", param.id), title: number.to_string() },
        })
    })
}

/// The regions of a node that has any, by their ids.
pub fn regions() -> impl Iterator<Item = String> {
    (1..=MOST_REGIONS).map(|number| format!("{}{number}", shared::REGION.id))
}

/// The region that the button called `name` copies.
pub fn region_copied_by(name: &str) -> Option<String> {
    regions().find(|id| name.strip_prefix(id.as_str()) == Some(COPY))
}

/// What the id of a region's own prompt ends with.
pub const REGION_PROMPT: &str = "Prompt";

/// What the id of the button that copies a region ends with.
pub const COPY: &str = "Copy";

/// The rectangle that the switch called `name` switches on and off.
pub fn rectangle_switched_by(name: &str) -> Option<String> {
    rectangles().map(|rectangle| rectangle.id).find(|id| name.strip_prefix(id.as_str()) == Some("Enable"))
}

/// Whether `node` has a rectangle.
pub fn has_rectangles(node: &Node) -> bool {
    node.params.iter().any(|param| RECTANGLES.iter().any(|rectangle| rectangle.id == param.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::NODES;

    #[test]
    fn every_rectangle_of_every_node_is_known_to_viewers() {
        for param in NODES.iter().flat_map(|node| node.params) {
            let is_rectangle = matches!(param.kind, Kind::Rect | Kind::Regions);
            assert_eq!(is_rectangle, RECTANGLES.iter().any(|known| known.id == param.id), "{}", param.id);
        }
        let ids = rectangles().map(|rectangle| rectangle.id).collect::<Vec<_>>();
        assert_eq!(ids[..3], ["only", "region1", "region2"]);
        assert_eq!(ids.len(), 1 + MOST_REGIONS);
    }
}
