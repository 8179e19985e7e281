//! Nodes: what an artist or a script sees of the engine; no host types.
//!
//! Input: parameter values at a time. Output: a [`Plan`] and finishing options. Invariants: node and parameter ids
//! never change. Determinism: pure functions. Cost: none.

pub mod concept_transfer;
pub mod font_stylize;
pub mod hosted;
pub mod panel;
pub mod param;
pub mod prompt_edit;
pub mod prompts;
pub mod recolor;
pub mod shared;
pub mod vectorize;

use crate::finish::Finish;
use crate::gpu::Backend;
use crate::image::rect::Rect;
use crate::optimize::{Mode, Quality, Region, Settings};
pub use crate::plan::Role;
use crate::plan::{Input, MaterialHash, ModelRole, Plan, Recipe, Step, StepId};
use crate::schedule::Prompt;
use crate::vectorize::{Preset, RegionRound};
use param::{Area, Param, Values};

/// One node: what it is called, what it takes, what it makes of that.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// Stable OpenFX identifier.
    pub id: &'static str,
    /// Name an artist sees.
    pub label: &'static str,
    /// Command of the command line.
    pub command: &'static str,
    /// What it does, in a sentence.
    pub help: &'static str,
    /// Its parameters in page order.
    pub params: &'static [Param],
    /// Its inputs, the first one first.
    pub clips: &'static [Clip],
    /// What its result is for.
    pub makes: Makes,
    /// Whether it edits shapes with an encoder.
    pub edits: bool,
    /// What is to be done for its values.
    pub plan: fn(&Values, &Asked<'_>) -> Plan,
    /// How its values ask a finished edit to be shown; never part of a plan.
    pub finish: fn(&Values) -> Finish,
}

/// What a result is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Makes {
    /// Shapes to go on with; a picture of them is by the way.
    Shapes,
    /// A picture to look at.
    Picture,
}

/// An input of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clip {
    /// Name that hosts show; in small letters the flag of the command line.
    pub name: &'static str,
    /// What it is for.
    pub role: Role,
    /// Whether the node works without it.
    pub optional: bool,
    /// Whether it says how far each pixel of the source counts, and is no picture of its own.
    pub is_mask: bool,
    /// What a user should know.
    pub hint: &'static str,
}

impl Clip {
    /// Its flag, without dashes.
    pub fn flag(&self) -> String {
        self.name.to_lowercase()
    }
}

/// What is worked on.
const SOURCE: Clip =
    Clip { name: "Source", role: Role::Source, optional: false, is_mask: false, hint: "Picture or SVG to work on" };
/// Where the effect is seen.
const MASK: Clip = Clip {
    name: "Mask",
    role: Role::Mask,
    optional: true,
    is_mask: true,
    hint: "Picture of the source's size: the edit is seen where it is white or opaque",
};
/// The inputs of a node that works on a picture.
const ON_A_PICTURE: &[Clip] = &[SOURCE, MASK];

impl Node {
    /// Its parameters and those that it has in common with others, wherever it is used.
    pub fn all_params(&self) -> impl Iterator<Item = &'static Param> + Clone + use<> {
        self.params.iter().chain(self.common_params())
    }

    /// The parameters that it has in common with others: prompts over time, mask and mix.
    pub fn common_params(&self) -> impl Iterator<Item = &'static Param> + Clone + use<> {
        let prompts = if self.takes_prompts() { prompts::PARAMS } else { &[] };
        let limiting = if self.edits { shared::LIMITING } else { &[] };
        prompts.iter().chain(limiting).chain(shared::LAYING)
    }

    /// Whether it edits towards prompts; a node that edits and takes none follows a reference.
    pub fn takes_prompts(&self) -> bool {
        self.params.iter().any(|param| param.id == shared::PROMPT.id)
    }

    /// Whether it edits towards a picture of its own input.
    pub fn takes_reference(&self) -> bool {
        self.clips.iter().any(|clip| clip.role == Role::Reference)
    }

    /// Whether it can draw a source of its own: a word.
    pub fn draws_its_source(&self) -> bool {
        self.clips.iter().any(|clip| clip.role == Role::Source && clip.optional)
    }

    /// The inputs besides the source and the mask: pictures of their own.
    pub fn others(&self) -> impl Iterator<Item = &'static Clip> + use<> {
        self.clips.iter().filter(|clip| clip.role != Role::Source && !clip.is_mask)
    }
}

/// Every node, in menu order.
pub const NODES: &[Node] =
    &[vectorize::NODE, prompt_edit::NODE, recolor::NODE, font_stylize::NODE, concept_transfer::NODE];

/// Size of the source, in whose pixels an artist gives rectangles, and of the canvas that shapes live on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    /// Width and height of the source in pixels.
    pub source_px: [f32; 2],
    /// Width and height of the canvas in pixels.
    pub canvas_px: [f32; 2],
}

