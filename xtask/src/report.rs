//! `cargo xtask report`: measures the figures the project promises and prints them beside their targets.
//!
//! `LINOCUT_SAMPLES` names a folder with `tajmahal.svg` and `horseriding.svg` of the CLIPVG project; without them those
//! rows are left out and said so. `--write` puts the tables between their markers in docs/figures.md.

use crate::cards;
use crate::figures::Figures;
use crate::tools::{FIGURES, SAMPLES, build, linocut, number, replace_section, root, samples, say};
use serde_json::Value;
use std::path::Path;
use std::time::Instant;

const PHOTO: &str = "examples/coffee.jpg";
/// diffvg, 2 x 2 samples, 512 x 512, two threads: forward and backward in milliseconds (CPU time halved).
const DIFFVG_MS: [(&str, f64); 2] = [("tajmahal", 570.0 + 3011.0), ("horseriding", 789.0 + 5623.0)];
/// Runs of a whole command; the median is reported.
const RUNS: usize = 3;

struct Row {
    what: String,
    target: &'static str,
    measured: String,
}

/// Measures and prints.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let figures = Figures::read()?;
    build()?;
    let folder = root().join("target/report");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    let cards = cards::cards()?;
    match samples() {
        Some(samples) => raster(&samples, &cards, &mut rows)?,
        None => say(&format!("{SAMPLES} names no folder: the rows of the sample drawings are left out")),
    }
    let tower_s = encoder(&mut rows)?;
    vectorize(&folder, &mut rows)?;
    edit(&mut rows)?;
    if let Some(card) = cards.first() {
        edit_on_card(&folder, card, &mut rows)?;
    }
    repeat(&folder, &mut rows)?;
    let mut table = "| what | target | measured |\n|---|---|---|\n".to_owned();
    for row in rows {
        table += &format!("| {} | {} | {} |\n", row.what, row.target, row.measured);
    }
    let of_encoder = figures.table(tower_s);
    say(&format!("{table}\n{of_encoder}"));
    if args.iter().any(|arg| arg == "--write") {
        replace_section(FIGURES, "figures", &table)?;
        replace_section(FIGURES, "encoder", &of_encoder)?;
    }
    Ok(())
}

/// The same drawing on a graphics card; on one that is software the counts say more than the times.
fn raster_on_card(name: &str, path: &str, card: &str) -> Result<Row, String> {
    let bench = linocut(&["bench", "raster", path, "--backend", "gpu"])?;
    let measured = format!(
        "{:.2} + {:.2} ms; {:.0} + {:.0} dispatches, {:.0} lines, {:.0} of them in tiles, {:.0} paths in tiles; {:.1} MB at \
         least, {:.2} GB/s",
        number(&bench, "forward_ms"),
        number(&bench, "backward_ms"),
        number(&bench, "forward_dispatches"),
        number(&bench, "backward_dispatches"),
        number(&bench, "lines"),
        number(&bench, "line_tiles"),
        number(&bench, "tile_pairs"),
        number(&bench, "limit_bytes") / 1e6,
        number(&bench, "gb_per_second"),
    );
    let target = if card.ends_with("(discrete)") && name == "tajmahal" {
        "0.5 ms"
    } else if card.ends_with("(discrete)") {
        "1 ms"
    } else {
        "0.5 ms, 1 ms on a discrete card"
    };
    Ok(Row { what: format!("raster {name}, 512 px, on {card}: forward + backward"), target, measured })
}

