//! `cargo xtask sheet`: default edits of 24 prompts on 6 pictures, and how far a second encoder, the judge, sees each move
//! toward its prompt.
//!
//! Both lists were chosen before the shipped encoder was run on them and stay as they are when a cell fails. Input: an
//! encoder's folder and a judge's. Output: `sheet.jpg` and `sheet.json` beside the encoder's weights. Cost: 144 edits at
//! their default settings, about 40 minutes on two cores. Finished cells stay in `target/sheet`, named by weights, picture
//! and prompt, so that a run that was stopped goes on; remove the folder after a change of the engine.

use crate::contact;
use crate::tools::{build, flag, linocut, root, say, weights_hash};
use image::DynamicImage;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const PROMPTS: [&str; 24] = [
    "at night",
    "at sunset",
    "underwater",
    "in the snow",
    "in autumn",
    "in fog",
    "sepia",
    "black and white",
    "neon lights",
    "a red picture",
    "everything blue",
    "green and yellow",
    "pink",
    "made of gold",
    "made of wood",
    "made of ice",
    "on fire",
    "a tiger",
    "a heart",
    "a tree",
    "a full moon",
    "a pencil drawing",
    "a watercolor painting",
    "a stained glass window",
];
/// Files of `examples`: a face, still life, an animal, a landscape, a grey photograph, a drawing.
const PICTURES: [&str; 6] = ["astronaut.jpg", "coffee.jpg", "chelsea.jpg", "rocket.jpg", "camera.jpg", "horse.jpg"];
const JUDGE: &str = "models/train/judge";

/// An encoder: what `--encoder` takes, and the hash of its weights.
struct Encoder {
    name: String,
    hash: String,
}

/// A picture that is edited.
struct Before {
    path: PathBuf,
    picture: DynamicImage,
    hash: String,
}

struct Cell {
    after: DynamicImage,
    /// Direction cosines.
    encoder: f64,
    judge: f64,
}

/// Runs every cell that is not there yet and writes the sheet.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let named = flag(args, "--encoder")?;
    let folder = named.clone().unwrap_or_else(|| root().join("models/default"));
    let name = named.map_or("default".to_owned(), |folder| folder.to_string_lossy().into_owned());
    let encoder = Encoder { name, hash: weights_hash(&folder)? };
    let judge = judge(flag(args, "--judge")?.unwrap_or_else(|| root().join(JUDGE)))?;
    build()?;
    std::fs::create_dir_all(root().join("target/sheet")).map_err(|error| error.to_string())?;
    let befores = PICTURES.map(before).into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut grid = Vec::new();
    for prompt in PROMPTS {
        let row = befores.iter().map(|before| cell(&encoder, &judge, before, prompt)).collect::<Result<Vec<_>, _>>()?;
        let judged = row.iter().map(|cell| format!("{:.3}", cell.judge)).collect::<Vec<_>>().join(" ");
        say(&format!("{prompt}: {judged}"));
        grid.push(row);
    }
    let report = report(&encoder, &judge, &grid);
    say(&format!("{} of cells rise, mean {}", report["rises"], report["mean"]));
    let text = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
    std::fs::write(folder.join("sheet.json"), text + "\n").map_err(|error| error.to_string())?;
    let mut rows = vec![("before", befores.into_iter().map(|before| before.picture).collect::<Vec<_>>())];
    rows.extend(
        PROMPTS.iter().zip(grid).map(|(prompt, row)| (*prompt, row.into_iter().map(|cell| cell.after).collect())),
    );
    contact::write(&folder.join("sheet.jpg"), &rows)
}

fn judge(folder: PathBuf) -> Result<Encoder, String> {
    let what = "the judge is an encoder that took no part in training the shipped one: make it as models/train/README.md \
                says, or name a CLIP folder with --judge";
    let hash = weights_hash(&folder).map_err(|error| format!("{error}; {what}"))?;
    Ok(Encoder { name: folder.to_string_lossy().into_owned(), hash })
}

