//! The house: which folder may use which, where `unsafe` may stand, how long a file may be.
//!
//! Arrows point one way. An edge that is not in [`ALLOWED`] fails with the file, the line and what would be allowed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const BASE: [&str; 7] = ["fault", "gpu", "ctx", "rng", "whole_file", "image", "scene"];

/// Each layer and the layers it may use besides itself and [`BASE`], lowest first.
const ALLOWED: [(&str, &[&str]); 23] = [
    ("fault", &[]),
    ("gpu", &[]),
    ("ctx", &[]),
    ("rng", &[]),
    ("whole_file", &[]),
    ("image", &[]),
    ("scene", &[]),
    ("raster", &[]),
    ("nn", &[]),
    ("vectorize", &[]),
    ("encoder", &["nn"]),
    ("diffuse", &["nn"]),
    ("text", &[]),
    ("models", &["encoder", "diffuse"]),
    ("cache", &[]),
    ("schedule", &[]),
    ("grade", &[]),
    ("optimize", &["raster", "nn", "encoder", "schedule", "grade"]),
    ("finish", &["raster", "encoder", "grade", "optimize"]),
    ("plan", &["vectorize", "diffuse", "optimize", "finish"]),
    ("pipeline", &["raster", "vectorize", "encoder", "diffuse", "models", "cache", "optimize", "finish", "plan"]),
    ("nodes", &["vectorize", "diffuse", "text", "schedule", "optimize", "finish", "plan"]),
    (
        "session",
        &[
            "raster", "diffuse", "text", "models", "cache", "schedule", "grade", "optimize", "finish", "plan",
            "pipeline", "nodes",
        ],
    ),
];

/// The crate root, the hosts and the program may use everything.
const TOP: [&str; 3] = ["lib", "host", "bin"];

const MAX_LINES: usize = 600;

/// A source file: its path below `src`, with `/`, and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// First folder of the path, or the file's own name at the top.
    fn layer(&self) -> &str {
        self.path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    /// The lines without comments, numbered from 1, and without the items that are there in tests alone: those may use what
    /// they like. Code behind such an item counts again.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut test_item: Option<i32> = None;
        let code =
            self.text.lines().enumerate().map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default()));
        code.filter(move |(_, line)| {
            if test_item.is_none() && line.trim() == "#[cfg(test)]" {
                test_item = Some(0);
                return false;
            }
            let Some(depth) = &mut test_item else { return true };
            let count = |letter: char| line.matches(letter).count() as i32;
            *depth += count('{') - count('}');
            // An item ends with its last brace, or with a semicolon where it has none.
            if *depth <= 0 && (line.contains('}') || line.trim_end().ends_with(';')) {
                test_item = None;
            }
            false
        })
    }
}

/// Every `crate::NAME` of a file with its line, also in groups over several lines.
fn uses_of(source: &Source) -> Vec<(usize, String)> {
    let mut flat = String::new();
    let mut starts = Vec::new();
    for (number, line) in source.code() {
        starts.push((flat.len(), number));
        flat += line;
        flat.push('\n');
    }
    let line_at = |at: usize| starts.iter().take_while(|(start, _)| *start <= at).last().map_or(0, |(_, line)| *line);
    let mut found = Vec::new();
    for (at, _) in flat.match_indices("crate::") {
        let before = flat[..at].chars().next_back();
        if before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_') {
            continue;
        }
        let rest = &flat[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(names_of_group(group).into_iter().map(|name| (line_at(at), name))),
            None => found.push((line_at(at), first_word(rest))),
        }
    }
    found
}

/// First words of the items of a `{a::b, c::{d, e}}` group, of which the opening brace is already read.
fn names_of_group(text: &str) -> Vec<String> {
    let (mut depth, mut item, mut names) = (0, String::new(), Vec::new());
    for letter in text.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(first_word(item.trim()));
                item.clear();
                if letter == '}' {
                    break;
                }
                continue;
            }
            _ => {}
        }
        item.push(letter);
    }
    names.retain(|name| !name.is_empty());
    names
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

