//! The panel of a node in a host: which group holds what, in the order in which an artist works.
//!
//! Input: a node. Output: its groups with their items; headings of the command line. Invariants: every item of every node has one
//! place; a group holds one thing, and what is needed rarely is closed at first. Cost: none.

use super::hosted::{self, Button, ReadOut};
use super::param::Param;
use super::{Node, concept_transfer, font_stylize, prompt_edit, prompts, recolor, shared};

/// What stands on a panel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item {
    /// Something to set.
    Param(&'static Param),
    /// Something to press.
    Button(&'static Button),
    /// Something to read.
    ReadOut(&'static ReadOut),
}

impl Item {
    /// Its stable name.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Param(param) => param.id,
            Self::Button(button) => button.id,
            Self::ReadOut(read_out) => read_out.id,
        }
    }
}

/// Which nodes have a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    Anything,
    Prompts,
    References,
}

/// A group of a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// What stands over it.
    pub title: &'static str,
    /// Whether it is open at first.
    pub is_open: bool,
    about: About,
    ids: &'static [&'static str],
}

/// Every group, from top to bottom.
pub const GROUPS: &[Group] = &[
    Group {
        title: "Text",
        is_open: true,
        about: About::Anything,
        ids: &[
            font_stylize::TEXT.param.id,
            font_stylize::FONT.param.id,
            font_stylize::LETTER_COLOR.param.id,
            font_stylize::GROUND.param.id,
        ],
    },
    Group {
        title: "Reference",
        is_open: true,
        about: About::References,
        ids: &[
            hosted::REFERENCE_FILE.param.id,
            concept_transfer::ENGINE.param.id,
            shared::STRENGTH.param.id,
            concept_transfer::KEEP_STRUCTURE.param.id,
            shared::DETAIL.param.id,
            hosted::REFERENCE_FRAME.param.id,
        ],
    },
    Group {
        title: "Prompt",
        is_open: true,
        about: About::Prompts,
        ids: &[
            shared::PROMPT.param.id,
            hosted::PROMPT_PRESET.param.id,
            shared::STRENGTH.param.id,
            prompt_edit::MODE.param.id,
            recolor::PALETTE.param.id,
            recolor::KEEP_BLACK_WHITE.param.id,
            font_stylize::LEGIBILITY.param.id,
            shared::DETAIL.param.id,
        ],
    },
    Group {
        title: "Quality and bake",
        is_open: true,
        about: About::Anything,
        ids: &[
            shared::QUALITY.param.id,
            hosted::STATUS.id,
            hosted::STATUS_EDIT.id,
            hosted::STATUS_ENCODER.id,
            hosted::BAKE_FRAME.id,
            hosted::BAKE_RANGE.id,
            hosted::WHOLE_PROJECT.param.id,
            hosted::FIRST_FRAME.param.id,
            hosted::LAST_FRAME.param.id,
            hosted::PURGE_CACHE.id,
        ],
    },
    Group {
        title: "Regions",
        is_open: false,
        about: About::Anything,
        ids: &[hosted::INTERACTIVE.param.id, hosted::PICK.param.id, shared::REGION.param.id, shared::ONLY.param.id],
    },
    Group {
        title: "Prompts over time",
        is_open: false,
        about: About::Anything,
        ids: &[
            hosted::EFFECTIVE_PROMPT.id,
            prompts::TRANSITION.param.id,
            prompts::PROMPT_SCHEDULE.param.id,
            prompts::PROMPT_B.param.id,
            prompts::PROMPT_MIX.param.id,
        ],
    },
    Group {
        title: "Shapes",
        is_open: false,
        about: About::Anything,
        ids: &[
            shared::PRESET.param.id,
            shared::ROUNDS.param.id,
            shared::MAX_PATHS.param.id,
            shared::WORKING_SIZE.param.id,
            hosted::SVG_FILE.param.id,
            hosted::EXPORT_SVG.id,
            recolor::PALETTE_FILE.param.id,
            shared::LUT.param.id,
            hosted::EXPORT_LUT.id,
            hosted::EXPORT_RANGE.id,
        ],
    },
    Group {
        title: "Diffusion",
        is_open: false,
        about: About::References,
        ids: &[
            concept_transfer::MODEL.param.id,
            concept_transfer::CONCEPT.param.id,
            concept_transfer::LAYOUT.param.id,
            concept_transfer::PLACING.param.id,
            concept_transfer::GUIDANCE.param.id,
        ],
    },
    Group {
        title: "Fine tuning",
        is_open: false,
        about: About::Anything,
        ids: &[
            shared::SEED.param.id,
            shared::ITERATIONS.param.id,
            shared::PATCHES.param.id,
            shared::ENCODER.param.id,
            hosted::BACKEND.param.id,
        ],
    },
    Group {
        title: "Source and output",
        is_open: true,
        about: About::Anything,
        ids: &[
            hosted::INPUT_COLOR_SPACE.param.id,
            hosted::STATUS_SOURCE.id,
            hosted::USE_MASK.param.id,
            shared::MASK_INVERT.param.id,
            shared::MASK_LIMITS.param.id,
            shared::MIX.param.id,
        ],
    },
    Group { title: "About", is_open: false, about: About::Anything, ids: &[hosted::ABOUT.id] },
];

