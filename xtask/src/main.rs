//! Helper commands: `cargo xtask test` (what `.ci/run` runs), `cargo xtask report` (measured figures and tables),
//! `cargo xtask gallery` and `cargo xtask sheet` (pictures of what edits do), `cargo xtask looks` (whether edits do what their
//! prompts say).

mod bundle;
mod cards;
mod contact;
mod figures;
mod gallery;
mod looks;
mod report;
mod sheet;
mod test;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

const USAGE: &str = "usage: cargo xtask test | report [--write] [--samples DIR] | gallery | sheet [--encoder DIR] [--judge DIR] | \
     looks [--only GROUP,...] [--program FILE] [--fresh] [--write] | golden | bundle | install [FOLDER]";

fn main() -> ExitCode {
    let args = std::env::args().skip(1).collect::<Vec<_>>();
    let rest = args.get(1..).unwrap_or_default();
    let outcome = match args.first().map(String::as_str) {
        Some("test") => test::run(),
        Some("golden") => test::update_golden(),
        Some("bundle") => bundle::bundle().map(|_| ()),
        Some("install") => bundle::install(rest.first()),
        Some("gallery") => gallery::run(),
        Some("sheet") => sheet::run(rest),
        Some("looks") => looks::run(rest),
        Some("report") => report::run(rest),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            say(&format!("xtask: {reason}"));
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stdout, reason = "the helper talks to a person at a terminal")]
fn say(text: &str) {
    println!("{text}");
}

/// The folder or file that follows `name`, from the root of the file system.
fn flag(args: &[String], name: &str) -> Result<Option<PathBuf>, String> {
    let Some(at) = args.iter().position(|arg| arg == name) else { return Ok(None) };
    let folder = args.get(at + 1).ok_or_else(|| format!("{name} needs a path"))?;
    std::path::absolute(folder).map(Some).map_err(|error| format!("{folder}: {error}"))
}

/// Runs a program in the workspace root and fails with its command line.
fn execute(program: &str, args: &[impl AsRef<OsStr>], env: &[(&str, &str)]) -> Result<(), String> {
    let line = args.iter().map(|arg| arg.as_ref().to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ");
    say(&format!("$ {program} {line}"));
    let mut command = Command::new(program);
    // Cargo describes this helper to it; build scripts of dependencies would take that for a change and run again.
    for (key, _) in std::env::vars_os() {
        if key.to_string_lossy().starts_with("CARGO_PKG_") || key.to_string_lossy().starts_with("CARGO_MANIFEST_") {
            command.env_remove(key);
        }
    }
    let status = command.args(args).envs(env.iter().copied()).current_dir(root()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("'{program} {line}' ended with {status}")),
        Err(error) => Err(format!("'{program}' cannot be started ({error})")),
    }
}

/// Builds everything a user gets, with the features that the tests are built with: other ones would compile half of the
/// dependencies once more.
fn build() -> Result<(), String> {
    execute("cargo", &["build", "--workspace", "--release", "--locked"], &[])
}

/// The workspace root.
fn root() -> &'static std::path::Path {
    std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
