//! `cargo xtask test`: formatting, lints, all tests, those on a graphics card where there is one, the README's main job, and
//! an edit as other processors would make it.
//!
//! Tests run in the release profile: they test the code a user gets, and dependencies are compiled once.

use crate::tools::{execute, root, say};
use crate::{cards, house, machines};
use std::path::Path;
use std::process::{Command, Stdio};

/// The README's main job; a test keeps the two equal.
const MAIN_JOB: &[&str] =
    &["run", "--release", "--locked", "--", "recolor", "examples/temple.jpg", "--prompt", "at night", "-o"];
const MAIN_JOB_OUTPUT: &str = "target/edited.png";

/// Property tests draw the same examples in every run of this command, so that what is red is red by the change;
/// `cargo nextest run` by itself draws new ones.
const SAME_EXAMPLES: (&str, &str) = ("PROPTEST_RNG_SEED", "1");

/// Runs everything; the first failure ends it.
pub(crate) fn run() -> Result<(), String> {
    execute("cargo", &["fmt", "--all", "--check"], &[])?;
    execute("cargo", &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"], &[])?;
    let plug_in = ["clippy", "--lib", "--no-default-features", "--locked", "--", "-D", "warnings"];
    execute("cargo", &plug_in, &[])?;
    house::run()?;
    let has_nextest = has_nextest();
    if has_nextest {
        execute(
            "cargo",
            &["nextest", "run", "--workspace", "--release", "--locked", "--no-fail-fast"],
            &[SAME_EXAMPLES],
        )?;
    } else {
        execute("cargo", &["test", "--workspace", "--release", "--locked", "--no-fail-fast"], &[SAME_EXAMPLES])?;
    }
    execute("cargo", &["test", "--release", "--locked", "--doc"], &[])?;
    execute(
        "cargo",
        &["doc", "--no-deps", "--workspace", "--locked", "--document-private-items"],
        &[("RUSTDOCFLAGS", "-D warnings")],
    )?;
    cards::test(has_nextest)?;
    main_job()?;
    machines::run(&[])
}

/// Rewrites the golden files from what the code does now; look at every one before committing.
pub(crate) fn update_golden() -> Result<(), String> {
    execute("cargo", &["test", "--release", "--locked", "--test", "tests", "golden"], &[("LINOCUT_UPDATE_GOLDEN", "1")])
}

fn has_nextest() -> bool {
    let probe =
        Command::new("cargo").args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    probe.is_ok_and(|status| status.success())
}

fn main_job() -> Result<(), String> {
    let output: &Path = &root().join(MAIN_JOB_OUTPUT);
    let _ = std::fs::remove_file(output);
    let args = MAIN_JOB.iter().copied().chain([MAIN_JOB_OUTPUT, "--cache", "off"]).collect::<Vec<_>>();
    execute("cargo", &args, &[])?;
    let length = std::fs::metadata(output).map_err(|error| format!("{MAIN_JOB_OUTPUT}: {error}"))?.len();
    say(&format!("{MAIN_JOB_OUTPUT}: {length} bytes"));
    if length > 10_000 { Ok(()) } else { Err(format!("{MAIN_JOB_OUTPUT} holds only {length} bytes")) }
}
