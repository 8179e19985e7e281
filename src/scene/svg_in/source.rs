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
    let mut walk = Walk { sheet, target_of, found: Sources::default(), copies: 0 };
    walk.element(root, Paints::default(), None);
    walk.found
}

struct Walk<'a, 'input, 's> {
    sheet: &'s StyleSheet<'s>,
    target_of: &'s dyn Fn(Node<'a, 'input>) -> Option<Node<'a, 'input>>,
    found: Sources,
    copies: u64,
}

impl<'a, 'input: 'a> Walk<'a, 'input, '_> {
    /// Visits what is drawn at `node`. Recursion is safe: the guard bounded its depth.
    fn element(&mut self, node: Node<'a, 'input>, inherited: Paints, mut copies: Option<&mut Vec<Copy>>) {
        let name = node.tag_name().name();
        if !node.is_element() || node.attribute("display") == Some("none") || self.copies > MAX_ELEMENTS {
            return;
        }
        let own = self.given(node);
        if SHAPES.contains(&name) {
            let id = node.attribute("id").unwrap_or_default().to_owned();
            let paints = Paints { fill: own.fill.of_shape(inherited.fill), stroke: own.stroke.of_shape(inherited.stroke) };
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

    /// Where `node` itself gives its colours: `style` wins over rules, later rules over earlier, rules over attributes.
    fn given(&self, node: Node<'a, 'input>) -> GivenPaints {
        let mut given = GivenPaints { fill: given_by_attribute(node, "fill"), stroke: given_by_attribute(node, "stroke") };
        for (index, rule) in self.sheet.rules.iter().enumerate() {
            let named = |name| rule.declarations.iter().any(|declaration| gives(declaration.name, declaration.value, name));
            let (fill, stroke) = (named("fill"), named("stroke"));
            if (fill || stroke) && rule.selector.matches(&CssElement(node)) {
                let source = Given::Rule(index as u32);
                given.fill = if fill { source } else { given.fill };
                given.stroke = if stroke { source } else { given.stroke };
            }
        }
        for declaration in DeclarationTokenizer::from(node.attribute("style").unwrap_or_default()) {
            if gives(declaration.name, declaration.value, "fill") {
                given.fill = Given::Here;
            }
            if gives(declaration.name, declaration.value, "stroke") {
                given.stroke = Given::Here;
            }
        }
        given
    }
}

fn gives(name: &str, value: &str, wanted: &str) -> bool {
    name == wanted && value != "inherit"
}

fn given_by_attribute(node: Node<'_, '_>, name: &str) -> Given {
    match node.attribute(name) {
        Some(value) if gives(name, value, name) => Given::Here,
        _ => Given::Nowhere,
    }
}

/// Both colours of one element.
struct GivenPaints {
    fill: Given,
    stroke: Given,
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
