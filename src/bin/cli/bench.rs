//! `bench`: times of single parts, for the report and for comparing machines.

use super::error::CliError;
use super::files;
use super::{Run, args};
use clap::ArgMatches;
use linocut::cache::Cache;
use linocut::diffuse;
use linocut::encoder::{self, Encoder};
use linocut::gpu::{Backend, Wanted};
use linocut::models::choose_diffusion;
use linocut::nodes::param::Values;
use linocut::nodes::{self, concept_transfer, prompt_edit, shared};
use linocut::raster::{self, Size};
use linocut::scene::{Scene, svg_in};
use linocut::schedule::Prompt;
use linocut::session::material::{Material, as_shown};
use linocut::session::{Request, Session};
use std::sync::Arc;
use std::time::Instant;

/// The prompt of `bench edit`.
const PROMPT: &str = "a cup of coffee at night";
/// The denoiser of Stable Diffusion 1.5 with random weights.
const RANDOM_DENOISER: &str = "random:sd-1.5";
/// Seed of random weights.
const RANDOM_SEED: u64 = 1;

/// Runs `bench`.
pub(crate) fn run(run: &Run, matches: &ArgMatches) -> Result<(), CliError> {
    match matches.subcommand() {
        Some(("raster", matches)) => bench_raster(run, matches),
        Some(("encoder", matches)) => bench_encoder(run, matches),
        Some(("edit", matches)) => bench_edit(run, matches),
        Some(("diffuse", matches)) => bench_diffuse(run, matches),
        Some(("pivot", matches)) => bench_pivot(run, matches),
        _ => Ok(()),
    }
}

fn runs(matches: &ArgMatches) -> usize {
    matches.get_one::<usize>("runs").copied().unwrap_or(1).max(1)
}

fn bench_raster(run: &Run, matches: &ArgMatches) -> Result<(), CliError> {
    let path = args::path(matches, "input").unwrap_or_default();
    let bytes = files::read_bytes(&path)?;
    let (scene, _) = svg_in::scene_from_svg(&bytes).map_err(|error| CliError::Svg { path, error })?;
    let side = matches.get_one::<usize>("size").copied().unwrap_or(512) as f32;
    let scale = side / scene.width.max(scene.height);
    let pixels = |length: f32| (length * scale).round().max(1.0) as usize;
    let size = Size { width_px: pixels(scene.width), height_px: pixels(scene.height) };
    if let Backend::Gpu(card) = &run.ctx.backend {
        return bench_raster_on_card(run, matches, &scene, size, card);
    }
    let report = run.ctx.install(|| raster::bench::bench(&scene, size, runs(matches), &run.ctx))?;
    let work = report.work;
    let text = format!(
        "{} paths, {} curves, {} lines: forward {:.2} ms, backward {:.2} ms, {:.1} times the walk limit",
        work.paths, work.curves, work.lines, report.forward_ms, report.backward_ms, report.ratio_to_limit
    );
    let json = serde_json::json!({
        "paths": work.paths, "curves": work.curves, "lines": work.lines, "crossings": work.crossings,
        "fragments": work.fragments, "forward_ms": report.forward_ms, "backward_ms": report.backward_ms,
        "threads": report.threads, "backend": "cpu", "core_ghz": report.core_ghz, "limit_ms": report.limit_ms,
        "ratio_to_limit": report.ratio_to_limit,
    });
    run.print(&json, &text)
}

fn bench_raster_on_card(
    run: &Run,
    matches: &ArgMatches,
    scene: &Scene,
    size: Size,
    card: &Wanted,
) -> Result<(), CliError> {
    let gpu = card.open()?;
    let report = run.ctx.install(|| raster::bench::bench_gpu(scene, size, runs(matches), &gpu, &run.ctx))?;
    let (work, counts) = (report.work, report.counts);
    let text = format!(
        "{}: {} paths, {} curves, {} lines, {} in tiles: forward {:.2} ms, backward {:.2} ms, {:.2} GB/s",
        report.card,
        work.paths,
        work.curves,
        work.lines,
        counts.line_tiles,
        report.forward_ms,
        report.backward_ms,
        report.gb_per_second
    );
    let json = serde_json::json!({
        "paths": work.paths, "curves": work.curves, "lines": work.lines, "crossings": work.crossings,
        "fragments": work.fragments, "line_tiles": counts.line_tiles, "cells": counts.cells,
        "tile_pairs": counts.tile_pairs, "strips": counts.strips, "forward_dispatches": report.dispatches.0,
        "backward_dispatches": report.dispatches.1, "forward_ms": report.forward_ms, "backward_ms": report.backward_ms,
        "threads": run.ctx.threads(), "backend": "gpu", "card": report.card, "limit_bytes": report.limit_bytes,
        "gb_per_second": report.gb_per_second,
    });
    run.print(&json, &text)
}

