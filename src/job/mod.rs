//! Job: the complete, canonical, hashable description of one frame's work, and the one door to running it.
//!
//! Input: a plan, what to start from, an encoder, a cache. Output: finished scenes, from the cache where the same job
//! was finished before. Invariants: two jobs with one hash give bit-identical scenes on one backend class; drawing
//! options (size, detail, colour space of files) are not part of it, so changing them never re-optimises.
//! Determinism: the canonical form is JSON with fields in declaration order. Cost: a hash of the working picture.

pub mod report;
mod scores;

use crate::cache::{Cache, Entry};
use crate::ctx::Ctx;
use crate::encoder::Encoder;
use crate::fault::Fault;
use crate::gpu::Backend;
use crate::image::Image;
use crate::optimize::{Edited, Judging, Layer, Step};
use crate::pipeline::{self, PipelineError, Plan, Start};
use crate::scene::Scene;
use crate::scene::svg_out::Metadata;
pub use scores::{ScoreError, Scores, score};
use serde::{Deserialize, Serialize};

/// Counts changes of what the same plan gives.
macro_rules! engine {
    () => {
        concat!(env!("CARGO_PKG_VERSION"), "+7")
    };
}

/// Changes whenever the same plan may give other numbers; part of every job hash.
pub const ENGINE_VERSION: &str = engine!();
/// What a person is told of this build.
pub const ABOUT: &str =
    concat!("Linocut ", env!("CARGO_PKG_VERSION"), ", engine ", engine!(), ", with a built-in encoder");

/// One frame's work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Node id, such as `org.linocut.PromptEdit`.
    pub node: String,
    /// [`ENGINE_VERSION`] of the program that made the job.
    pub engine: String,
    /// Backend class; results are bit-identical within one.
    pub backend: String,
    /// Settings of every stage.
    pub plan: Plan,
    /// blake3 of what the flow starts from, in hex.
    pub input_hash: String,
    /// blake3 of the encoder's files, in hex; empty where no encoder is used.
    pub encoder_hash: String,
}

/// A job that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("job description: {reason} (line {line}, column {column}); write it again with this version")]
pub struct JobError {
    /// What is wrong.
    pub reason: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

impl JobError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        Fault::Usage
    }
}

/// A job's result and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// The scenes and their grades.
    pub edited: Edited,
    /// What was measured of them when they were made.
    pub scores: Option<Scores>,
    /// Whether they came from the cache.
    pub cache_hit: bool,
}

impl Job {
    /// The job of `node` with `plan` on `start`, judged by the encoder with `encoder_hash`, edited where `ctx` says.
    pub fn new(node: &str, plan: Plan, start: &Start, encoder_hash: &str, ctx: &Ctx) -> Self {
        // Pictures are traced on the CPU whatever draws them.
        let backend = if plan.edit.is_some() { ctx.backend_class() } else { Backend::Cpu.class() };
        Self {
            node: node.to_owned(),
            engine: ENGINE_VERSION.to_owned(),
            backend,
            plan,
            input_hash: input_hash(start),
            encoder_hash: encoder_hash.to_owned(),
        }
    }

