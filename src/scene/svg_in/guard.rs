//! Refuses files whose references would take the SVG library too deep, too long, or round in circles.
//!
//! Input: the XML tree and its style sheet. Output: nothing, or the limit that was hit. `usvg` follows `use`, masks,
//! clip paths, patterns, markers and filters by recursion and copies what they refer to, so both the depth of the
//! reference graph and the size it unfolds to are bounded here, before it runs. Cost: linear in elements plus
//! references; no recursion.

use std::collections::HashMap;

use simplecss::{DeclarationTokenizer, StyleSheet};
use usvg::roxmltree::{Document, Node};

use super::source::CssElement;
use super::{MAX_DEPTH, MAX_ELEMENTS, SvgError};

/// Most pairs of a style rule and an element that are matched.
const MAX_MATCHES: usize = 200_000_000;

/// Most digits before the point of a radius and of a stroke width.
const RADIUS_DIGITS: u32 = 10;
const WIDTH_DIGITS: u32 = 6;

/// Elements whose `href` makes the target a part of them.
const LINKING: [&str; 7] = ["use", "linearGradient", "radialGradient", "pattern", "filter", "feImage", "tref"];

/// Checks depth, unfolded size and freedom from cycles.
pub(super) fn check(doc: &Document<'_>, sheet: &StyleSheet<'_>) -> Result<(), SvgError> {
    let elements = doc.descendants().filter(Node::is_element).count();
    if elements.saturating_mul(sheet.rules.len()) > MAX_MATCHES {
        return Err(SvgError::TooManyRules { rules: sheet.rules.len(), elements });
    }
    check_numbers(doc, sheet)?;
    let references = References::new(doc, sheet);
    let (depth, elements) = unfold(doc.root_element(), &references)?;
    if depth > MAX_DEPTH {
        return Err(SvgError::TooDeep { depth });
    }
    if elements > MAX_ELEMENTS {
        return Err(SvgError::TooManyElements { elements });
    }
    Ok(())
}

/// Refuses radii and stroke widths that `usvg` would spend seconds on: it cuts an arc into pieces whose number grows
/// with the sixth root of its radius, and strokes are outlined to a fixed tolerance.
fn check_numbers(doc: &Document<'_>, sheet: &StyleSheet<'_>) -> Result<(), SvgError> {
    let wide = |declaration: &simplecss::Declaration<'_>| {
        declaration.name == "stroke-width" && exceeds(declaration.value, WIDTH_DIGITS)
    };
    let refused = |id: &str, attribute: &str| SvgError::Number { id: id.to_owned(), attribute: attribute.to_owned() };
    if sheet.rules.iter().flat_map(|rule| &rule.declarations).any(wide) {
        return Err(refused("style", "stroke-width"));
    }
    for node in doc.descendants().filter(Node::is_element) {
        for attribute in node.attributes() {
            let value = attribute.value();
            let wild = match attribute.name() {
                "r" | "rx" | "ry" => exceeds(value, RADIUS_DIGITS),
                "d" => value.contains(['a', 'A']) && exceeds(value, RADIUS_DIGITS),
                "stroke-width" => exceeds(value, WIDTH_DIGITS),
                "style" => DeclarationTokenizer::from(value).any(|declaration| wide(&declaration)),
                _ => false,
            };
            if wild {
                return Err(refused(&name_of(node), attribute.name()));
            }
        }
    }
    Ok(())
}

/// Whether a number in `text` has more than `digits` digits before its point or a larger exponent.
fn exceeds(text: &str, digits: u32) -> bool {
    let (mut whole, mut in_fraction) = (0, false);
    let mut rest = text.bytes().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b'0' if whole == 0 => {}
            b'0'..=b'9' if !in_fraction => whole += 1,
            b'0'..=b'9' => {}
            b'.' => in_fraction = true,
            b'e' | b'E' => {
                rest.next_if_eq(&b'+');
                let mut exponent = 0_u32;
                while let Some(digit) = rest.next_if(u8::is_ascii_digit) {
                    exponent = exponent.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
                }
                if exponent > digits {
                    return true;
                }
                (whole, in_fraction) = (0, false);
            }
            _ => (whole, in_fraction) = (0, false),
        }
        if whole > digits {
            return true;
        }
    }
    false
}