/// A picture of `examples`.
fn before(name: &str) -> Result<Before, String> {
    let path = root().join("examples").join(name);
    let picture = open(&path)?;
    let hash = blake3::hash(picture.as_bytes()).to_hex().to_string();
    Ok(Before { path, picture, hash })
}

/// One edit, judged; what an earlier run did is taken from its files.
fn cell(encoder: &Encoder, judge: &Encoder, before: &Before, prompt: &str) -> Result<Cell, String> {
    let key = blake3::hash(format!("{} {} {prompt}", encoder.hash, before.hash).as_bytes()).to_hex();
    let path = kept(&format!("{key}.png"));
    let [input, output] = [&before.path, &path].map(|path| path.to_string_lossy());
    if !path.exists() {
        let model = ["--encoder", &encoder.name, "--cache", "off"];
        linocut(&[&["edit", &input, "--prompt", prompt, "-o", &output][..], &model].concat())?;
    }
    let direction = |by: &Encoder| -> Result<f64, String> {
        let path = kept(&format!("{key}-{}.json", by.hash));
        let earlier = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        let report = match earlier {
            Some(report) => report,
            None => {
                let report =
                    linocut(&["score", &output, "--before", &input, "--prompt", prompt, "--encoder", &by.name])?;
                std::fs::write(&path, report.to_string()).map_err(|error| format!("{}: {error}", path.display()))?;
                report
            }
        };
        report["scores"][0]["direction_cosine"].as_f64().ok_or_else(|| format!("{}: no direction", path.display()))
    };
    Ok(Cell { encoder: direction(encoder)?, judge: direction(judge)?, after: open(&path)? })
}

fn open(path: &Path) -> Result<DynamicImage, String> {
    image::open(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn kept(name: &str) -> PathBuf {
    root().join("target/sheet").join(name)
}

/// Everything that was measured.
fn report(encoder: &Encoder, judge: &Encoder, grid: &[Vec<Cell>]) -> Value {
    let prompts = PROMPTS.iter().zip(grid).map(|(prompt, row)| {
        let (rises, mean) = summary(row.iter());
        json!({ "prompt": prompt, "rises": rises, "mean": mean })
    });
    let cells = PROMPTS.iter().zip(grid).flat_map(|(prompt, row)| {
        PICTURES.iter().zip(row).map(move |(picture, cell)| {
            json!({ "prompt": prompt, "picture": picture, "encoder": rounded(cell.encoder), "judge": rounded(cell.judge) })
        })
    });
    let (rises, mean) = summary(grid.iter().flatten());
    json!({
        "weights_blake3": encoder.hash,
        "judge_blake3": judge.hash,
        "rises": rises,
        "mean": mean,
        "prompts": prompts.collect::<Vec<_>>(),
        "cells": cells.collect::<Vec<_>>(),
    })
}

/// The share of cells that the judge sees move toward their prompt, and its mean direction cosine.
fn summary<'a>(cells: impl Iterator<Item = &'a Cell>) -> (f64, f64) {
    let judged = cells.map(|cell| cell.judge).collect::<Vec<_>>();
    let share = |sum: f64| rounded(sum / judged.len().max(1) as f64);
    (share(judged.iter().filter(|cosine| **cosine > 0.0).count() as f64), share(judged.iter().sum()))
}

fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prompt_can_be_read_on_the_sheet() {
        for prompt in PROMPTS {
            let fits =
                |word: &str| word.len() <= contact::LINE_LETTERS && word.bytes().all(|byte| byte.is_ascii_lowercase());
            assert!(prompt.split(' ').all(fits), "'{prompt}' has a word that the sheet cannot show");
        }
    }

    #[test]
    fn cells_that_stand_still_do_not_rise() {
        let cells = [0.5, 0.0, -0.1, 0.2].map(|judge| Cell { after: DynamicImage::default(), encoder: 1.0, judge });
        assert_eq!(summary(cells.iter()), (0.5, 0.15));
    }
}
