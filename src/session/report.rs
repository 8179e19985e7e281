//! What a run reports: the fields that scripts read from `--json`.
//!
//! Input: measurements of one run. Output: serialisable structs whose field names are a contract.

use crate::diffuse::STAGES;
use crate::grade::Look;
use crate::optimize::Judging;
use serde::Serialize;

/// Report of `edit`, `recolor` and `stylize`.
#[derive(Clone, Debug, Serialize)]
pub struct EditReport {
    /// Shapes in the scene.
    pub paths: usize,
    /// Cubic segments in the scene.
    pub segments: usize,
    /// Optimiser steps taken.
    pub iterations: u32,
    /// Loss before the edit; in quality 'paper' the mean of the first steps.
    pub loss_first: f32,
    /// Mean loss of the last steps.
    pub loss_last: f32,
    /// Cosine of the whole source with the prompt; none without a prompt for the whole picture.
    pub cosine_before: Option<f32>,
    /// Cosine of the whole result with the prompt.
    pub cosine_after: Option<f32>,
    /// The look that was found for each region, the whole picture among them; none where colours have none.
    pub looks: Vec<Look>,
    /// How pictures were compared with prompts.
    pub judging: Option<Judging>,
    /// The regions with their own prompts.
    pub regions: Vec<RegionReport>,
    /// Where the time went.
    pub seconds: Seconds,
    /// Largest resident memory of the process in MiB; none where the system does not tell.
    pub peak_rss_mb: Option<f64>,
    /// Threads used.
    pub threads: usize,
    /// Backend used.
    pub backend: String,
    /// Encoder used.
    pub encoder: EncoderReport,
    /// Key of what was made.
    pub job_hash: String,
    /// Whether the scenes came from the cache.
    pub cache_hit: bool,
}

/// One region's prompt and how far its crop moved toward it.
#[derive(Clone, Debug, Serialize)]
pub struct RegionReport {
    /// Target sentence.
    pub prompt: String,
    /// x, y, width, height in pixels of the source.
    pub rect: [f32; 4],
    /// Cosine of the source's crop with the prompt.
    pub cosine_before: f32,
    /// Cosine of the result's crop with the prompt.
    pub cosine_after: f32,
}

/// Wall time of the parts of a run.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Seconds {
    /// Reading files and the encoder.
    pub load: f64,
    /// Tracing shapes.
    pub vectorize: f64,
    /// Optimising shapes.
    pub optimize: f64,
    /// Drawing and writing the result.
    pub write: f64,
}

/// Report of `transfer` with a diffusion model.
#[derive(Clone, Debug, Serialize)]
pub struct PaintReport {
    /// Width and height at which the model painted, pixels.
    pub working_size: [usize; 2],
    /// Where the time went.
    pub seconds: PaintSeconds,
    /// Largest resident memory of the process in MiB; none where the system does not tell.
    pub peak_rss_mb: Option<f64>,
    /// Threads used.
    pub threads: usize,
    /// Model used.
    pub model: EncoderReport,
    /// Key of what was made.
    pub job_hash: String,
    /// Whether the picture came from the cache.
    pub cache_hit: bool,
}

/// Wall time of the parts of a run with a diffusion model.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct PaintSeconds {
    /// Reading files and the model.
    pub load: f64,
    /// The search for the reference's concept.
    pub concept: f64,
    /// The source's way to noise and back.
    pub pivot: f64,
    /// The two together.
    pub fuse: f64,
    /// Drawing and writing the result.
    pub write: f64,
}

impl PaintSeconds {
    /// From the seconds of every stage by name.
    pub fn of(seconds: impl Fn(&str) -> f64) -> Self {
        let [concept, to_noise, back, fuse] = STAGES.map(&seconds);
        Self { load: seconds("load"), concept, pivot: to_noise + back, fuse, write: seconds("write") }
    }
}

/// Which model judged or painted.
#[derive(Clone, Debug, Serialize)]
pub struct EncoderReport {
    /// Name or folder.
    pub name: String,
    /// blake3 of its files, in hex.
    pub hash: String,
}

/// Report of `vectorize`.
#[derive(Clone, Debug, Serialize)]
pub struct VectorizeReport {
    /// Shapes in the scene.
    pub paths: usize,
    /// Cubic segments in the scene.
    pub segments: usize,
    /// Where the time went.
    pub seconds: Seconds,
    /// Largest resident memory of the process in MiB.
    pub peak_rss_mb: Option<f64>,
    /// Threads used.
    pub threads: usize,
    /// Backend used.
    pub backend: String,
    /// Key of what was made.
    pub job_hash: String,
    /// Whether the scene came from the cache.
    pub cache_hit: bool,
}

/// Largest resident memory of this process so far in MiB; known on Linux, none elsewhere.
pub fn peak_rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
