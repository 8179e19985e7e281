//! Flags, made from the nodes' parameter tables plus the flags of files and machines.

use super::error::CliError;
use super::files;
use super::nodes::MANUAL;
use clap::{Arg, ArgAction, ArgMatches, Command};
use linocut::ctx::EncoderPlace;
use linocut::encoder::direction::REFERENCE_PROMPT;
use linocut::image::Image;
use linocut::nodes::param::{Kind, Param, Value, Values};
use linocut::nodes::{Makes, NODES, Node, Role, panel, prompts};
use linocut::raster::Size;
use std::path::PathBuf;

const SCHEDULE: &str = "schedule";
const FRAME: &str = "frame";
const SIZE: &str = "size";
/// Flag of `models fetch`.
pub(crate) const ACCEPT_LICENCE: &str = "accept-licence";
/// Frame of a word where none is given.
const WORD_FRAME: Size = Size { width_px: 512, height_px: 256 };

/// The whole command line.
pub(crate) fn command() -> Command {
    let mut command = Command::new("linocut")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Edits pictures with a sentence by optimising vector shapes")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(switch("json", "Print one JSON object on stdout").global(true))
        .arg(
            value("threads", "N", "Threads to use; 0 is one a core")
                .value_parser(clap::value_parser!(usize))
                .global(true),
        )
        .arg(
            value("backend", "NAME", "Where shapes are drawn and moved [default: cpu]")
                .value_parser(["auto", "cpu", "gpu"])
                .global(true),
        )
        .arg(
            value(
                "gpu",
                "CARD",
                "Graphics card: an index, a part of its name, or off [default: LINOCUT_GPU, or the first]",
            )
            .global(true),
        )
        .arg(
            value(
                "cache",
                "DIR|off",
                "Folder of finished scenes [default: LINOCUT_CACHE, or the per-user cache folder]",
            )
            .global(true),
        )
        .arg(
            value("encoder-device", "NAME", "Where the encoder looks at pictures [default: cpu]")
                .value_parser(EncoderPlace::NAMES)
                .global(true),
        );
    for node in NODES {
        command = command.subcommand(node_command(node));
    }
    command
        .subcommand(score_command())
        .subcommand(bench_command())
        .subcommand(models_command())
        .subcommand(
            Command::new("nodes")
                .about("Every parameter of every node: id, range, default, hint")
                .arg(Arg::new("node").value_name("NODE").help("One node's id or command"))
                .arg(
                    value(MANUAL, "FOLDER", "Write the manual, nodes.md with a picture of each panel, into a folder")
                        .value_parser(clap::value_parser!(PathBuf)),
                ),
        )
        .subcommand(Command::new("doctor").about("What this machine offers and what would be used"))
}

fn node_command(node: &'static Node) -> Command {
    let input = Arg::new("input")
        .value_name("IN")
        .value_parser(clap::value_parser!(PathBuf))
        .required(!node.draws_its_source())
        .help("Picture to work on: PNG, JPEG, WebP, TIFF, EXR or SVG");
    let mut command = Command::new(node.command).about(node.help).arg(input);
    // A sentence on several lines is read from a file.
    for param in node.all_params().filter(|param| param.kind != Kind::Lines) {
        let mut arg = Arg::new(param.id)
            .long(param.flag())
            .value_name(value_name(param.kind))
            .help(format!("{} [{}; default: {}]", param.hint, param.range(), default_text(param.default_text())))
            .help_heading(panel::group_of(node, param.id).map(|group| group.title))
            .allow_hyphen_values(true);
        arg = match param.kind {
            Kind::Regions => arg.action(ArgAction::Append),
            Kind::Switch { .. } => arg.num_args(0..=1).default_missing_value("on").require_equals(true),
            _ => arg.action(ArgAction::Set),
        };
        command = command.arg(arg);
    }
    output_args(command, node)
}

/// The flag of a parameter; a sentence on several lines comes from a file.
pub(crate) fn flag(param: &Param) -> String {
    if param.kind == Kind::Lines { SCHEDULE.to_owned() } else { param.flag() }
}