/// What is wrong with the arrows of one file.
fn forbidden_edges(source: &Source) -> Vec<String> {
    let layer = source.layer();
    if TOP.contains(&layer) {
        return Vec::new();
    }
    let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == layer) else {
        return vec![format!("{}: layer '{layer}' is not in the table of tests/layers.rs", source.path)];
    };
    let may_use = |used: &str| used == layer || BASE.contains(&used) || allowed.contains(&used);
    let bad = uses_of(source).into_iter().filter(|(_, used)| !may_use(used));
    bad.map(|(line, used)| {
        format!("{}:{line}: '{layer}' uses '{used}'; it may use {BASE:?} and {allowed:?}", source.path)
    })
    .collect()
}

/// `unsafe` outside the folders that need it.
fn forbidden_unsafe(source: &Source) -> Vec<String> {
    let is_meant = ["host/ofx/", "models/", "nn/product.rs"].iter().any(|place| source.path.starts_with(place));
    if is_meant {
        return Vec::new();
    }
    let is_word =
        |line: &str| line.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|w| w == "unsafe");
    let lines = source.code().filter(|(_, line)| is_word(line));
    lines
        .map(|(line, _)| format!("{}:{line}: unsafe belongs into host/ofx, models or nn/product.rs", source.path))
        .collect()
}

/// A missing header or too many lines.
fn bad_shape(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    let mut faults = Vec::new();
    if lines > MAX_LINES {
        faults.push(format!("{}: {lines} lines, more than {MAX_LINES}; split it by idea", source.path));
    }
    if !source.text.starts_with("//!") {
        faults.push(format!("{}: starts without a //! header", source.path));
    }
    faults
}

/// What nodes and their parameters are called belongs to `nodes`; only the shell's words are looked up.
fn forbidden_names(source: &Source) -> Vec<String> {
    if source.path.starts_with("nodes/") || ["bin/cli/mod.rs", "bin/cli/nodes.rs"].contains(&source.path.as_str()) {
        return Vec::new();
    }
    let says = |line: &str| {
        ["\"org.linocut", ".command ==", ".command !=", "node.id ==", "NODE.id", "param.id =="]
            .iter()
            .any(|word| line.contains(word))
    };
    let lines = source.code().filter(|(_, line)| says(line));
    lines
        .map(|(line, _)| format!("{}:{line}: asks a node for its name; give it a field in nodes", source.path))
        .collect()
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(extension) if extension == "rs" => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    let source = |path: &PathBuf| Source {
        path: path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/"),
        text: std::fs::read_to_string(path).unwrap(),
    };
    files.iter().map(source).collect()
}

fn assert_none(faults: Vec<String>) {
    let report = faults.iter().fold(String::new(), |mut text, fault| {
        let _ = write!(text, "\n{fault}");
        text
    });
    assert!(faults.is_empty(), "{} faults:{report}", faults.len());
}

#[test]
fn arrows_point_one_way() {
    let sources = sources();
    assert!(sources.len() > 10, "the sources were found");
    assert_none(sources.iter().flat_map(forbidden_edges).collect());
}