impl Sizes {
    /// `rect` of the source on the canvas.
    pub fn canvas_from_source(&self, [x, y, width, height]: [f64; 4]) -> Rect {
        let [x_scale, y_scale] = [0, 1].map(|axis| self.canvas_px[axis] / self.source_px[axis]);
        Rect::new(x as f32, y as f32, width as f32, height as f32).scaled(x_scale, y_scale)
    }
}

/// What a plan depends on besides the node's own parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked<'a> {
    /// Sizes of the source and of the canvas.
    pub sizes: Sizes,
    /// The prompt of the whole picture at the time of the frame; empty: only regions have one.
    pub prompt: &'a Prompt,
    /// What the plan starts from, and with whom it is carried out.
    pub start: &'a Start,
}

/// What a plan starts from, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The picture at working size, or shapes.
    pub source: MaterialHash,
    /// Whether the source is shapes.
    pub is_scene: bool,
    /// How far each pixel of the picture may change; none: wholly.
    pub mask: Option<MaterialHash>,
    /// The pictures of the node's other clips.
    pub others: Vec<(Role, MaterialHash)>,
    /// Hash of the encoder; empty for nodes that ask none.
    pub encoder: String,
    /// Hash of the diffusion model; empty where none is asked.
    pub diffusion: String,
    /// Class of the machine for edits.
    pub class: String,
}

/// What makes an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Shapes are optimised under an encoder.
    Vector,
    /// A diffusion model paints a picture.
    Diffusion,
}

/// The engine that `node` is asked for; none where nothing is edited.
pub fn engine(node: &Node, values: &Values) -> Option<Engine> {
    let has_choice = node.params.iter().any(|param| param.id == concept_transfer::ENGINE.id);
    let is_diffusion = has_choice && values.get(&concept_transfer::ENGINE) == concept_transfer::DIFFUSION;
    node.edits.then_some(if is_diffusion { Engine::Diffusion } else { Engine::Vector })
}

/// The effort that `node` is asked for; none where nothing is edited.
pub fn quality_of(node: &Node, values: &Values) -> Option<Quality> {
    node.edits.then(|| quality(values.get(&shared::QUALITY)))
}

/// The option of [`shared::QUALITY`] for a first look.
pub const DRAFT: &str = "draft";

/// A plan that traces as `values` say and then edits.
fn plan_of(values: &Values, edit: Option<Settings>, asked: &Asked<'_>) -> Plan {
    let mut traced = Preset::from_name(values.get(&shared::PRESET)).unwrap_or_default().settings();
    let rounds = values.get(&shared::ROUNDS);
    if !rounds.is_empty() {
        traced.rounds = rounds.iter().map(|&colors| colors as u32).collect();
    }
    if let Some(most) = values.get(&shared::MAX_PATHS) {
        traced.max_paths = most as usize;
    }
    traced.region = finer_region(edit.as_ref(), &asked.sizes);
    let (seed, start) = (values.get(&shared::SEED) as u64, asked.start);
    let mut plan = Plan { steps: Vec::new(), result: StepId(0) };
    let source = Input::Material(start.source.clone());
    let shapes = if start.is_scene && edit.is_some() {
        source
    } else {
        // Pictures are traced on the processor, without matrices, whatever draws them: every machine makes the same bits.
        let (class, inputs) = (Backend::Cpu.class(), vec![(Role::Source, source)]);
        plan.result = plan.push(Step { recipe: Recipe::Trace(traced), inputs, models: Vec::new(), class, seed });
        Input::Step(plan.result)
    };
    if let Some(edit) = edit {
        let mask = start.mask.iter().map(|mask| (Role::Mask, Input::Material(mask.clone())));
        let others = start.others.iter().map(|(role, hash)| (*role, Input::Material(hash.clone())));
        let inputs = std::iter::once((Role::Start, shapes)).chain(mask).chain(others).collect();
        let models = vec![(ModelRole::Encoder, start.encoder.clone())];
        plan.result = plan.push(Step { recipe: Recipe::Edit(edit), inputs, models, class: start.class.clone(), seed });
    }
    plan
}

/// Whether an edit by `values` finds no look, which a LUT could hold.
pub fn has_no_look(node: &Node, values: &Values) -> bool {
    plan_for_nothing(node, values, &Prompt::default()).edit().is_none_or(|edit| !edit.is_graded())
}

/// The plan of `node` for a source, an encoder and a machine that nobody knows: what depends on values and prompt alone.
pub fn plan_for_nothing(node: &Node, values: &Values, prompt: &Prompt) -> Plan {
    let sizes = Sizes { source_px: [1.0; 2], canvas_px: [1.0; 2] };
    let source = MaterialHash(String::new());
    let start = Start {
        source,
        is_scene: false,
        mask: None,
        others: Vec::new(),
        encoder: String::new(),
        diffusion: String::new(),
        class: String::new(),
    };
    (node.plan)(values, &Asked { sizes, prompt, start: &start })
}

/// Colours of the extra round inside a region, as the publication uses for faces.
const REGION_COLORS: u32 = 30;