fn raster(samples: &Path, cards: &[String], rows: &mut Vec<Row>) -> Result<(), String> {
    for (name, diffvg_ms) in DIFFVG_MS {
        let path = samples.join(format!("{name}.svg"));
        if !path.exists() {
            say(&format!("{} is absent: its raster rows are left out", path.display()));
            continue;
        }
        let path = path.to_string_lossy().into_owned();
        for threads in ["1", "2"] {
            let bench = linocut(&["bench", "raster", &path, "--threads", threads])?;
            let (forward, backward) = (number(&bench, "forward_ms"), number(&bench, "backward_ms"));
            let both = forward + backward;
            rows.push(Row {
                what: format!("raster {name}, 512 px, {threads} thread(s): forward + backward"),
                target: if threads == "2" { "100x faster than diffvg" } else { "3x the walk limit" },
                measured: format!(
                    "{forward:.1} + {backward:.1} ms; {:.0}x faster than diffvg on two threads; {:.1}x the walk limit",
                    diffvg_ms / both,
                    number(&bench, "ratio_to_limit"),
                ),
            });
        }
        if let Some(card) = cards.first() {
            rows.push(raster_on_card(name, &path, card)?);
        }
    }
    Ok(())
}

/// Returns the seconds that the built-in encoder's image tower takes for the crops, forward and back.
fn encoder(rows: &mut Vec<Row>) -> Result<f64, String> {
    let mut built_in_s = f64::NAN;
    for (name, target) in [("default", ""), ("random:vit-b-32", "PyTorch on the same cores")] {
        let bench = linocut(&["bench", "encoder", "--encoder", name, "--runs", "5"])?;
        if name == "default" {
            built_in_s = number(&bench, "forward_backward_ms") / 1e3;
        }
        rows.push(Row {
            what: format!("encoder {name}, 16 crops: forward, forward + input gradient"),
            target,
            measured: format!(
                "{:.0} ms, {:.0} ms ({:.0} GFLOP/s)",
                number(&bench, "forward_ms"),
                number(&bench, "forward_backward_ms"),
                number(&bench, "gflop_per_second"),
            ),
        });
    }
    Ok(built_in_s)
}

fn vectorize(folder: &Path, rows: &mut Vec<Row>) -> Result<(), String> {
    let svg = folder.join("photo.svg").to_string_lossy().into_owned();
    let mut seconds = Vec::new();
    let mut paths = 0.0;
    for _ in 0..RUNS {
        let report = linocut(&["vectorize", PHOTO, "-o", &svg, "--cache", "off"])?;
        seconds.push(number(&report["seconds"], "vectorize"));
        paths = number(&report, "paths");
    }
    let what = "vectorize a 512 px photograph, rounds 10,30".to_owned();
    rows.push(Row { what, target: "0.6 s", measured: format!("{:.2} s, {paths} paths", median(seconds)) });
    Ok(())
}

fn edit(rows: &mut Vec<Row>) -> Result<(), String> {
    let bench = linocut(&["bench", "edit", PHOTO])?;
    let load = number(&bench, "load_seconds");
    for edit in bench["edits"].as_array().into_iter().flatten() {
        let quality = edit["quality"].as_str().unwrap_or("");
        let target = match quality {
            "draft" => "5 s",
            "normal" => "60 s",
            _ => "",
        };
        let measured = format!("{:.1} s, {} iterations", load + number(edit, "seconds"), edit["iterations"]);
        rows.push(Row { what: format!("edit a 512 px photograph, {quality}"), target, measured });
    }
    let measured = format!("{:.0} MiB", number(&bench, "peak_rss_mb"));
    rows.push(Row { what: "peak memory of these edits".to_owned(), target: "1.5 GB", measured });
    Ok(())
}

