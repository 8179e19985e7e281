//! What every helper command needs: running programs, the program itself, tables in documents, flags.
//!
//! Input: none. Output: functions. Invariants: imports nothing of its siblings, so they may all import it. Cost: as what is run.

use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[allow(clippy::print_stdout, reason = "the helper talks to a person at a terminal")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

/// The folder or file that follows `name`, from the root of the file system.
pub(crate) fn flag(args: &[String], name: &str) -> Result<Option<PathBuf>, String> {
    let Some(at) = args.iter().position(|arg| arg == name) else { return Ok(None) };
    let folder = args.get(at + 1).ok_or_else(|| format!("{name} needs a path"))?;
    std::path::absolute(folder).map(Some).map_err(|error| format!("{folder}: {error}"))
}

/// Runs a program in the workspace root and fails with its command line.
pub(crate) fn execute(program: &str, args: &[impl AsRef<OsStr>], env: &[(&str, &str)]) -> Result<(), String> {
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
pub(crate) fn build() -> Result<(), String> {
    execute("cargo", &["build", "--workspace", "--release", "--locked"], &[])
}

/// The workspace root.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Environment variable with a folder that holds sample drawings of others: `tajmahal.svg` and `horseriding.svg` of the
/// CLIPVG project.
pub(crate) const SAMPLES: &str = "LINOCUT_SAMPLES";

/// The folder of sample drawings, where one is named.
pub(crate) fn samples() -> Option<PathBuf> {
    std::env::var_os(SAMPLES).map(PathBuf::from).filter(|folder| folder.is_dir())
}

/// Runs the program with `--json` and returns its object.
pub(crate) fn linocut(args: &[&str]) -> Result<Value, String> {
    json_of(&program(), args)
}

/// [`linocut`] with another build of the program.
pub(crate) fn json_of(program: &Path, args: &[&str]) -> Result<Value, String> {
    let text = text_of(program, &[args, &["--json"]].concat())?;
    serde_json::from_str(&text).map_err(|error| format!("linocut {}: {error}", args.join(" ")))
}

/// The program that [`build`] makes.
pub(crate) fn program() -> PathBuf {
    root().join("target/release/linocut")
}

/// What the program prints for people.
pub(crate) fn linocut_text(args: &[&str]) -> Result<String, String> {
    text_of(&program(), args)
}

/// What a program prints.
pub(crate) fn text_of(program: &Path, args: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(args).current_dir(root()).output();
    let output = output.map_err(|error| format!("{}: {error}", program.display()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{} {}: {}", program.display(), args.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}

pub(crate) fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or(f64::NAN)
}

/// Where measured tables stand.
pub(crate) const FIGURES: &str = "docs/figures.md";

/// Replaces what stands between `<!-- name -->` and `<!-- /name -->` in the Markdown file `file`.
pub(crate) fn replace_section(file: &str, name: &str, text: &str) -> Result<(), String> {
    let path = root().join(file);
    let before = std::fs::read_to_string(&path).map_err(|error| format!("{file}: {error}"))?;
    let (open, close) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let missing = || format!("{file} lacks {open} or {close}");
    let (before, rest) = before.split_once(&open).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&close).ok_or_else(missing)?;
    let text = format!("{before}{open}\n{}\n{close}{after}", text.trim_end());
    std::fs::write(&path, text).map_err(|error| error.to_string())
}

/// BLAKE3 of an encoder's weights, hexadecimal.
pub(crate) fn weights_hash(folder: &Path) -> Result<String, String> {
    let path = folder.join("model.safetensors");
    let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(blake3::hash(&bytes).to_hex().to_string())
}

/// What lies in a folder, sorted.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files = entries.filter_map(|entry| Some(entry.ok()?.path())).collect::<Vec<_>>();
    files.sort();
    Ok(files)
}

pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map(|_| ()).map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))
}

/// Copies a folder with everything in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<(), String> {
    fs::create_dir_all(to).map_err(|error| format!("{}: {error}", to.display()))?;
    for path in files(from)? {
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() { copy_folder(&path, &target)? } else { copy(&path, &target)? }
    }
    Ok(())
}
