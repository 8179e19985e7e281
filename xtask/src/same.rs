//! `cargo xtask same --program FILE`: whether this build does what an older one did, bit for bit.
//!
//! Input: an older `linocut`, `examples`. Output: a line a job, and a failure where a picture or a drawing differs. Every node,
//! every mode, regions, a region that limits, a word, a mask, a frame of a schedule. The title, the seed and the hashes that an SVG carries are no
//! part of a drawing. Invariant: the jobs are fixed. Cost: two runs of fifteen quick edits.

use crate::tools::{build, execute, flag, program, root, say};
use std::path::Path;

/// A command with everything but its outputs; all of them are quick.
const JOBS: [&[&str]; 15] = [
    &["vectorize", "examples/coffee.jpg"],
    &["vectorize", "examples/flower.jpg", "--preset", "poster", "--rounds", "6,20", "--max-paths", "300"],
    &["edit", "examples/coffee.jpg", "--prompt", "made of gold", "--quality", "draft"],
    &["edit", "examples/coffee.jpg", "--prompt", "made of gold", "--iterations", "3", "--seed", "4"],
    &["edit", "examples/temple.jpg", "--prompt", "at night", "--mode", "color", "--quality", "draft"],
    &["edit", "examples/coffee.jpg", "--prompt", "a star", "--mode", "shape", "--quality", "draft"],
    &[
        "edit",
        "examples/chelsea.jpg",
        "--prompt",
        "a tiger",
        "--quality",
        "paper",
        "--iterations",
        "2",
        "--patches",
        "4",
    ],
    &["edit", "examples/flower.jpg", "--region", "130,64,232,230:a blue flower", "--quality", "draft"],
    &[
        "edit",
        "examples/coffee.jpg",
        "--prompt",
        "fog",
        "--only",
        "0,0,100,100",
        "--quality",
        "draft",
        "--strength",
        "0.5",
    ],
    &["recolor", "examples/temple.jpg", "--prompt", "at sunset", "--quality", "draft", "--detail", "0.5"],
    &["recolor", "examples/coffee.jpg", "--prompt", "blue", "--palette", "free", "--quality", "draft"],
    &["recolor", "examples/flower.jpg", "--prompt", "sepia", "--keep-black-white=on", "--quality", "draft"],
    &[
        "stylize",
        "--text",
        "Fire",
        "--font",
        "examples/font.ttf",
        "--ground=on",
        "--prompt",
        "flames",
        "--quality",
        "draft",
    ],
    &[
        "edit",
        "examples/coffee.jpg",
        "--prompt",
        "red",
        "--mask",
        "examples/coffee.jpg",
        "--mask-limits=on",
        "--mix",
        "0.7",
        "--quality",
        "draft",
    ],
    &[
        "recolor",
        "examples/temple.jpg",
        "--schedule",
        SCHEDULE,
        "--frame",
        "4",
        "--transition",
        "linear",
        "--quality",
        "draft",
    ],
];
const FOLDER: &str = "target/same";
const SCHEDULE: &str = "target/same/schedule.txt";
/// Prompts over time, of which a frame between two keys is made.
const KEYS: &str = "0: fog\n10: at night\n";

/// Runs every job with both programs.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let older = flag(args, "--program")?.ok_or("--program names the older linocut")?;
    build()?;
    std::fs::create_dir_all(root().join(FOLDER)).map_err(|error| format!("{FOLDER}: {error}"))?;
    std::fs::write(root().join(SCHEDULE), KEYS).map_err(|error| format!("{SCHEDULE}: {error}"))?;
    let mut parted = Vec::new();
    for (index, job) in JOBS.iter().enumerate() {
        let [before, after] =
            [(&older, "before"), (&program(), "after")].map(|(program, name)| made(program, job, index, name));
        let (before, after) = (before?, after?);
        let words = match (before.0 == after.0, before.1 == after.1) {
            (true, true) => "same",
            (false, true) => "the picture differs",
            (true, false) => "the drawing differs",
            (false, false) => "picture and drawing differ",
        };
        say(&format!("  {words}: {}", job.join(" ")));
        if words != "same" {
            parted.push(job.join(" "));
        }
    }
    if parted.is_empty() { Ok(()) } else { Err(format!("{} jobs of {} differ: {parted:?}", parted.len(), JOBS.len())) }
}

/// Picture and drawing of a job.
fn made(program: &Path, job: &[&str], index: usize, name: &str) -> Result<(Vec<u8>, String), String> {
    let [png, svg] = ["png", "svg"].map(|kind| format!("{FOLDER}/{index}-{name}.{kind}"));
    let outputs = match job.first() {
        Some(&"vectorize") => ["-o", &svg, "--png", &png],
        _ => ["-o", &png, "--svg", &svg],
    };
    execute(&program.to_string_lossy(), &[job, &outputs, &["--cache", "off"]].concat(), &[])?;
    let failed = |error: std::io::Error| format!("{name} of {}: {error}", job.join(" "));
    let picture = std::fs::read(root().join(&png)).map_err(failed)?;
    let drawing = std::fs::read_to_string(root().join(&svg)).map_err(failed)?;
    Ok((picture, without_metadata(&drawing)))
}

/// What is drawn: the lines from the first group on.
fn without_metadata(svg: &str) -> String {
    svg.split_once("</metadata>").map_or(svg, |(_, drawn)| drawn).to_owned()
}