fn bench_encoder(run: &Run, matches: &ArgMatches) -> Result<(), CliError> {
    let name = matches.get_one::<String>("encoder").map_or("default", String::as_str);
    let encoder = match name {
        "random:vit-b-32" => Arc::new(Encoder::random(name, encoder::Config::vit_b_32(), RANDOM_SEED)?),
        _ => run.encoder(name)?,
    };
    let batch = matches.get_one::<usize>("batch").copied().unwrap_or(16).max(1);
    let report = encoder::bench(&encoder, batch, runs(matches), &run.ctx)?;
    let text = format!(
        "{} x {} crops: forward {:.0} ms, with gradient {:.0} ms",
        report.encoder, report.batch, report.forward_ms, report.forward_backward_ms
    );
    run.print(&report, &text)
}

fn bench_diffuse(run: &Run, matches: &ArgMatches) -> Result<(), CliError> {
    let side = matches.get_one::<usize>("size").copied().unwrap_or(256).max(1);
    let name = matches.get_one::<String>("model").map_or(RANDOM_DENOISER, String::as_str);
    let report = match name {
        RANDOM_DENOISER => diffuse::bench_random(side, runs(matches), &run.ctx)?,
        _ => choose_diffusion(name, &run.session().search, &run.ctx.cancel)?.model()?.bench(
            side,
            runs(matches),
            &run.ctx,
        )?,
    };
    let [width, height] = report.latent;
    let text = format!(
        "{name}, latent of {width} x {height}: forward {:.0} ms, with gradient {:.0} ms",
        report.forward_ms, report.forward_backward_ms
    );
    run.print(&report, &text)
}

/// How much of a picture the diffusion engine keeps where nothing is asked for.
fn bench_pivot(run: &Run, matches: &ArgMatches) -> Result<(), CliError> {
    let path = args::path(matches, "input").unwrap_or_default();
    let files::Input::Picture(picture) = files::read(&path)? else {
        return Err(CliError::Usage(format!("{}: give a picture, not an SVG", path.display())));
    };
    let text = |name: &str| matches.get_one::<String>(name).map_or("", String::as_str);
    let (_, settings) = concept_transfer::stages(nodes::quality(text("quality")));
    let model = choose_diffusion(text("model"), &run.session().search, &run.ctx.cancel)?.model()?;
    let report = model.fidelity(&as_shown(picture), &settings, &run.ctx)?;
    let text = format!(
        "{:.1} dB from its noise, {:.1} dB through the autoencoder alone",
        report.pivot_db, report.autoencoder_db
    );
    run.print(&report, &text)
}

/// A default edit at every quality but `paper`, with the time until the picture could be shown.
fn bench_edit(run: &Run, matches: &ArgMatches) -> Result<(), CliError> {
    let path = args::path(matches, "input").unwrap_or_default();
    let begun = Instant::now();
    run.encoder("default")?;
    let files::Input::Picture(picture) = files::read(&path)? else {
        return Err(CliError::Usage(format!("{}: give a picture, not an SVG", path.display())));
    };
    let material = Material::from_picture(picture);
    let session = Session { cache: Cache::off(), ..run.session() };
    let load = begun.elapsed().as_secs_f64();
    let mut rows = Vec::new();
    for quality in ["draft", "normal", "final"] {
        let node = &prompt_edit::NODE;
        let mut values = Values::defaults(node.params);
        values.set(&shared::QUALITY, shared::QUALITY.parse(quality)?)?;
        let prompt = Prompt::new(PROMPT);
        let request = Request { node, values: &values, prompt: &prompt, material: &material, mask: None, others: &[] };
        let prepared = session.prepare(&request, &run.ctx)?;
        let begun = Instant::now();
        let made = session.make(&prepared, &run.ctx, None)?;
        let seconds = begun.elapsed().as_secs_f64();
        let iterations = made.edited().map_or(0, |edited| edited.iterations);
        rows.push(serde_json::json!({"quality": quality, "seconds": seconds, "iterations": iterations}));
    }
    let peak = linocut::session::report::peak_rss_mb();
    let report = serde_json::json!({
        "load_seconds": load, "edits": rows, "peak_rss_mb": peak, "threads": run.ctx.threads(), "backend": run.ctx.backend_class(),
    });
    let line = |row: &serde_json::Value| format!("{} {:.1} s", row["quality"], row["seconds"].as_f64().unwrap_or(0.0));
    run.print(&report, &rows.iter().map(line).collect::<Vec<_>>().join(", "))
}