    /// The canonical form: compact JSON, fields in declaration order.
    pub fn canonical(&self) -> String {
        // Plain data with string keys always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a job from JSON.
    ///
    /// # Errors
    /// [`JobError`] with the place in the text.
    pub fn from_json(text: &str) -> Result<Self, JobError> {
        serde_json::from_str(text).map_err(|error| JobError {
            reason: error.to_string(),
            line: error.line(),
            column: error.column(),
        })
    }

    /// What an SVG of the result says about its making.
    pub fn metadata(&self) -> Metadata {
        let edit = self.plan.edit.as_ref();
        let prompts = edit.into_iter().flat_map(|edit| &edit.regions).map(|region| region.prompt.text.as_str());
        Metadata {
            title: prompts.collect::<Vec<_>>().join("; "),
            job_hash: Some(self.hash().to_hex().to_string()),
            seed: Some(self.plan.seed),
            encoder_hash: edit.map(|_| self.encoder_hash.clone()),
        }
    }

    /// blake3 of the canonical form.
    pub fn hash(&self) -> blake3::Hash {
        blake3::hash(self.canonical().as_bytes())
    }
}

/// The result of `job`, where it was finished before. Needs no encoder.
pub fn find(job: &Job, cache: &Cache) -> Option<Done> {
    done_from_entry(cache.get(&job.hash())?)
}

/// Runs `job` on `start` and keeps its result in `cache`; one that cannot be written is reported and passed over.
///
/// # Errors
/// [`PipelineError`] of the stage that failed.
pub fn make(
    job: &Job,
    start: &Start,
    encoder: Option<&Encoder>,
    cache: &Cache,
    ctx: &Ctx,
    watch: Option<&mut (dyn FnMut(&Step<'_>) + Send)>,
) -> Result<Done, PipelineError> {
    let edited = ctx.install(|| pipeline::run(&job.plan, start, encoder, ctx, watch))?;
    let done = Done { edited, scores: None, cache_hit: false };
    keep(job, &done, cache);
    Ok(done)
}

/// Keeps `done` as the result of `job`; a cache that cannot be written is reported and passed over.
pub fn keep(job: &Job, done: &Done, cache: &Cache) {
    if let Err(error) = cache.put(&job.hash(), &entry_from_done(done)) {
        tracing::warn!("the result was not cached: {error}");
    }
}

/// What travels with a cached scene.
#[derive(Serialize, Deserialize)]
struct Measured {
    iterations: u32,
    loss_first: f32,
    loss_last: f32,
    layers: Vec<Layer>,
    rest: Vec<[f32; 3]>,
    clarities: Vec<f32>,
    judging: Option<Judging>,
    scores: Option<Scores>,
}

fn entry_from_done(Done { edited, scores, .. }: &Done) -> Entry {
    let measured = Measured {
        iterations: edited.iterations,
        loss_first: edited.loss_first,
        loss_last: edited.loss_last,
        layers: edited.layers.clone(),
        rest: edited.rest.clone(),
        clarities: edited.clarities.clone(),
        judging: edited.judging,
        scores: scores.clone(),
    };
    Entry {
        scene: edited.scene.clone(),
        initial: edited.initial.clone(),
        report: serde_json::to_value(measured).unwrap_or_default(),
    }
}

fn done_from_entry(entry: Entry) -> Option<Done> {
    let measured: Measured = serde_json::from_value(entry.report).ok()?;
    let Measured { iterations, loss_first, loss_last, layers, rest, clarities, judging, scores } = measured;
    let (initial, scene) = (entry.initial, entry.scene);
    let edited = Edited { initial, scene, layers, rest, clarities, judging, iterations, loss_first, loss_last };
    Some(Done { edited, scores, cache_hit: true })
}

fn input_hash(start: &Start) -> String {
    let mut hasher = blake3::Hasher::new();
    match start {
        Start::Picture(picture) => hash_picture(&mut hasher, picture),
        Start::Masked(picture, mask) => {
            hash_picture(&mut hasher, picture);
            hasher.update(b"mask");
            hash_floats(&mut hasher, mask);
        }
        Start::Scene(scene) => hash_scene(&mut hasher, scene),
    }
    hasher.finalize().to_hex().to_string()
}

fn hash_picture(hasher: &mut blake3::Hasher, Image { width, height, planes, .. }: &Image) {
    hasher.update(b"picture");
    hash_numbers(hasher, &[*width as u64, *height as u64]);
    planes.iter().for_each(|plane| hash_floats(hasher, plane));
}

fn hash_scene(hasher: &mut blake3::Hasher, scene: &Scene) {
    hasher.update(b"scene");
    hash_floats(hasher, &[scene.width, scene.height]);
    hash_floats(hasher, scene.points.as_flattened());
    hash_floats(hasher, scene.fills.as_flattened());
    for contour in &scene.contours {
        hash_numbers(hasher, &[contour.end.into()]);
    }
    for path in &scene.paths {
        hash_numbers(hasher, &[path.contours.end.into(), path.fill.into(), path.rule as u64, path.id.len() as u64]);
        hasher.update(path.id.as_bytes());
    }
    for group in &scene.groups {
        hash_numbers(hasher, &[group.paths.end.into(), group.id.len() as u64]);
        hash_floats(hasher, &[group.opacity]);
        hasher.update(group.id.as_bytes());
    }
}

fn hash_numbers(hasher: &mut blake3::Hasher, numbers: &[u64]) {
    numbers.iter().for_each(|number| {
        hasher.update(&number.to_le_bytes());
    });
}

fn hash_floats(hasher: &mut blake3::Hasher, floats: &[f32]) {
    let mut bytes = Vec::with_capacity(4 * floats.len());
    floats.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    hasher.update(&bytes);
}
