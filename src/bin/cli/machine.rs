//! `doctor`: what this machine offers and what would be used.

use super::Run;
use super::error::CliError;
use linocut::gpu::{self, Backend};
use linocut::models::{self, SearchPath};
use std::path::PathBuf;

/// The running program's path, from which the bundle's resources are found.
pub(crate) fn binary() -> Option<PathBuf> {
    std::env::current_exe().ok()
}

/// Where models are looked for.
pub(crate) fn search_path() -> SearchPath {
    SearchPath::of_process(binary())
}

/// Optional parts that this program was built with.
fn features() -> Vec<&'static str> {
    if cfg!(feature = "cuda") { vec!["cuda"] } else { Vec::new() }
}

/// Runs `doctor`.
pub(crate) fn run(run: &Run) -> Result<(), CliError> {
    let places = models::search_path_report(&search_path());
    let cache = run.cache();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let encoder = run.encoder(models::DEFAULT)?;
    let (automatic, why) = Backend::automatic(&run.card);
    let cards = gpu::list();
    let (budget, resident) = (models::budget()?, models::resident());
    let report = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"),
        "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        "cores": cores, "threads": run.ctx.threads(), "backend": run.ctx.backend_class(),
        "backend_auto": automatic.name(), "backend_auto_because": why,
        "encoder_device": run.ctx.encoder.to_string(), "features": features(),
        "cards": cards.iter().map(|card| serde_json::json!({
            "name": card.name, "kind": card.kind.name(), "api": card.api, "driver": card.driver,
            "binding_bytes": card.binding_bytes,
        })).collect::<Vec<_>>(),
        "encoder": { "name": encoder.name, "hash": encoder.hash },
        "models": { "budget_bytes": budget, "resident": resident },
        "cache": { "folder": cache.folder(), "bytes": cache.size().bytes },
        "model_folders": places,
    });
    let mut lines = vec![
        format!("linocut {} on {}", report["version"].as_str().unwrap_or(""), report["system"].as_str().unwrap_or("")),
        format!("threads   {} of {cores} cores", run.ctx.threads()),
        format!("backend   {} (--backend auto takes {}: {why})", run.ctx.backend_class(), automatic.name()),
        format!("encoder   {} {} on {}", encoder.name, encoder.hash.get(..12).unwrap_or(""), run.ctx.encoder),
        format!(
            "models    {:.0} of {:.0} MB in memory ({}: what was used longest ago goes first)",
            resident.iter().map(|model| model.bytes as f64).sum::<f64>() * 1e-6,
            budget as f64 * 1e-6,
            models::BUDGET,
        ),
        match features().as_slice() {
            [] => "features  none (--features cuda runs the encoder on NVIDIA cards)".to_owned(),
            features => format!("features  {}", features.join(", ")),
        },
        match cache.folder() {
            Some(folder) => format!("cache     {} ({:.1} MB)", folder.display(), cache.size().bytes as f64 * 1e-6),
            None => "cache     off".to_owned(),
        },
    ];
    for model in resident.iter().filter(|model| model.bytes > 0) {
        let name = model.key.lines().next().unwrap_or_default();
        lines.push(format!("          {} {name}, {:.0} MB", model.kind.name(), model.bytes as f64 * 1e-6));
    }
    if cards.is_empty() {
        lines.push("cards     none with a Vulkan, Metal or DX12 driver".to_owned());
    }
    for (index, card) in cards.iter().enumerate() {
        let title = if index == 0 { "cards" } else { "" };
        lines.push(format!("{title:9} {index} {} ({}, {}, {})", card.name, card.kind.name(), card.api, card.driver));
    }
    lines.push("models are looked for in:".to_owned());
    for place in &places {
        let found = place.encoders.iter().chain(&place.diffusion).map(String::as_str).collect::<Vec<_>>();
        let state = match found.as_slice() {
            _ if !place.exists => "no such folder".to_owned(),
            [] => "nothing".to_owned(),
            found => found.join(", "),
        };
        lines.push(format!("  {}  ({state})", place.place.folder.display()));
    }
    run.print(&report, &lines.join("\n"))
}
