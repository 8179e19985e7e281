//! One pass over the XML before `usvg`: names every shape, finds colour sources, reports what will not be drawn.
//!
//! Input: the file's text. Output: the same text with an `id` on every shape, group and `use`, so that `usvg`'s nodes
//! can be matched with the file again. Invariants: given ids stay; the new ones are unique and follow document order.
//! Cost: one XML parse, one copy of the text.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;

use simplecss::StyleSheet;
use usvg::roxmltree::{Document, Node, ParsingOptions};

use super::source::{SHAPES, Sources, sources};
use super::{Feature, MAX_ELEMENTS, Notice, SvgError, guard};

/// A file made ready for `usvg`.
pub(super) struct Prepared {
    pub(super) text: String,
    pub(super) sources: Sources,
    pub(super) notices: Vec<Notice>,
}

/// Names, checks and reports.
pub(super) fn prepare(text: &str) -> Result<Prepared, SvgError> {
    let named = with_ids(text, &parse(text)?)?;
    let (sources, notices) = {
        let doc = parse(&named)?;
        let sheet = style_sheet(&doc);
        guard::check(&doc, &sheet)?;
        let targets = Targets::new(&doc);
        (sources(doc.root_element(), &sheet, &|node| targets.of(node)), undrawn(&doc, &targets))
    };
    Ok(Prepared { text: named, sources, notices })
}

fn parse(text: &str) -> Result<Document<'_>, SvgError> {
    let options = ParsingOptions { allow_dtd: true, nodes_limit: 4 * MAX_ELEMENTS as u32, ..ParsingOptions::default() };
    let doc = Document::parse_with_options(text, options)
        .map_err(|error| SvgError::Malformed { reason: error.to_string() })?;
    if doc.root_element().tag_name().name() == "svg" {
        Ok(doc)
    } else {
        let reason = format!("the root element is `{}`, not `svg`", doc.root_element().tag_name().name());
        Err(SvgError::Malformed { reason })
    }
}

fn style_sheet<'a>(doc: &'a Document<'_>) -> StyleSheet<'a> {
    let mut sheet = StyleSheet::new();
    let styles = doc.descendants().filter(|node| node.has_tag_name("style") || node.tag_name().name() == "style");
    for style in styles.filter(|node| matches!(node.attribute("type"), None | Some("text/css"))) {
        sheet.parse_more(style.text().unwrap_or_default());
    }
    sheet
}

/// Inserts ids behind the element names. Elements that come from an entity keep none: their text is in the DTD.
fn with_ids(text: &str, doc: &Document<'_>) -> Result<String, SvgError> {
    let taken: HashSet<_> = doc.descendants().filter_map(id_of).collect();
    let body = doc.root_element().range().start;
    let mut counts = [0_u64; 3];
    let mut inserts = BTreeMap::new();
    for node in doc.descendants().filter(|node| id_of(*node).is_none() && node.range().start >= body) {
        let (kind, prefix) = match node.tag_name().name() {
            "g" | "a" => (0, "group"),
            "use" => (1, "use"),
            name if SHAPES.contains(&name) => (2, "path"),
            _ => continue,
        };
        let Some(count) = counts.get_mut(kind) else { continue };
        let id = loop {
            *count += 1;
            let id = format!("{prefix}-{count}");
            if !taken.contains(id.as_str()) {
                break id;
            }
        };
        let tag = text.get(node.range().start..).unwrap_or_default();
        let name_end = tag.find(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>').unwrap_or(0);
        if tag.starts_with('<') && name_end > 1 {
            inserts.insert(node.range().start + name_end, id);
        }
    }
    let (mut named, mut copied) = (String::with_capacity(text.len() + 20 * inserts.len()), 0);
    for (offset, id) in inserts {
        named.push_str(text.get(copied..offset).unwrap_or_default());
        // Writing to a string cannot fail.
        let _ = write!(named, " id=\"{id}\"");
        copied = offset;
    }
    named.push_str(text.get(copied..).unwrap_or_default());
    Ok(named)
}

/// The attribute that `usvg` takes for the id, whatever its namespace.
fn id_of<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    const XML: &str = "http://www.w3.org/XML/1998/namespace";
    const SVG: &str = "http://www.w3.org/2000/svg";
    const XLINK: &str = "http://www.w3.org/1999/xlink";
    let mut attributes = node.attributes();
    let id = attributes.find(|a| a.name() == "id" && matches!(a.namespace(), None | Some(XML | SVG | XLINK)));
    id.map(|attribute| attribute.value())
}

/// What `use` elements refer to.
struct Targets<'a, 'input> {
    by_id: HashMap<&'a str, Node<'a, 'input>>,
    used: HashSet<&'a str>,
}

impl<'a, 'input> Targets<'a, 'input> {
    fn new(doc: &'a Document<'input>) -> Self {
        let mut by_id = HashMap::new();
        for node in doc.descendants() {
            if let Some(id) = id_of(node) {
                by_id.entry(id).or_insert(node);
            }
        }
        let uses = doc.descendants().filter(|node| node.tag_name().name() == "use");
        Self { by_id, used: uses.filter_map(target_id).collect() }
    }

    fn of(&self, node: Node<'a, 'input>) -> Option<Node<'a, 'input>> {
        self.by_id.get(target_id(node)?).copied()
    }
}

/// Plain `href` goes before `xlink:href`.
fn target_id<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    let mut links = node.attributes().filter(|attribute| attribute.name() == "href");
    let first = links.next()?;
    let link = if first.namespace().is_none() { first } else { links.next().unwrap_or(first) };
    link.value().trim().strip_prefix('#')
}

/// Notices for elements that `usvg` leaves out without a trace.
fn undrawn(doc: &Document<'_>, targets: &Targets<'_, '_>) -> Vec<Notice> {
    let mut notices = Vec::new();
    for node in doc.root_element().descendants() {
        let name = node.tag_name().name();
        let feature = match name {
            "text" => Feature::Text,
            "image" => Feature::Image,
            "foreignObject" | "video" | "audio" | "iframe" | "canvas" => Feature::Foreign,
            _ => continue,
        };
        if is_drawn(node, targets) {
            let id = id_of(node).filter(|id| !id.is_empty()).unwrap_or(name);
            notices.push(Notice { id: id.to_owned(), feature });
        }
    }
    notices
}

/// Whether `node` would be seen: not hidden, and not in a definition that no `use` draws.
fn is_drawn(node: Node<'_, '_>, targets: &Targets<'_, '_>) -> bool {
    let is_used = |node: Node<'_, '_>| id_of(node).is_some_and(|id| targets.used.contains(id));
    let mut used = false;
    for ancestor in node.ancestors() {
        used |= is_used(ancestor);
        let drawn = match ancestor.tag_name().name() {
            "defs" | "symbol" => used,
            "clipPath" | "mask" | "pattern" | "marker" | "switch" | "filter" => false,
            _ => ancestor.attribute("display") != Some("none"),
        };
        if !drawn {
            return false;
        }
    }
    true
}
