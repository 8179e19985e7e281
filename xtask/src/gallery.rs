//! `cargo xtask gallery`: runs the before/after pairs and writes them with their commands and cosines.
//!
//! The list was chosen before the shipped engine was run on it and stays as it is when a pair fails; first stands what the
//! README's first command makes. Words have no picture before: it is drawn at strength 0.

use crate::looks::{PAINTED_PHOTOS, PAINTED_THINGS, PAINTING, PAIRS_OF_PICTURES};
use crate::tools::{build, linocut, number, replace_section, root};
use serde_json::Value;

struct Pair {
    name: &'static str,
    /// A file of `examples`; none: a word, drawn by the command itself.
    input: Option<&'static str>,
    args: &'static [&'static str],
}

const fn pair(name: &'static str, input: &'static str, args: &'static [&'static str]) -> Pair {
    Pair { name, input: Some(input), args }
}

const fn word(name: &'static str, args: &'static [&'static str]) -> Pair {
    Pair { name, input: None, args }
}

const FONT: &str = "examples/font.ttf";
const PAIRS: &[Pair] = &[
    pair("night", "temple.jpg", &["recolor", "--prompt", "at night"]),
    pair("black-and-white", "flower.jpg", &["recolor", "--prompt", "black and white"]),
    pair("fog", "coffee.jpg", &["recolor", "--prompt", "a misty morning"]),
    pair("sepia", "astronaut.jpg", &["recolor", "--prompt", "an old sepia photograph"]),
    pair("sunset", "rocket.jpg", &["recolor", "--prompt", "a photo at sunset"]),
    pair("snow", "chelsea.jpg", &["recolor", "--prompt", "a cat in the snow"]),
    pair("underwater", "astronaut.jpg", &["recolor", "--prompt", "underwater"]),
    pair("blue-flower", "flower.jpg", &["edit", "--mode", "color", "--region", "150,60,210,230:a blue flower"]),
    pair("blue-suit", "astronaut.jpg", &["edit", "--mode", "color", "--region", "60,300,390,212:a blue suit"]),
    pair("green-cup", "coffee.jpg", &["edit", "--detail", "1", "--region", "130,4,250,240:a green cup"]),
    pair("square-cup", "coffee.jpg", &["edit", "--region", "130,4,250,240:a square cup"]),
    pair("star-flower", "flower.jpg", &["edit", "--detail", "1", "--region", "150,60,210,230:a star shaped flower"]),
    pair("star", "disc.svg", &["edit", "--mode", "shape", "--prompt", "a star"]),
    pair("cross", "disc.svg", &["edit", "--mode", "shape", "--prompt", "a cross"]),
    word("fire", &["stylize", "--text", "Fire", "--font", FONT, "--ground=on", "--prompt", "flames"]),
    word("tree", &["stylize", "--text", "Tree", "--font", FONT, "--ground=on", "--prompt", "a tree"]),
    pair("gold", "coffee.jpg", &["edit", "--prompt", "made of gold"]),
    pair("cafe-at-night", "coffee.jpg", &["edit", "--prompt", "a cup of coffee at night"]),
    pair("tiger", "chelsea.jpg", &["edit", "--prompt", "a tiger"]),
    pair("moon", "rocket.jpg", &["edit", "--prompt", "a full moon in the night sky"]),
];

impl Pair {
    /// Drawings without a ground keep their alpha.
    fn ending(&self) -> &'static str {
        if self.input.is_some_and(|input| input.ends_with(".jpg")) { "jpg" } else { "png" }
    }

    /// Runs the command into a file of the gallery; what it reports.
    fn make(&self, output: &str, more: &[&str]) -> Result<Value, String> {
        let (command, flags) = self.args.split_first().ok_or("a pair without a command")?;
        let input = self.input.map(|input| format!("examples/{input}"));
        let input = input.as_deref().into_iter().collect::<Vec<_>>();
        linocut(&[&[*command], &input[..], &["-o", output, "--cache", "target/gallery"], flags, more].concat())
    }

    /// The command as a person types it.
    fn shown(&self) -> String {
        let quoted = |arg: &&str| if arg.contains(' ') { format!("\"{arg}\"") } else { (*arg).to_owned() };
        let (command, flags) = self.args.split_first().map_or(("", &[][..]), |(command, flags)| (*command, flags));
        let input = self.input.map_or(String::new(), |input| format!(" examples/{input}"));
        format!("`linocut {command}{input} {}`", flags.iter().map(quoted).collect::<Vec<_>>().join(" "))
    }
}

/// The pairs that a newcomer is shown: one of each kind of edit.
const IN_README: [&str; 6] = ["night", "sepia", "blue-flower", "star-flower", "cross", "tree"];

