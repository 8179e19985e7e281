//! Runs of the program, kept so that a report that was stopped goes on.
//!
//! Input: arguments without outputs. Output: the picture, the shapes and the JSON that a run wrote, in `target/looks`. Their
//! name is the hash of the weights, the program, the arguments and every file that the arguments name, so that nothing
//! kept can belong to another engine. Invariant: a run's JSON is written last, so where it lies the rest does too.

use crate::tools::{json_of, root, weights_hash};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where everything is kept, from the root of the workspace.
pub(crate) const FOLDER: &str = "target/looks";

/// What an edit wrote.
#[derive(Debug)]
pub(crate) struct Cell {
    /// The picture, from the root of the workspace: what further commands take.
    pub(crate) name: String,
    /// The picture.
    pub(crate) picture: PathBuf,
    /// Its shapes, where they were asked for.
    pub(crate) svg: PathBuf,
    /// What the program said.
    pub(crate) report: Value,
}

/// The program under test and what it made so far.
#[derive(Debug)]
pub(crate) struct Cells {
    program: PathBuf,
    /// Hash of the weights and of the program.
    engine: String,
    /// Whether what an earlier report kept is made again.
    fresh: bool,
    /// Names that this report made itself: groups share cells.
    made: RefCell<BTreeSet<String>>,
}

impl Cells {
    /// Hashes the program.
    ///
    /// # Errors
    /// Where it or the weights are missing.
    pub(crate) fn new(program: PathBuf, fresh: bool) -> Result<Self, String> {
        let bytes = std::fs::read(&program).map_err(|error| format!("{}: {error}", program.display()))?;
        let weights = weights_hash(&root().join("models/default"))?;
        let engine = format!("{weights} {}", blake3::hash(&bytes).to_hex());
        std::fs::create_dir_all(root().join(FOLDER)).map_err(|error| format!("{FOLDER}: {error}"))?;
        let cells = Self { program, engine, fresh, made: RefCell::default() };
        if fresh {
            // The folder may not be there, and what is left of it only costs time.
            let _ = std::fs::remove_dir_all(root().join(cells.cache()));
        }
        Ok(cells)
    }

    /// An edit whose picture is all that is looked at.
    ///
    /// # Errors
    /// Where the program fails.
    pub(crate) fn picture(&self, args: &[&str]) -> Result<Cell, String> {
        self.edit(args, "off", false)
    }

    /// The same once more, for times: `run` tells the runs apart.
    ///
    /// # Errors
    /// Where the program fails.
    pub(crate) fn repeated(&self, args: &[&str], run: &str) -> Result<Cell, String> {
        let key = self.key(&[args, &["run", run]].concat());
        self.written(&key, args, "off", false)
    }

    /// An edit with its shapes.
    ///
    /// # Errors
    /// Where the program fails.
    pub(crate) fn drawing(&self, args: &[&str]) -> Result<Cell, String> {
        self.edit(args, "off", true)
    }

    /// An edit with its shapes, and the same shapes before anything moved: a second command that takes everything from
    /// the cache of the first.
    ///
    /// # Errors
    /// Where the program fails.
    pub(crate) fn before_and_after(&self, args: &[&str]) -> Result<(Cell, Cell), String> {
        let cache = self.cache();
        let after = self.edit(args, &cache, true)?;
        let before = self.edit(&[args, &["--strength", "0"]].concat(), &cache, true)?;
        Ok((before, after))
    }

    /// An edit whose picture is all that is looked at, and whose dear parts serve the next one.
    ///
    /// # Errors
    /// Where the program fails.
    pub(crate) fn cached(&self, args: &[&str]) -> Result<Cell, String> {
        self.edit(args, &self.cache(), false)
    }

    /// The object that a command prints which writes no file.
    ///
    /// # Errors
    /// Where the program fails.
    pub(crate) fn said(&self, args: &[&str]) -> Result<Value, String> {
        self.kept(&self.key(args), || json_of(&self.program, args))
    }

    /// One folder a program: entries know the version of the program that made them, not its build.
    fn cache(&self) -> String {
        let hash = blake3::hash(self.engine.as_bytes()).to_hex();
        format!("{FOLDER}/cache/{}", hash.get(..16).unwrap_or_default())
    }

    fn edit(&self, args: &[&str], cache: &str, shapes: bool) -> Result<Cell, String> {
        let shapes_too: &[&str] = if shapes { &["shapes"] } else { &[] };
        self.written(&self.key(&[args, &["cache", cache], shapes_too].concat()), args, cache, shapes)
    }

    /// The files of a run under the name `key`.
    fn written(&self, key: &str, args: &[&str], cache: &str, shapes: bool) -> Result<Cell, String> {
        let [name, svg] = ["png", "svg"].map(|kind| format!("{FOLDER}/{key}.{kind}"));
        let report = self.kept(key, || {
            let svg: &[&str] = if shapes { &["--svg", &svg] } else { &[] };
            json_of(&self.program, &[args, &["-o", &name, "--cache", cache], svg].concat())
        })?;
        Ok(Cell { picture: root().join(&name), svg: root().join(&svg), name, report })
    }

    fn kept(&self, key: &str, make: impl FnOnce() -> Result<Value, String>) -> Result<Value, String> {
        let path = root().join(format!("{FOLDER}/{key}.json"));
        let usable = !self.fresh || self.made.borrow().contains(key);
        let earlier = usable.then(|| std::fs::read(&path).ok()).flatten();
        if let Some(report) = earlier.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            return Ok(report);
        }
        let report = make()?;
        std::fs::write(&path, report.to_string()).map_err(|error| format!("{}: {error}", path.display()))?;
        self.made.borrow_mut().insert(key.to_owned());
        Ok(report)
    }

    fn key(&self, args: &[&str]) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.engine.as_bytes());
        for arg in args {
            hasher.update(&[0]).update(arg.as_bytes());
            let path = root().join(arg);
            // An encoder is named by its folder; its weights are what counts.
            let file = if path.is_dir() { path.join("model.safetensors") } else { path };
            if let Ok(bytes) = std::fs::read(file) {
                hasher.update(&bytes);
            }
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// Writes a file beside the cells and names it from the root of the workspace.
///
/// # Errors
/// Where it cannot be written.
pub(crate) fn write(name: &str, bytes: &[u8]) -> Result<String, String> {
    let name = format!("{FOLDER}/{name}");
    std::fs::write(root().join(&name), bytes).map_err(|error| format!("{name}: {error}"))?;
    Ok(name)
}

/// A photograph of `examples`, from the root of the workspace.
pub(crate) fn example(name: &str) -> String {
    format!("examples/{name}.jpg")
}

/// Where a file named from the root of the workspace lies.
pub(crate) fn located(name: &str) -> PathBuf {
    Path::new(root()).join(name)
}
