//! Where each shape's colour was given, so that shapes that share it in the file share it in the scene.
//!
//! Input: the XML tree with an id on every shape, and its style sheet. Output: [`Sources`]: for each shape the CSS rule
//! or ancestor that its fill and its stroke come from. Invariants: a colour on the element itself is nobody else's.
//! The library resolves colours and drops this; Illustrator's exports live by it, one class a colour
//! (`clipvg.md` §1.3, palette sharing). Cost: matches each shape with each rule once, as the library does.

use std::collections::HashMap;

use simplecss::{AttributeOperator, DeclarationTokenizer, PseudoClass, StyleSheet};
use usvg::roxmltree::Node;

use super::MAX_ELEMENTS;

/// A declaration that several shapes may get a colour from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// Index of the style rule.
    Rule(u32),
    /// Index of the element whose descendants inherit.
    Ancestor(u32),
}

/// Sources of one shape; `None` where the colour is its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Paints {
    pub(super) fill: Option<Source>,
    pub(super) stroke: Option<Source>,
}

/// One shape as drawn through a `use`.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    /// Id of the original.
    pub(super) id: String,
    pub(super) paints: Paints,
}

/// Colour sources of every drawn shape.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// By id of the shape; `None` where several shapes bear the id.
    pub(super) shapes: HashMap<String, Option<Paints>>,
    /// By id of an outermost `use`: the shapes it draws, back to front.
    pub(super) copies: HashMap<String, Vec<Copy>>,
    /// Ids of elements that are not displayed, outermost only.
    pub(super) hidden: Vec<String>,
}

/// Elements that become paths.
pub(super) const SHAPES: [&str; 7] = ["path", "rect", "circle", "ellipse", "line", "polyline", "polygon"];

/// Elements whose content is drawn only when something refers to it.
const UNDRAWN: [&str; 9] =
    ["defs", "symbol", "clipPath", "mask", "pattern", "marker", "linearGradient", "radialGradient", "filter"];

/// Finds the sources under `root`; `target_of` resolves a `use`.
pub(super) fn sources<'a, 'input: 'a>(
    root: Node<'a, 'input>,
    sheet: &StyleSheet<'_>,
    target_of: &dyn Fn(Node<'a, 'input>) -> Option<Node<'a, 'input>>,
) -> Sources {
    let mut rules = Vec::new();
    for (index, rule) in sheet.rules.iter().enumerate() {
        let values = PROPERTIES.map(|name| value_in(&rule.declarations, name));
        if values.iter().any(Option::is_some) {
            rules.push((index as u32, &rule.selector, values));
        }
    }
    let mut walk = Walk { rules, target_of, found: Sources::default(), copies: 0 };
    walk.element(root, Paints::default(), None);
    walk.found
}

/// The properties that are followed.
const PROPERTIES: [&str; 3] = ["fill", "stroke", "display"];

/// A style rule that sets any of the properties: index, selector, values.
type SettingRule<'s> = (u32, &'s simplecss::Selector<'s>, [Option<&'s str>; 3]);

struct Walk<'a, 'input, 's> {
    rules: Vec<SettingRule<'s>>,
    target_of: &'s dyn Fn(Node<'a, 'input>) -> Option<Node<'a, 'input>>,
    found: Sources,
    copies: u64,
}

impl<'a, 'input: 'a> Walk<'a, 'input, '_> {
    /// Visits what is drawn at `node`. Recursion is safe: the guard bounded its depth.
    fn element(&mut self, node: Node<'a, 'input>, inherited: Paints, mut copies: Option<&mut Vec<Copy>>) {
        let name = node.tag_name().name();
        if !node.is_element() || self.copies > MAX_ELEMENTS {
            return;
        }
        let own = self.given(node);
        if own.hidden {
            if copies.is_none() {
                self.found.hidden.push(node.attribute("id").unwrap_or(name).to_owned());
            }
            return;
        }
        if SHAPES.contains(&name) {
            let id = node.attribute("id").unwrap_or_default().to_owned();
            let paints =
                Paints { fill: own.fill.of_shape(inherited.fill), stroke: own.stroke.of_shape(inherited.stroke) };
            match copies {
                Some(copies) => {
                    self.copies += 1;
                    copies.push(Copy { id, paints });
                }
                None => {
                    self.found.shapes.entry(id).and_modify(|known| *known = None).or_insert(Some(paints));
                }
            }
            return;
        }
        let index = node.id().get_usize() as u32;
        let passed = Paints {
            fill: own.fill.of_children(index, inherited.fill),
            stroke: own.stroke.of_children(index, inherited.stroke),
        };
        if name == "use" {
            self.copy(node, passed, copies);
            return;
        }
        for child in node.children() {
            if !UNDRAWN.contains(&child.tag_name().name()) {
                self.element(child, passed, copies.as_deref_mut());
            }
        }
    }