/// Runs every pair and writes `docs/gallery` and the README's section.
pub(crate) fn run() -> Result<(), String> {
    build()?;
    let failed = |error: std::io::Error| error.to_string();
    // Pictures of pairs that are no more would stay for ever.
    let _ = std::fs::remove_dir_all(root().join("docs/gallery"));
    std::fs::create_dir_all(root().join("docs/gallery")).map_err(failed)?;
    let mut short = "| before | after | prompt |\n|---|---|---|\n".to_owned();
    let mut long = "# Gallery\nMade by `cargo xtask gallery` with the built-in encoder. The list was chosen before the shipped \
                    engine was run on it; what failed stays in.\n\n| before | after | command | cosine |\n|---|---|---|---|\n"
        .to_owned();
    for pair in PAIRS {
        let (name, ending) = (pair.name, pair.ending());
        let output = format!("docs/gallery/{name}.{ending}");
        let report = pair.make(&output, &[])?;
        let before = match pair.input {
            Some(input) => format!("examples/{input}"),
            None => {
                let before = format!("docs/gallery/{name}-before.{ending}");
                pair.make(&before, &["--strength", "0"])?;
                before
            }
        };
        let (command, prompt) = (pair.args.first().unwrap_or(&""), pair.args.last().unwrap_or(&""));
        if IN_README.contains(&name) {
            short += &format!("| ![]({before}) | ![]({output}) | {command}: {prompt} |\n");
        }
        let (shown, cosines) = (pair.shown(), cosines(&report));
        long += &format!("| ![](../{before}) | ![](../{output}) | {shown} | {cosines} |\n");
    }
    long += "\n## The look of another picture\n| picture | reference | after | cosine of the two pictures |\n|---|---|---|---|\n";
    for (source, reference) in PAIRS_OF_PICTURES {
        long += &transferred(source, reference)?;
    }
    // One of them for a newcomer.
    if let Some((source, reference)) = PAIRS_OF_PICTURES.first() {
        let after = transferred_file(source, reference);
        short += &format!("| ![](examples/{source}.jpg) | ![]({after}) | transfer: like examples/{reference}.jpg |\n");
    }
    let painted = painted()?;
    long += "\n## Painted by the small diffusion model\n`linocut transfer PICTURE --reference REFERENCE --engine diffusion --model small`, at the 64 x 64 pixels that the model knows, with the source's own detail.\n\n\
             | picture | reference | after |\n|---|---|---|\n";
    for [input, other, output] in &painted {
        long += &format!("| ![](../{input}) | ![](../{other}) | ![](../{output}) |\n");
    }
    if let Some([input, other, output]) = painted.first() {
        short += &format!("| ![]({input}) | ![]({output}) | transfer, diffusion: like {other} |\n");
    }
    std::fs::write(root().join("docs/gallery.md"), long).map_err(failed)?;
    replace_section("README.md", "gallery", &short)
}

fn transferred_file(source: &str, reference: &str) -> String {
    format!("docs/gallery/{source}-like-{reference}.jpg")
}

/// A row of the second table.
fn transferred(source: &str, reference: &str) -> Result<String, String> {
    let [input, other] = [source, reference].map(|name| format!("examples/{name}.jpg"));
    let output = transferred_file(source, reference);
    let report = linocut(&["transfer", &input, "--reference", &other, "-o", &output, "--cache", "target/gallery"])?;
    Ok(format!("| ![](../{input}) | ![](../{other}) | ![](../{output}) | {} |\n", cosines(&report)))
}

/// Source, reference and picture of every pair that the small diffusion model paints.
fn painted() -> Result<Vec<[String; 3]>, String> {
    let mut pairs = Vec::new();
    for (index, things) in (1..).zip(&PAINTED_THINGS) {
        let [input, other] = ["source", "reference"].map(|role| format!("docs/gallery/thing-{index}-{role}.png"));
        for (thing, name) in things.iter().zip([&input, &other]) {
            thing.drawn().save(root().join(name)).map_err(|error| format!("{name}: {error}"))?;
        }
        pairs.push([input, other, format!("docs/gallery/thing-{index}.jpg")]);
    }
    pairs.extend(PAINTED_PHOTOS.map(|(source, reference)| {
        let [input, other] = [source, reference].map(|name| format!("examples/{name}.jpg"));
        [input, other, format!("docs/gallery/{source}-painted-like-{reference}.jpg")]
    }));
    for [input, other, output] in &pairs {
        let files = ["transfer", input, "--reference", other, "-o", output, "--cache", "target/gallery"];
        linocut(&[&files[..], &PAINTING].concat())?;
    }
    Ok(pairs)
}

fn cosines(report: &Value) -> String {
    let moved =
        |value: &Value| format!("{:.3} -> {:.3}", number(value, "cosine_before"), number(value, "cosine_after"));
    let regions = report["regions"].as_array().into_iter().flatten().map(|region| format!("region {}", moved(region)));
    let whole = report["cosine_before"].is_number().then(|| moved(report));
    whole.into_iter().chain(regions).collect::<Vec<_>>().join(", ")
}
