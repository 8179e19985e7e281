//! `cargo xtask house`: whether the toy family of `tests/house` still fits.
//!
//! Input: the working tree. Output: a failure where the patch does not apply or does not compile. Cost: a copy of the sources, and a
//! check of this one crate.

use crate::tools::{copy, copy_folder, execute, root, say};
use std::fs;

const PATCH: &str = "tests/house/posterize.patch";
const FOLDER: &str = "target/house";
/// What a build of the library and the program reads.
const PARTS: [&str; 10] = [
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "src",
    "shaders",
    "models/default",
    "models/diffusion",
    "models/manifests",
    "xtask",
    "tests",
];

/// Applies the patch to a copy and checks that.
pub(crate) fn run() -> Result<(), String> {
    let there = root().join(FOLDER);
    let _ = fs::remove_dir_all(&there);
    fs::create_dir_all(&there).map_err(|error| format!("{FOLDER}: {error}"))?;
    for part in PARTS {
        let (from, to) = (root().join(part), there.join(part));
        if from.is_dir() { copy_folder(&from, &to)? } else { copy(&from, &to)? }
    }
    execute("git", &["apply", "-C1", "--directory", FOLDER, PATCH], &[])?;
    let manifest = format!("{FOLDER}/Cargo.toml");
    let args = ["check", "--manifest-path", &manifest, "--package", "linocut", "--lib", "--bins", "--locked"];
    execute("cargo", &[&args[..], &["--target-dir", "target"]].concat(), &[])?;
    fs::remove_dir_all(&there).map_err(|error| format!("{FOLDER}: {error}"))?;
    say("a toy family fits: its own files, and the places that name families");
    Ok(())
}
