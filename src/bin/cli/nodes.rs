//! `nodes`: the parameter tables, for people and scripts, and the manual that is made of them.

use super::Run;
use super::args;
use super::error::CliError;
use super::manual;
use clap::ArgMatches;
use linocut::nodes::panel::Group;
use linocut::nodes::param::Param;
use linocut::nodes::{NODES, Node, hosted, panel};
use std::path::{Path, PathBuf};

/// The flag that names a folder for the manual.
pub(super) const MANUAL: &str = "manual";

/// Runs `nodes`.
pub(crate) fn run(run: &Run, matches: &ArgMatches) -> Result<(), CliError> {
    if let Some(folder) = matches.get_one::<PathBuf>(MANUAL) {
        return write_manual(folder);
    }
    let wanted = matches.get_one::<String>("node");
    let shown = NODES.iter().filter(|node| wanted.is_none_or(|name| is_called(node, name)));
    let shown = shown.collect::<Vec<_>>();
    if let (Some(name), true) = (wanted, shown.is_empty()) {
        let known = NODES.iter().map(|node| format!("{} ({})", node.command, node.id)).collect::<Vec<_>>().join(", ");
        return Err(CliError::Usage(format!("there is no node '{name}'; known are {known}")));
    }
    let json = shown.iter().map(|node| json(node)).collect::<Vec<_>>();
    let text = shown.iter().map(|node| manual::section(node)).collect::<String>();
    let hosted = hosted_params().map(|param| param_json(param, panel::first_with(param.id))).collect::<Vec<_>>();
    run.print(&serde_json::json!({ "nodes": json, "hosted": hosted }), text.trim())
}

/// Writes the manual and the pictures of the panels into `folder`.
fn write_manual(folder: &Path) -> Result<(), CliError> {
    let write = |path: PathBuf, text: &str| {
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, text));
        made.map_err(|error| CliError::Write { path, reason: error.to_string() })
    };
    write(folder.join("nodes.md"), &manual::text())?;
    for node in NODES {
        write(folder.join(manual::PANELS).join(format!("{}.svg", node.command)), &manual::panel_svg(node))?;
    }
    Ok(())
}

/// By command, id, or the id's last word.
fn is_called(node: &Node, name: &str) -> bool {
    name == node.id || name == node.command || node.id.rsplit('.').next() == Some(name)
}

/// Parameters that only hosts show, of all nodes.
fn hosted_params() -> impl Iterator<Item = &'static Param> {
    hosted::PROMPTS.iter().chain(hosted::REFERENCES).chain(hosted::OVERLAY).chain(hosted::PARAMS)
}

fn param_json(param: &Param, group: Option<&Group>) -> serde_json::Value {
    serde_json::json!({
        "id": param.id, "flag": args::flag(param), "label": param.label, "hint": param.hint,
        "group": group.map(|group| group.title),
        "range": param.range(), "default": param.default_value(), "animates": param.animates,
    })
}

fn json(node: &Node) -> serde_json::Value {
    serde_json::json!({
        "id": node.id, "label": node.label, "command": node.command, "help": node.help,
        "params": node.all_params().map(|param| param_json(param, panel::group_of(node, param.id))).collect::<Vec<_>>(),
    })
}