/// A region with a prompt of its own gets a finer round where points may move: objects need more shapes than grounds.
fn finer_region(edit: Option<&Settings>, sizes: &Sizes) -> Option<RegionRound> {
    let edit = edit.filter(|edit| edit.mode != Mode::Color)?;
    let rect = edit.regions.iter().find_map(|region| region.rect_in_canvas)?;
    let [width, height] = sizes.canvas_px;
    let inside = rect.clipped(width, height)?;
    let (left, top) = (inside.x.floor(), inside.y.floor());
    let (right, bottom) = ((inside.x + inside.width).ceil().min(width), (inside.y + inside.height).ceil().min(height));
    let rect_px = [left, top, right - left, bottom - top].map(|side| side as u32);
    Some(RegionRound { rect_px, colors: REGION_COLORS })
}

/// The settings of an edit in `mode` for what all editing nodes have.
fn settings(values: &Values, mode: Mode, Asked { sizes, prompt, .. }: &Asked<'_>) -> Settings {
    let mut settings = Settings::of(quality(values.get(&shared::QUALITY)), mode);
    let mut regions = Vec::new();
    if !prompt.text.is_empty() {
        regions.push(Region { prompt: (*prompt).clone(), ..Region::new("", None) });
    }
    settings.only_in_canvas.extend(values.get(&shared::ONLY).map(|rect| sizes.canvas_from_source(rect)));
    for Area { rect, prompt, weight, patches, only } in values.get(&shared::REGION) {
        let rect = sizes.canvas_from_source(*rect);
        let patches = u32::try_from(*patches).ok().filter(|&patches| patches > 0);
        regions.push(Region { weight: *weight as f32, patches, ..Region::new(prompt, Some(rect)) });
        settings.only_in_canvas.extend(only.then_some(rect));
    }
    settings = settings.with_regions(regions);
    with_effort(&mut settings, values);
    settings
}

/// Gives `settings` the steps and crops that are set by hand.
fn with_effort(settings: &mut Settings, values: &Values) {
    for (target, param) in [(&mut settings.iterations, shared::ITERATIONS), (&mut settings.patches, shared::PATCHES)] {
        if let Some(number) = values.get(&param) {
            *target = number as u32;
        }
    }
}

/// The effort of this name; any other is normal.
pub fn quality(name: &str) -> Quality {
    match name {
        DRAFT => Quality::Draft,
        "final" => Quality::Final,
        "paper" => Quality::Paper,
        _ => Quality::Normal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_shown_limit_of_shapes_is_the_one_that_automatic_takes() {
        let hint = shared::MAX_PATHS.param.hint;
        for preset in Preset::ALL {
            let (name, most) = (preset.name(), preset.settings().max_paths);
            assert!(hint.contains(&format!("{most} for '{name}'")), "{name} takes {most}: {hint}");
        }
        for node in NODES {
            let kind_of = |id| node.params.iter().find(|param| param.id == id).map(|param| param.kind);
            let (preset, most) = (kind_of(shared::PRESET.id), kind_of(shared::MAX_PATHS.id));
            let Some((param::Kind::Choice { default, .. }, param::Kind::AutoInteger { usual, .. })) = preset.zip(most)
            else {
                continue;
            };
            assert_eq!(usual, Preset::from_name(default).unwrap().settings().max_paths as i64, "{}", node.id);
        }
    }

    #[test]
    fn ids_flags_and_commands_are_unique_and_hints_are_sentences() {
        let commands = NODES.iter().map(|node| node.command).collect::<BTreeSet<_>>();
        assert_eq!(commands.len(), NODES.len(), "two nodes share a command");
        for node in NODES {
            let flags = node.params.iter().map(Param::flag).collect::<BTreeSet<_>>();
            assert_eq!(flags.len(), node.params.len(), "{} repeats a flag", node.id);
            for param in node.params {
                assert!(param.hint.len() > 30 && param.hint.ends_with('.'), "{}: hint of {}", node.id, param.id);
            }
        }
    }

    #[test]
    fn rectangles_of_the_source_are_scaled_to_the_canvas() {
        let sizes = Sizes { source_px: [1024.0, 2048.0], canvas_px: [256.0, 512.0] };
        assert_eq!(sizes.canvas_from_source([100.0, 200.0, 40.0, 80.0]), Rect::new(25.0, 50.0, 10.0, 20.0));
    }

    #[test]
    fn detail_follows_the_mode_unless_it_is_given() {
        let params = prompt_edit::NODE.params;
        let mut values = Values::defaults(params);
        let detail = |values: &Values| (prompt_edit::NODE.finish)(values).detail;
        assert_eq!(detail(&values), 0.0, "full edits are flat");
        let mode = params.iter().find(|param| param.id == "mode").unwrap();
        values.set(mode, mode.parse("color").unwrap()).unwrap();
        assert_eq!(detail(&values), 1.0, "colour edits keep the grain");
        values.set(&shared::DETAIL, param::Value::Number(0.25)).unwrap();
        assert_eq!(detail(&values), 0.25, "as given");
    }
}