/// What every element refers to by id.
struct References<'a, 'input> {
    /// First and last bearer of an id: the library uses the one for `use` and the other for paint servers.
    bearers: HashMap<&'a str, (Node<'a, 'input>, Node<'a, 'input>)>,
    /// Style rules that refer to something: selector and ids.
    rules: Vec<(&'a simplecss::Selector<'a>, Vec<&'a str>)>,
}

impl<'a, 'input> References<'a, 'input> {
    fn new(doc: &'a Document<'input>, sheet: &'a StyleSheet<'a>) -> Self {
        let mut bearers = HashMap::new();
        for node in doc.descendants() {
            for attribute in node.attributes().filter(|attribute| attribute.name() == "id") {
                bearers.entry(attribute.value()).or_insert((node, node)).1 = node;
            }
        }
        let mut rules = Vec::new();
        for rule in &sheet.rules {
            let ids: Vec<_> = rule.declarations.iter().flat_map(|declaration| ids_in_urls(declaration.value)).collect();
            if !ids.is_empty() {
                rules.push((&rule.selector, ids));
            }
        }
        Self { bearers, rules }
    }

    /// Children and targets of `node`: everything the library may visit below it.
    fn below(&self, node: Node<'a, 'input>) -> Vec<Node<'a, 'input>> {
        let mut below: Vec<_> = node.children().filter(Node::is_element).collect();
        for attribute in node.attributes() {
            let link = attribute.name() == "href" && LINKING.contains(&node.tag_name().name());
            let target = link.then(|| attribute.value().trim().strip_prefix('#')).flatten();
            below.extend(target.into_iter().chain(ids_in_urls(attribute.value())).flat_map(|id| self.bearers_of(id)));
        }
        for (selector, ids) in &self.rules {
            if selector.matches(&CssElement(node)) {
                below.extend(ids.iter().flat_map(|id| self.bearers_of(id)));
            }
        }
        below
    }

    fn bearers_of(&self, id: &str) -> impl Iterator<Item = Node<'a, 'input>> + use<'a, 'input> {
        let (first, last) = self.bearers.get(id).copied().unzip();
        first.into_iter().chain(last.filter(|last| Some(*last) != first))
    }
}

/// The ids in every `url(#id)` of an attribute or declaration.
fn ids_in_urls(value: &str) -> impl Iterator<Item = &str> {
    value.split("url(").skip(1).filter_map(|rest| {
        let inside = rest.split(')').next()?;
        inside.trim().trim_matches(['"', '\'']).trim().strip_prefix('#')
    })
}

/// A node on the way down, what lies below it and how much of that was visited.
struct Frame<'a, 'input> {
    node: Node<'a, 'input>,
    below: Vec<Node<'a, 'input>>,
    next: usize,
    depth: u32,
    elements: u64,
}

#[derive(Clone, Copy)]
enum Visit {
    New,
    Open,
    Done { depth: u32, elements: u64 },
}

/// Longest chain below `root` and number of elements when every reference is replaced by a copy.
fn unfold<'a, 'input>(root: Node<'a, 'input>, references: &References<'a, 'input>) -> Result<(u32, u64), SvgError> {
    let size = root.document().descendants().map(|node| node.id().get_usize() + 1).max().unwrap_or(0);
    let mut visits = vec![Visit::New; size];
    let frame = |node| Frame { node, below: references.below(node), next: 0, depth: 0, elements: 0 };
    let mut way = vec![frame(root)];
    while let Some(top) = way.last_mut() {
        let slot = top.node.id().get_usize();
        let Some(&node) = top.below.get(top.next) else {
            let (depth, elements) = (top.depth + 1, top.elements.saturating_add(1));
            set(&mut visits, slot, Visit::Done { depth, elements });
            way.pop();
            continue;
        };
        match visits.get(node.id().get_usize()) {
            Some(Visit::Done { depth, elements }) => {
                top.depth = top.depth.max(*depth);
                top.elements = top.elements.saturating_add(*elements);
                top.next += 1;
            }
            Some(Visit::Open) => return Err(SvgError::Cycle { id: name_of(node) }),
            _ => {
                set(&mut visits, slot, Visit::Open);
                set(&mut visits, node.id().get_usize(), Visit::Open);
                way.push(frame(node));
            }
        }
    }
    match visits.get(root.id().get_usize()) {
        Some(Visit::Done { depth, elements }) => Ok((*depth, *elements)),
        _ => Ok((0, 0)),
    }
}

fn set(visits: &mut [Visit], slot: usize, visit: Visit) {
    if let Some(place) = visits.get_mut(slot) {
        *place = visit;
    }
}

fn name_of(node: Node<'_, '_>) -> String {
    node.attribute("id").unwrap_or_else(|| node.tag_name().name()).to_owned()
}