/// The edges as they are, the base among them: a new one is a decision, and a line in the change that makes it.
#[test]
fn the_golden_list_of_edges_is_the_true_one() {
    let sources = sources();
    let mut edges = std::collections::BTreeMap::<&str, std::collections::BTreeSet<String>>::new();
    for source in sources.iter().filter(|source| !TOP.contains(&source.layer())) {
        let used = uses_of(source).into_iter().map(|(_, used)| used).filter(|used| used != source.layer());
        edges.entry(source.layer()).or_default().extend(used);
    }
    let mut text = String::new();
    for (layer, used) in &edges {
        let _ = writeln!(text, "{layer}: {}", used.iter().map(String::as_str).collect::<Vec<_>>().join(" "));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/edges.txt");
    if std::env::var_os("LINOCUT_UPDATE_GOLDEN").is_some() {
        return std::fs::write(path, text).unwrap();
    }
    let pinned = std::fs::read_to_string(path).unwrap();
    assert_eq!(
        text, pinned,
        "other layers use each other than tests/golden/edges.txt says; run cargo xtask golden if that is meant"
    );
    for (layer, allowed) in ALLOWED {
        let used = edges.get(layer).cloned().unwrap_or_default();
        let idle = allowed.iter().filter(|edge| !used.contains(**edge)).collect::<Vec<_>>();
        assert!(idle.is_empty(), "'{layer}' may use {idle:?} and does not: take it out of the table");
    }
}

#[test]
fn nobody_asks_a_node_for_its_name() {
    assert_none(sources().iter().flat_map(forbidden_names).collect());
    assert_eq!(forbidden_names(&made_up("host/ofx/x.rs", "if node.command == \"edit\" {}")).len(), 1);
}

#[test]
fn unsafe_stands_only_where_it_must() {
    assert_none(sources().iter().flat_map(forbidden_unsafe).collect());
}

#[test]
fn files_have_a_header_and_fit_on_a_few_screens() {
    assert_none(sources().iter().flat_map(bad_shape).collect());
}

fn made_up(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

#[test]
fn the_checker_sees_a_forbidden_edge_in_every_spelling() {
    for text in [
        "use crate::raster::render;",
        "use crate::{scene::Scene, raster};",
        "pub(crate) use crate::{\n    image::Image,\n    raster::{render, backward},\n};",
        "let image = crate::raster::render(scene);",
    ] {
        let faults = forbidden_edges(&made_up("encoder/crops.rs", text));
        assert_eq!(faults.len(), 1, "{text}: {faults:?}");
        assert!(
            faults[0].contains("'encoder' uses 'raster'") && faults[0].contains("encoder/crops.rs:1"),
            "{faults:?}"
        );
    }
    assert_eq!(forbidden_edges(&made_up("magic/mod.rs", "")).len(), 1, "a folder that nobody placed");
    for item in ["mod tests {\n    fn f() {\n    }\n}", "use crate::optimize;", "fn only() { g() }"] {
        let text = format!("#[cfg(test)]\n{item}\nuse crate::optimize;");
        assert_eq!(forbidden_edges(&made_up("raster/draw.rs", &text)).len(), 1, "code behind a test item: {text}");
    }
}

#[test]
fn the_checker_lets_allowed_edges_comments_and_unit_tests_pass() {
    for text in [
        "use crate::scene::Scene;\nuse crate::{ctx::{Cancel, Ctx}, image::Image};",
        "//! See crate::raster.\n// use crate::optimize;",
        "use mycrate::optimize;",
        "#[cfg(test)]\nmod tests {\n    use crate::optimize;\n}",
        "#[cfg(test)]\npub(crate) use crate::optimize::{a, b};\nfn code() {}",
    ] {
        assert_eq!(forbidden_edges(&made_up("encoder/mod.rs", text)), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn the_checker_sees_unsafe_long_files_and_missing_headers() {
    let text = "//! Header.\nfn f() { unsafe { g() } }";
    assert_eq!(forbidden_unsafe(&made_up("raster/cpu.rs", text)).len(), 1);
    assert_eq!(forbidden_unsafe(&made_up("models/bytes.rs", text)).len(), 0);
    assert_eq!(forbidden_unsafe(&made_up("raster/cpu.rs", "#![deny(unsafe_code)] // unsafe")).len(), 0);
    assert_eq!(bad_shape(&made_up("raster/cpu.rs", "fn f() {}")).len(), 1, "no header");
    assert_eq!(bad_shape(&made_up("raster/cpu.rs", &format!("//! H.{}", "\n".repeat(601)))).len(), 1, "too long");
}
