//! Helper commands: `cargo xtask test` (what `.ci/run` runs), `cargo xtask report` (measured figures and tables),
//! `cargo xtask gallery` and `cargo xtask sheet` (pictures of what edits do), `cargo xtask looks` (whether edits do what their
//! prompts say), `cargo xtask same` (whether this build does what an older one did), `cargo xtask machines` (whether other
//! processors do), `cargo xtask docs` (the manual of the nodes).

mod bundle;
mod cards;
mod contact;
mod docs;
mod figures;
mod gallery;
mod house;
mod looks;
mod machines;
mod report;
mod same;
mod sheet;
mod test;
mod tools;

use std::process::ExitCode;
use tools::say;

const USAGE: &str = "usage: cargo xtask test | report [--write] | gallery | sheet [--encoder DIR] [--judge DIR] | \
     looks [--only GROUP,...] [--program FILE] [--fresh] [--write] | same --program FILE | machines [--program FILE] | \
     house | golden | docs | bundle | install [FOLDER]";

fn main() -> ExitCode {
    let args = std::env::args().skip(1).collect::<Vec<_>>();
    let rest = args.get(1..).unwrap_or_default();
    let outcome = match args.first().map(String::as_str) {
        Some("test") => test::run(),
        Some("golden") => test::update_golden(),
        Some("docs") => docs::run(),
        Some("bundle") => bundle::bundle().map(|_| ()),
        Some("install") => bundle::install(rest.first()),
        Some("gallery") => gallery::run(),
        Some("sheet") => sheet::run(rest),
        Some("looks") => looks::run(rest),
        Some("report") => report::run(rest),
        Some("house") => house::run(),
        Some("same") => same::run(rest),
        Some("machines") => machines::run(rest),
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
