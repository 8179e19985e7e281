//! The manual of the nodes: `docs/nodes.md` and a picture of each panel, from the tables that hosts and flags are made of.
//!
//! Input: the nodes. Output: Markdown and SVG. Invariants: what a host shows and what the manual says are one table, in one order.
//! Determinism: a pure function of the tables. Cost: none.

use super::args;
use linocut::nodes::panel::{self, Group, Item};
use linocut::nodes::param::{Kind, Param};
use linocut::nodes::{NODES, Node};
use std::fmt::Write as _;

/// Folder of the pictures, beside the manual.
pub(super) const PANELS: &str = "panels";

/// The manual, as `docs/nodes.md` holds it.
pub(super) fn text() -> String {
    let mut out = "# The nodes and their parameters\n\
        Made by `cargo xtask docs` from the tables that the panels, the flags and the hints in a host are made of. A flag stands where \
        the command line has the parameter too; parameters that only hosts show have none. `mask` and the other inputs are flags of \
        their own (`linocut edit --help`).\n"
        .to_owned();
    for node in NODES {
        out += &section(node);
    }
    out
}

/// What the manual says of one node.
pub(super) fn section(node: &Node) -> String {
    let Node { label, id, command, help, .. } = node;
    let mut out = format!("\n## {label}\n`{id}`, `linocut {command}`. {help}\n\n![{label}]({PANELS}/{command}.svg)\n");
    for (group, items) in panel::groups(node, false) {
        let _ = write!(out, "\n### {}: {label}\n{HEAD}", group.title);
        items.iter().for_each(|item| out += &row(node, item));
    }
    out
}

const HEAD: &str = "| parameter | flag | range | default | what it does |\n|---|---|---|---|---|\n";

/// A row of a Markdown table; a text of several lines comes from a file.
fn row(node: &Node, item: &Item) -> String {
    match item {
        Item::Param(param) => {
            let file = if param.kind == Kind::Lines { " FILE" } else { "" };
            let is_flag = node.all_params().any(|known| known.id == param.id);
            let flag = if is_flag { format!("`--{}{file}`", args::flag(param)) } else { String::new() };
            let cells = [param.label, &flag, &param.range(), &param.default_text(), param.hint];
            format!("| {} |\n", cells.join(" | "))
        }
        Item::Button(button) => format!("| {} | | button | | {} |\n", button.label, button.hint),
        Item::ReadOut(read_out) => format!("| {} | | read-out | | {} |\n", read_out.label, read_out.hint),
    }
}

/// Width of a panel, height of a row, in pixels; left edge of the controls.
const WIDTH_PX: u32 = 440;
const ROW_PX: u32 = 24;
const CONTROL_X_PX: u32 = 170;

/// The panel of `node` as a host shows it at first: open groups with their items, closed ones by name.
pub(super) fn panel_svg(node: &Node) -> String {
    let mut body = String::new();
    let mut y = 8;
    line(&mut body, &mut y, &format!(r#"<text x="12" y="{{y}}" class="n">{}</text>"#, node.label));
    for (group, items) in panel::groups(node, false) {
        let Group { title, is_open, .. } = group;
        let arrow = if *is_open { "M12 {top} l8 0 l-4 6 z" } else { "M13 {top} l6 4 l-6 4 z" };
        let head = format!(r##"<path d="{arrow}" fill="#ccc"/><text x="26" y="{{y}}" class="g">{title}</text>"##);
        line(&mut body, &mut y, &head);
        for item in items.iter().filter(|_| *is_open) {
            control(&mut body, &mut y, item);
        }
    }
    let style = "text{font:12px sans-serif;fill:#ddd}.n{font-weight:bold;font-size:14px}.g{font-weight:bold}.v{fill:#fff}.r{fill:#9ab}";
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH_PX}\" height=\"{height}\" viewBox=\"0 0 {WIDTH_PX} {height}\">\n\
         <style>{style}</style>\n<rect width=\"{WIDTH_PX}\" height=\"{height}\" fill=\"#323232\"/>\n{body}</svg>\n",
        height = y + 8
    )
}

/// Adds a row: `{y}` in `drawn` is the line that text stands on, `{top}` and `{box}` the upper edges of signs and of boxes.
fn line(body: &mut String, y: &mut u32, drawn: &str) {
    let places = [("{y}", *y + 16), ("{top}", *y + 8), ("{box}", *y + 3)];
    *body += &places.iter().fold(drawn.to_owned(), |drawn, (name, at)| drawn.replace(name, &at.to_string()));
    *body += "\n";
    *y += ROW_PX;
}

/// What stands in the box of a switch that is on.
const TICK: &str =
    r##"<path d="M174 {top} l4 5 l7 -9" transform="translate(0 2)" fill="none" stroke="#fff" stroke-width="2"/>"##;

fn control(body: &mut String, y: &mut u32, item: &Item) {
    let label = |label: &str| {
        format!(r#"<text x="{}" y="{{y}}" text-anchor="end">{}</text>"#, CONTROL_X_PX - 10, escaped(label))
    };
    let boxed = |width: u32, fill: &str| {
        format!(
            r##"<rect x="{CONTROL_X_PX}" y="{{box}}" width="{width}" height="18" rx="3" fill="{fill}" stroke="#555"/>"##
        )
    };
    let value = |text: &str, class: &str| {
        format!(r#"<text x="{}" y="{{y}}" class="{class}">{}</text>"#, CONTROL_X_PX + 8, escaped(text))
    };
    let drawn = match item {
        Item::Button(button) => boxed(150, "#4a4a4a") + &value(button.label, "v"),
        Item::ReadOut(read_out) => label(read_out.label) + &value(read_out.default, "r"),
        Item::Param(param) => {
            if let Some(automatic) = param.automatic_label() {
                line(body, y, &(label(&automatic) + &boxed(18, "#222") + TICK));
            }
            label(param.label) + &parameter(param, boxed, value)
        }
    };
    line(body, y, &drawn);
}

fn parameter(param: &Param, boxed: impl Fn(u32, &str) -> String, value: impl Fn(&str, &str) -> String) -> String {
    let default = param.default_text();
    match param.kind {
        Kind::Switch { default } => boxed(18, "#222") + if default { TICK } else { "" },
        Kind::Choice { .. } => {
            boxed(130, "#4a4a4a") + &value(&default, "v") + r##"<path d="M284 {top} l8 0 l-4 6 z" fill="#ccc"/>"##
        }
        Kind::Number { default, min, max } => {
            slider((default - min) / (max - min), &default.to_string(), &boxed, &value)
        }
        Kind::AutoNumber { usual, min, max } => slider((usual - min) / (max - min), &usual.to_string(), &boxed, &value),
        Kind::AutoInteger { usual, .. } => boxed(70, "#222") + &value(&usual.to_string(), "v"),
        Kind::Integer { .. } => boxed(70, "#222") + &value(&default, "v"),
        _ => boxed(250, "#222") + &value(&default, "v"),
    }
}

/// A number with its slider; `share` of the way along it.
fn slider(
    share: f64,
    text: &str,
    boxed: &impl Fn(u32, &str) -> String,
    value: &impl Fn(&str, &str) -> String,
) -> String {
    let at = 260.0 + 150.0 * share.clamp(0.0, 1.0);
    let rail = r##"<rect x="260" y="{top}" width="150" height="3" transform="translate(0 2)" fill="#777"/>"##;
    let knob = format!(r##"<circle cx="{at:.0}" cy="{{top}}" r="6" transform="translate(0 4)" fill="#ddd"/>"##);
    boxed(70, "#222") + &value(text, "v") + rail + &knob
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