fn output_args(command: Command, node: &Node) -> Command {
    let path = |name: &str, flag: Option<char>, help: &'static str| {
        let arg = value(name, "FILE", help).value_parser(clap::value_parser!(PathBuf));
        flag.map_or_else(|| arg.clone(), |flag| arg.clone().short(flag))
    };
    let clips = node.clips.iter().filter(|clip| clip.role != Role::Source);
    let mut command = command.args(clips.map(|clip| path(&clip.flag(), None, clip.hint).required(!clip.optional)));
    if node.takes_prompts() {
        let frame = value(FRAME, "N", "Frame whose prompt of the schedule is used [default: 0]");
        command = command
            .arg(path(SCHEDULE, None, "Prompts over time, one key a line such as '24: a town at night'"))
            .arg(frame.value_parser(clap::value_parser!(f64)).allow_hyphen_values(true));
    }
    if node.draws_its_source() {
        let size = value(SIZE, "WxH", "Frame that the word fills, in pixels [default: 512x256]");
        command = command.arg(size.value_parser(size_from_text));
    }
    let output = |help| path("output", Some('o'), help);
    command = match node.makes {
        Makes::Shapes => command.arg(output("SVG to write").required(true)).arg(path(
            "png",
            None,
            "Picture of the shapes at the source's size",
        )),
        Makes::Picture => command.arg(output("Picture to write; its name decides the format").required(!node.edits)),
    };
    if node.edits {
        command = command.arg(path("svg", None, "Edited shapes to write as SVG")).arg(path(
            "frames",
            None,
            "Folder that receives a picture of every iteration",
        ));
    }
    command
}

fn score_command() -> Command {
    Command::new("score")
        .about("Cosine of one picture with each text or picture, and of its change with the change of texts")
        .arg(Arg::new("input").value_name("IMG").required(true).value_parser(clap::value_parser!(PathBuf)))
        .arg(
            value("prompt", "TEXT", "Text to compare with; repeatable")
                .action(ArgAction::Append)
                .num_args(1..)
                .required_unless_present("like"),
        )
        .arg(
            value("like", "PICTURE", "Picture to compare with; repeatable")
                .action(ArgAction::Append)
                .value_parser(clap::value_parser!(PathBuf)),
        )
        .arg(
            value("before", "PICTURE", "The picture that IMG was made of: how far did it move toward each text?")
                .value_parser(clap::value_parser!(PathBuf)),
        )
        .arg(
            value("reference", "TEXT", "What a text says when it says nothing: directions of texts begin there")
                .requires("before")
                .default_value(REFERENCE_PROMPT),
        )
        .arg(value("encoder", "NAME|DIR", "Encoder that judges").default_value("default"))
}

fn bench_command() -> Command {
    let runs = || value("runs", "N", "Timed runs").value_parser(clap::value_parser!(usize)).default_value("9");
    Command::new("bench")
        .about("Times one part on this machine")
        .subcommand_required(true)
        .subcommand(
            Command::new("raster")
                .about("Forward and backward of the rasterizer")
                .arg(Arg::new("input").value_name("FILE.svg").required(true).value_parser(clap::value_parser!(PathBuf)))
                .arg(value("size", "PX", "Long side").value_parser(clap::value_parser!(usize)).default_value("512"))
                .arg(runs()),
        )
        .subcommand(
            Command::new("encoder")
                .about("Forward and input gradient of an encoder")
                .arg(value("encoder", "NAME|DIR", "Encoder, or random:vit-b-32").default_value("default"))
                .arg(value("batch", "N", "Crops a run").value_parser(clap::value_parser!(usize)).default_value("16"))
                .arg(runs()),
        )
        .subcommand(
            Command::new("diffuse")
                .about("Forward and gradient of a diffusion model's denoiser")
                .arg(value("model", "NAME|DIR", "Model, or random:sd-1.5").default_value("random:sd-1.5"))
                .arg(
                    value("size", "PX", "Side of the picture")
                        .value_parser(clap::value_parser!(usize))
                        .default_value("256"),
                )
                .arg(runs()),
        )
        .subcommand(
            Command::new("pivot")
                .about("How much of a picture a diffusion model gives back from its noise")
                .arg(Arg::new("input").value_name("FILE").required(true).value_parser(clap::value_parser!(PathBuf)))
                .arg(value("model", "NAME|DIR", "Diffusion model").default_value("auto"))
                .arg(
                    value("quality", "NAME", "Effort, as of 'transfer'")
                        .value_parser(["draft", "normal", "final"])
                        .default_value("normal"),
                ),
        )
        .subcommand(
            Command::new("edit")
                .about("A default edit, without the cache")
                .arg(Arg::new("input").value_name("FILE").required(true).value_parser(clap::value_parser!(PathBuf))),
        )
}

