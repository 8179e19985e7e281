//! `nodes`: the parameter tables, for people, scripts and the README.

use super::Run;
use super::args;
use super::error::CliError;
use clap::ArgMatches;
use linocut::nodes::param::{Kind, Param};
use linocut::nodes::{NODES, Node, hosted, panel, prompts, shared};
use std::fmt::Write as _;

/// Runs `nodes`.
pub(crate) fn run(run: &Run, matches: &ArgMatches) -> Result<(), CliError> {
    let wanted = matches.get_one::<String>("node");
    let shown = NODES.iter().filter(|node| wanted.is_none_or(|name| is_called(node, name)));
    let shown = shown.collect::<Vec<_>>();
    if let (Some(name), true) = (wanted, shown.is_empty()) {
        let known = NODES.iter().map(|node| format!("{} ({})", node.command, node.id)).collect::<Vec<_>>().join(", ");
        return Err(CliError::Usage(format!("there is no node '{name}'; known are {known}")));
    }
    let json = shown.iter().map(|node| json(node)).collect::<Vec<_>>();
    let mut text = shown.iter().map(|node| table(node)).collect::<Vec<_>>().join("\n");
    if wanted.is_none() {
        text += &common_table();
        text += &hosted_table();
    }
    let hosted = hosted_params().map(param_json).collect::<Vec<_>>();
    run.print(&serde_json::json!({ "nodes": json, "hosted": hosted }), text.trim_end())
}

/// By command, id, or the id's last word.
fn is_called(node: &Node, name: &str) -> bool {
    name == node.id || name == node.command || node.id.rsplit('.').next() == Some(name)
}

/// The parameters that only hosts show, of all nodes.
fn hosted_params() -> impl Iterator<Item = &'static Param> {
    hosted::PROMPTS.iter().chain(hosted::OVERLAY).chain(hosted::PARAMS)
}

fn param_json(param: &Param) -> serde_json::Value {
    serde_json::json!({
        "id": param.id, "flag": args::flag(param), "label": param.label, "hint": param.hint,
        "group": panel::group_of(param.id).map(|group| group.title),
        "range": param.range(), "default": param.default_value(), "animates": param.animates,
    })
}

fn json(node: &Node) -> serde_json::Value {
    serde_json::json!({
        "id": node.id, "label": node.label, "command": node.command, "help": node.help,
        "params": node.all_params().map(param_json).collect::<Vec<_>>(),
    })
}

const HEAD: &str = "| parameter | flag | range | default | what it does |\n|---|---|---|---|---|\n";

/// A row of a Markdown table; a text of several lines comes from a file.
fn row(param: &Param) -> String {
    let file = if param.kind == Kind::Lines { " FILE" } else { "" };
    let cells =
        [param.label, &format!("`--{}{file}`", args::flag(param)), &param.range(), &param.default_text(), param.hint];
    format!("| {} |\n", cells.join(" | "))
}

/// What nodes have in common, as a Markdown table.
fn common_table() -> String {
    let rows = prompts::PARAMS.iter().chain(shared::LAYING).map(row).collect::<String>();
    format!(
        "\n### Every node\nThose about prompts belong to the nodes that have one. On a command line `--frame N` names the frame of the schedule, and \
         `--mask FILE` the mask: a picture of the source's size, white or opaque where the edit is seen.\n\n{HEAD}{rows}"
    )
}

/// What hosts add to every node, as a Markdown table.
fn hosted_table() -> String {
    let mut text = "\n### Every node in a host\nA command line does not need these: its files say what they hold, and it edits one frame. Those about prompts and \
                    rectangles belong to the nodes that have them.\n\n\
                    | parameter | name | range | default | what it does |\n|---|---|---|---|---|\n"
        .to_owned();
    for param in hosted_params() {
        let cells = [param.label, &format!("`{}`", param.id), &param.range(), &param.default_text(), param.hint];
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

/// A Markdown table, so that the README can hold it as printed.
fn table(node: &Node) -> String {
    let Node { label, command, id, help, params, .. } = node;
    let rows = params.iter().map(row).collect::<String>();
    format!("### {label} (`linocut {command}`, `{id}`)\n{help}\n\n{HEAD}{rows}")
}