impl Group {
    fn is_of(&self, node: &Node) -> bool {
        match self.about {
            About::Anything => true,
            About::Prompts => node.takes_prompts(),
            About::References => node.takes_reference(),
        }
    }
}

/// The first group that holds `id`, of whatever node.
pub fn first_with(id: &str) -> Option<&'static Group> {
    GROUPS.iter().find(|group| group.ids.contains(&id))
}

/// The group of `node` that holds `id`; the last one what has no place of its own.
pub fn group_of(node: &Node, id: &str) -> Option<&'static Group> {
    GROUPS.iter().find(|group| group.is_of(node) && group.ids.contains(&id)).or(GROUPS.last())
}

/// Everything that `node` shows in a host, by no order; `asks_for_mask` where the host does not say whether a mask is connected.
fn items(node: &Node, asks_for_mask: bool) -> impl Iterator<Item = Item> {
    let presets = if node.takes_prompts() { hosted::PROMPTS } else { &[] };
    let references = if node.takes_reference() { hosted::REFERENCES } else { &[] };
    let mask = if asks_for_mask { hosted::MASKING } else { &[] };
    let own = node.all_params().chain(presets).chain(references);
    let params = own.chain(hosted::overlay(node)).chain(mask).chain(hosted::PARAMS).map(Item::Param);
    let prompt = node.takes_prompts().then_some(&hosted::EFFECTIVE_PROMPT);
    let read_outs = prompt.into_iter().chain(hosted::STATUSES).chain([&hosted::ABOUT]).map(Item::ReadOut);
    params.chain(hosted::buttons(node).map(Item::Button)).chain(read_outs)
}

/// The groups of `node` that hold anything, from top to bottom; `asks_for_mask` as in hosts that do not say whether a mask is
/// connected.
pub fn groups(node: &Node, asks_for_mask: bool) -> Vec<(&'static Group, Vec<Item>)> {
    let all = items(node, asks_for_mask).collect::<Vec<_>>();
    let placed = |group: &'static Group| {
        let own = group.ids.iter().filter_map(|id| all.iter().copied().find(|item| item.id() == *id));
        (group, own.collect::<Vec<_>>())
    };
    GROUPS.iter().filter(|group| group.is_of(node)).map(placed).filter(|(_, items)| !items.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::NODES;
    use std::collections::BTreeSet;

    #[test]
    fn every_item_of_every_node_has_one_place() {
        for node in NODES {
            let places =
                GROUPS.iter().filter(|group| group.is_of(node)).flat_map(|group| group.ids).collect::<Vec<_>>();
            assert_eq!(
                places.iter().collect::<BTreeSet<_>>().len(),
                places.len(),
                "{}: a place is given twice",
                node.id
            );
            for asks_for_mask in [false, true] {
                let placed = groups(node, asks_for_mask).into_iter().flat_map(|(_, items)| items);
                let placed = placed.map(|item| item.id()).collect::<BTreeSet<_>>();
                let all = items(node, asks_for_mask).map(|item| item.id()).collect::<BTreeSet<_>>();
                assert_eq!(placed, all, "{}", node.id);
            }
        }
    }

    #[test]
    fn the_prompt_comes_first_strength_stands_under_it_and_only_about_holds_one_thing() {
        for node in NODES {
            let groups = groups(node, false);
            for (group, items) in &groups {
                assert!(items.len() > 1 || group.title == "About", "{} has a group of one: {}", node.id, group.title);
            }
            let titles = groups.iter().map(|(group, _)| group.title).collect::<Vec<_>>();
            assert_eq!(titles.last(), Some(&"About"), "{}", node.id);
            let Some((_, prompt)) = groups.iter().find(|(group, _)| group.title == "Prompt") else { continue };
            let ids = prompt.iter().map(Item::id).take(3).collect::<Vec<_>>();
            assert_eq!(ids, [shared::PROMPT.id, hosted::PROMPT_PRESET.id, shared::STRENGTH.id], "{}", node.id);
        }
    }

    #[test]
    fn one_name_means_one_thing_on_a_panel() {
        for node in NODES {
            let labels = groups(node, true).into_iter().flat_map(|(_, items)| items);
            let labels = labels.map(|item| match item {
                Item::Param(param) => param.label,
                Item::Button(button) => button.label,
                Item::ReadOut(read_out) => read_out.label,
            });
            let labels = labels.collect::<Vec<_>>();
            assert_eq!(labels.iter().collect::<BTreeSet<_>>().len(), labels.len(), "{}: {labels:?}", node.id);
            assert!(node.label.len() <= 12, "'{}' does not fit a node's box", node.label);
        }
    }
}