    fn copy(&mut self, node: Node<'a, 'input>, inherited: Paints, copies: Option<&mut Vec<Copy>>) {
        let Some(target) = (self.target_of)(node) else { return };
        match copies {
            Some(copies) => self.element(target, inherited, Some(copies)),
            None => {
                let mut copies = Vec::new();
                self.element(target, inherited, Some(&mut copies));
                self.found.copies.insert(node.attribute("id").unwrap_or_default().to_owned(), copies);
            }
        }
    }

    /// What `node` itself gives: `style` wins over rules, later rules over earlier, rules over attributes.
    fn given(&self, node: Node<'a, 'input>) -> GivenHere {
        let mut sources = PROPERTIES.map(|name| if node.has_attribute(name) { Given::Here } else { Given::Nowhere });
        let mut values = PROPERTIES.map(|name| node.attribute(name));
        let matching = self.rules.iter().filter(|(_, selector, _)| selector.matches(&CssElement(node)));
        let rules = matching.map(|(index, _, values)| (Given::Rule(*index), *values));
        let style: Vec<_> = DeclarationTokenizer::from(node.attribute("style").unwrap_or_default()).collect();
        let inline = (Given::Here, PROPERTIES.map(|name| value_in(&style, name)));
        for (source, set) in rules.chain([inline]) {
            for slot in (0..PROPERTIES.len()).filter(|slot| set[*slot].is_some()) {
                (sources[slot], values[slot]) = (source, set[slot]);
            }
        }
        for slot in (0..PROPERTIES.len()).filter(|slot| values[*slot] == Some("inherit")) {
            sources[slot] = Given::Nowhere;
        }
        GivenHere { fill: sources[0], stroke: sources[1], hidden: values[2] == Some("none") }
    }
}

fn value_in<'s>(declarations: &[simplecss::Declaration<'s>], name: &str) -> Option<&'s str> {
    declarations.iter().rev().find(|declaration| declaration.name == name).map(|declaration| declaration.value)
}

/// Colour sources and display of one element.
struct GivenHere {
    fill: Given,
    stroke: Given,
    hidden: bool,
}

/// How one element gives one colour.
#[derive(Clone, Copy)]
enum Given {
    Nowhere,
    Here,
    Rule(u32),
}

impl Given {
    fn of_shape(self, inherited: Option<Source>) -> Option<Source> {
        match self {
            Self::Nowhere => inherited,
            Self::Here => None,
            Self::Rule(index) => Some(Source::Rule(index)),
        }
    }

    fn of_children(self, index: u32, inherited: Option<Source>) -> Option<Source> {
        match self {
            Self::Here => Some(Source::Ancestor(index)),
            other => other.of_shape(inherited),
        }
    }
}

/// An XML element as CSS selectors see it.
pub(super) struct CssElement<'a, 'input>(pub(super) Node<'a, 'input>);

impl simplecss::Element for CssElement<'_, '_> {
    fn parent_element(&self) -> Option<Self> {
        self.0.parent_element().map(CssElement)
    }

    fn prev_sibling_element(&self) -> Option<Self> {
        self.0.prev_sibling_element().map(CssElement)
    }

    fn has_local_name(&self, name: &str) -> bool {
        self.0.tag_name().name() == name
    }

    fn attribute_matches(&self, name: &str, operator: AttributeOperator<'_>) -> bool {
        self.0.attribute(name).is_some_and(|value| operator.matches(value))
    }

    fn pseudo_class_matches(&self, class: PseudoClass<'_>) -> bool {
        matches!(class, PseudoClass::FirstChild) && self.prev_sibling_element().is_none()
    }
}