fn models_command() -> Command {
    let name = || Arg::new("name").value_name("NAME").required(true).help("Name as 'models list' shows it");
    Command::new("models")
        .about("Encoders and diffusion models: what is known, what is here, and how to bring more")
        .subcommand_required(true)
        .subcommand(Command::new("list").about("Every known model and where it was found"))
        .subcommand(Command::new("verify").about("Checks the hashes of a model's files").arg(name()))
        .subcommand(Command::new("path").about("Prints where a model's files are").arg(name()))
        .subcommand(
            Command::new("fetch")
                .about("Downloads a model; the only command that goes online")
                .arg(name())
                .arg(switch(ACCEPT_LICENCE, "Accept the terms of the model's licence without being asked")),
        )
}

/// The values of `node` that `matches` holds, defaults elsewhere.
pub(crate) fn values(node: &Node, matches: &ArgMatches) -> Result<Values, CliError> {
    let mut values = Values::defaults(node.all_params());
    for param in node.all_params().filter(|param| param.kind != Kind::Lines) {
        for text in matches.get_many::<String>(param.id).into_iter().flatten() {
            values.set(param, param.parse(text)?)?;
        }
    }
    if let Some(path) = matches.try_get_one::<PathBuf>(SCHEDULE).ok().flatten() {
        let text = String::from_utf8_lossy(&files::read_bytes(path)?).into_owned();
        values.set(&prompts::PROMPT_SCHEDULE, Value::Text(text))?;
    }
    Ok(values)
}

/// The frame whose prompt is asked for.
pub(crate) fn frame(matches: &ArgMatches) -> f64 {
    matches.try_get_one::<f64>(FRAME).ok().flatten().copied().unwrap_or(0.0)
}

/// The size of the frame that a word fills.
pub(crate) fn size(matches: &ArgMatches) -> Size {
    matches.try_get_one::<Size>(SIZE).ok().flatten().copied().unwrap_or(WORD_FRAME)
}

fn size_from_text(text: &str) -> Result<Size, String> {
    let sides = text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    match sides {
        Some((width_px, height_px)) if Image::check_size(width_px, height_px).is_ok() => {
            Ok(Size { width_px, height_px })
        }
        _ => Err("give width and height in pixels, such as 512x256".to_owned()),
    }
}

/// The path given for `name`.
pub(crate) fn path(matches: &ArgMatches, name: &str) -> Option<PathBuf> {
    matches.try_get_one::<PathBuf>(name).ok().flatten().cloned()
}

fn value(name: &str, value_name: &'static str, help: &'static str) -> Arg {
    Arg::new(name.to_owned()).long(name.to_owned()).value_name(value_name).help(help)
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help).action(ArgAction::SetTrue)
}

fn value_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text { .. } | Kind::Lines => "TEXT",
        Kind::Number { .. } | Kind::AutoNumber { .. } => "0..1",
        Kind::Integer { .. } | Kind::AutoInteger { .. } => "N",
        Kind::Choice { .. } => "NAME",
        Kind::Switch { .. } => "on|off",
        Kind::Integers { .. } => "N,N",
        Kind::Rect => "x,y,w,h",
        Kind::Regions => "x,y,w,h:TEXT",
        Kind::Color { .. } => "RRGGBB",
        Kind::File { .. } => "FILE",
    }
}

fn default_text(text: String) -> String {
    if text.is_empty() { "none".to_owned() } else { text }
}