/// The same draft on the CPU and on a card, and a 4K frame of it.
fn edit_on_card(folder: &Path, card: &str, rows: &mut Vec<Row>) -> Result<(), String> {
    let [svg, png] = ["card.svg", "card.png"].map(|name| folder.join(name).to_string_lossy().into_owned());
    let edit = |backend: &str| {
        let prompt = ["--prompt", "a photo at sunset", "--quality", "draft", "--cache", "off"];
        linocut(&[&["edit", PHOTO, "-o", &png, "--svg", &svg, "--backend", backend][..], &prompt].concat())
    };
    let (on_cpu, on_card) = (edit("cpu")?, edit("gpu")?);
    let seconds = |report: &Value| number(&report["seconds"], "optimize");
    let measured = format!(
        "{:.1} s on the CPU, {:.1} s on the card; cosine {:.4} and {:.4}",
        seconds(&on_cpu),
        seconds(&on_card),
        number(&on_cpu, "cosine_after"),
        number(&on_card, "cosine_after"),
    );
    rows.push(Row { what: format!("optimize a draft on {card}"), target: "as on the CPU", measured });
    let bench =
        |backend: &str| linocut(&["bench", "raster", &svg, "--size", "3840", "--runs", "1", "--backend", backend]);
    let (on_cpu, on_card) = (bench("cpu")?, bench("gpu")?);
    let forward = |report: &Value| number(report, "forward_ms");
    let measured = format!("{:.0} ms on the CPU, {:.0} ms on the card", forward(&on_cpu), forward(&on_card));
    rows.push(Row { what: "its shapes drawn 3840 px wide".to_owned(), target: "5 ms on a discrete card", measured });
    Ok(())
}

/// The same job on one and two threads, and again from the cache at 1920 pixels.
fn repeat(folder: &Path, rows: &mut Vec<Row>) -> Result<(), String> {
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let quick = ["--prompt", "a photo at sunset", "--quality", "draft"];
    let mut bytes = Vec::new();
    for threads in ["1", "2"] {
        let [png, svg] = ["png", "svg"].map(|kind| path(&format!("threads-{threads}.{kind}")));
        let files = ["edit", PHOTO, "-o", &png, "--svg", &svg, "--cache", "off", "--threads", threads];
        linocut(&[&files[..], &quick].concat())?;
        bytes.push([png, svg].map(|path| std::fs::read(path).unwrap_or_default()));
    }
    let same = matches!(bytes.as_slice(), [a, b] if a == b && a.iter().all(|file| !file.is_empty()));
    let measured = if same { "identical" } else { "DIFFERENT" };
    let what = "the same edit on 1 and 2 threads: picture and SVG".to_owned();
    rows.push(Row { what, target: "identical", measured: measured.to_owned() });
    let large = enlarged(folder)?;
    let (cache, out) = (path("cache"), path("large-edited.png"));
    let args = [&["recolor", &large, "-o", &out, "--cache", &cache][..], &quick].concat();
    linocut(&args)?;
    let mut seconds = Vec::new();
    for _ in 0..RUNS {
        let begun = Instant::now();
        let again = linocut(&args)?;
        seconds.push(begun.elapsed().as_secs_f64());
        if again["cache_hit"] != true {
            return Err("the second render was not taken from the cache".to_owned());
        }
    }
    let measured = format!("{:.2} s for the whole command, from the cache", median(seconds));
    rows.push(Row { what: "second render of a job, 1920 px, PNG to PNG".to_owned(), target: "0.3 s", measured });
    Ok(())
}

/// The traced photograph drawn 1920 pixels wide.
fn enlarged(folder: &Path) -> Result<String, String> {
    let [small, svg, png] = ["photo.svg", "large.svg", "large.png"].map(|name| folder.join(name));
    let text = std::fs::read_to_string(small).map_err(|error| error.to_string())?;
    let body = text.split_once("viewBox=\"").and_then(|(_, rest)| rest.split_once('"'));
    let (view, rest) = body.ok_or("the SVG has no viewBox")?;
    let body = rest.split_once('>').ok_or("the SVG has no end of its first tag")?.1;
    let head = "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:linocut=\"https://linocut.org/ns\"";
    let text = format!("{head} width=\"1920\" height=\"1080\" viewBox=\"{view}\" preserveAspectRatio=\"none\">{body}");
    std::fs::write(&svg, text).map_err(|error| error.to_string())?;
    let [svg, png] = [svg, png].map(|path| path.to_string_lossy().into_owned());
    linocut(&["vectorize", &svg, "-o", &format!("{svg}.out.svg"), "--png", &png, "--cache", "off"])?;
    Ok(png)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
