//! The networks and stages are held to what diffusers and PyTorch compute on small random weights: `tests/fixtures/make_diffusion.py` and
//! `make_vct.py` say how.

use super::concept::Concept;
use super::config;
use super::fields::Fields;
use super::latent::Latent;
use super::unet::{Gradient, Inputs, Unet};
use super::*;
use crate::ctx::{Cancel, Ctx, Progress, Silent};
use crate::image::Image;
use safetensors::SafeTensors;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/diffusion/");

fn bytes(path: &str) -> Vec<u8> {
    std::fs::read(format!("{FIXTURES}{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn ctx() -> Ctx {
    Ctx::new(2, Arc::new(Silent)).unwrap()
}

/// The arrays of a file, as f32.
struct Arrays(Vec<u8>);

impl Arrays {
    fn of(path: &str) -> Self {
        Self(bytes(path))
    }

    fn get(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let view = file.tensor(name).unwrap_or_else(|_| panic!("no {name}"));
        let words = view.data().as_chunks::<4>().0.iter();
        let values = match view.dtype() {
            safetensors::Dtype::I32 => words.map(|&word| i32::from_le_bytes(word) as f32).collect(),
            safetensors::Dtype::F32 => words.map(|&word| f32::from_le_bytes(word)).collect(),
            other => panic!("{name} is {other:?}"),
        };
        (view.shape().to_vec(), values)
    }

    /// Images `[n, channels, height, width]` as rows of pixels.
    fn map(&self, name: &str) -> (Tensor, Grid) {
        let (shape, values) = self.get(name);
        let &[images, channels, height, width] = shape.as_slice() else { panic!("{name}: {shape:?}") };
        let grid = Grid { images, height, width };
        (matrix(pixels(&values, channels, height * width), grid.rows(), channels).unwrap(), grid)
    }

    fn rows(&self, name: &str) -> Tensor {
        let (shape, values) = self.get(name);
        let columns = *shape.last().unwrap();
        let rows = values.len() / columns;
        matrix(values, rows, columns).unwrap()
    }

    fn latent(&self, name: &str, at: usize) -> Latent {
        let (shape, values) = self.get(name);
        let [channels, height, width] = *shape.last_chunk::<3>().unwrap();
        let size = channels * height * width;
        let values = pixels(&values[at * size..(at + 1) * size], channels, height * width);
        Latent { values, height, width, channels }
    }

    fn picture(&self, name: &str) -> Image {
        let (shape, values) = self.get(name);
        let &[3, height, width] = shape.as_slice() else { panic!("{name}: {shape:?}") };
        let mut picture = Image::filled(width, height, [0.0; 3]);
        for (plane, values) in picture.planes.iter_mut().zip(values.chunks(height * width)) {
            plane.iter_mut().zip(values).for_each(|(out, value)| *out = 0.5 * value + 0.5);
        }
        picture
    }
}

/// Planes of one or several images as pixels.
fn pixels(planes: &[f32], channels: usize, count: usize) -> Vec<f32> {
    let image = |image: &[f32]| -> Vec<f32> {
        (0..count * channels).map(|at| image[at % channels * count + at / channels]).collect()
    };
    planes.chunks(channels * count).flat_map(image).collect()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    read(tensor, <[f32]>::to_vec).unwrap()
}

/// Largest difference, relative to the largest value.
fn far(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    found.iter().zip(expected).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs())) / largest
}

#[track_caller]
fn close(what: &str, found: &[f32], expected: &[f32], within: f32) {
    let far = far(found, expected);
    println!("{what}: {far:.1e}");
    assert!(far <= within, "{what} is {far:.1e} off, more than {within:.0e}");
}

struct Folder(Vec<Vec<u8>>);

impl Folder {
    fn read() -> Self {
        let names = [
            "unet/config.json",
            "unet/diffusion_pytorch_model.safetensors",
            "vae/config.json",
            "vae/diffusion_pytorch_model.safetensors",
            "text_encoder/config.json",
            "text_encoder/model.safetensors",
            "tokenizer/vocab.json",
            "tokenizer/merges.txt",
            "scheduler/scheduler_config.json",
        ];
        Self(names.iter().map(|name| bytes(&format!("model/{name}"))).collect())
    }

    fn files(&self) -> DiffusionFiles<'_> {
        let part = |at: usize| Part { config: &self.0[at], weights: &self.0[at + 1] };
        let tokenizer = TokenizerFiles::Pairs { vocab: &self.0[6], merges: &self.0[7] };
        DiffusionFiles { unet: part(0), vae: part(2), text: part(4), tokenizer, scheduler: &self.0[8] }
    }
}

fn model() -> Diffusion {
    Diffusion::from_files(Folder::read().files()).unwrap()
}

/// Forward and gradients of a denoiser against the figures of a file.
fn hold_unet(unet: &Unet, arrays: &Arrays) {
    let (latent, grid) = arrays.map("latent");
    let context = Context { states: arrays.rows("context"), tokens: arrays.get("context").0[1] };
    let timesteps: Vec<usize> = arrays.get("timesteps").1.iter().map(|&t| t as usize).collect();
    let inputs = Inputs { latent: &latent, grid, timesteps: &timesteps, context: &context, control: None };
    let ctx = ctx();
    let (noise, trace) = unet.forward_traced(inputs, &ctx.cancel).unwrap();
    close("noise", &values(&noise), &values(&arrays.map("output").0), 1e-4);
    let cotangent = arrays.map("cotangent").0;
    let Gradient { latent: g_latent, context: g_context } = unet.backward(&trace, &cotangent, &ctx.cancel).unwrap();
    close("gradient of the latent", &values(&g_latent), &values(&arrays.map("d_latent").0), 1e-3);
    close("gradient of the context", &values(&g_context), &values(&arrays.rows("d_context")), 1e-3);
    let noise = unet.forward(Inputs { timesteps: &[0, 0], ..inputs }, &ctx.cancel).unwrap();
    close("noise at timestep 0", &values(&noise), &values(&arrays.map("output_zero").0), 1e-4);
}

#[test]
fn the_denoiser_agrees_with_diffusers_forth_and_back() {
    hold_unet(&model().unet, &Arrays::of("unet.safetensors"));
}

#[test]
fn a_denoiser_of_nine_channels_agrees_with_diffusers_forth_and_back() {
    let fields = Fields::parse("unet/config.json", &bytes("unet9/config.json"), "").unwrap();
    let weights = bytes("unet9/diffusion_pytorch_model.safetensors");
    let unet = Unet::load(&File::parse(&weights).unwrap(), &config::unet(&fields).unwrap()).unwrap();
    assert_eq!((unet.channels(), unet.outputs), (9, 4));
    hold_unet(&unet, &Arrays::of("unet9.safetensors"));
}

#[test]
fn the_autoencoder_agrees_with_diffusers() {
    let (model, arrays, ctx) = (model(), Arrays::of("vae.safetensors"), ctx());
    let (picture, grid) = arrays.map("picture");
    let (moments, grid) = model.vae.encode(&picture, grid, &ctx.cancel).unwrap();
    let moments = values(&moments);
    let half = |from: usize| -> Vec<f32> { moments.chunks(8).flat_map(|row| row[from..from + 4].to_vec()).collect() };
    close("mean", &half(0), &values(&arrays.map("mean").0), 1e-4);
    close("logarithm of the variance", &half(4), &values(&arrays.map("logvar").0), 1e-4);
    let latent = arrays.map("latent");
    assert_eq!(grid, latent.1);
    let (decoded, _) = model.vae.decode(&latent.0, latent.1, &ctx.cancel).unwrap();
    close("decoded", &values(&decoded), &values(&arrays.map("decoded").0), 1e-4);
}

#[test]
fn texts_become_the_same_tokens_and_states_and_gradients() {
    let (model, arrays) = (model(), Arrays::of("text.safetensors"));
    let texts: serde_json::Value = serde_json::from_slice(&bytes("text.json")).unwrap();
    for (at, text) in texts.as_array().unwrap().iter().enumerate() {
        let words = text["text"].as_str().unwrap();
        let ids = model.words.ids(words).unwrap();
        let expected: Vec<u32> = text["ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect();
        assert_eq!(ids, expected, "{words:?}");
        let vectors = model.text.vectors(&ids).unwrap();
        let (states, trace) = model.text.forward(&vectors).unwrap();
        let of = |name: &str| arrays.get(name).1[at * vectors.len()..(at + 1) * vectors.len()].to_vec();
        close("states", &values(&states), &of("states"), 1e-4);
        let cotangent = matrix(of("cotangent"), ids.len(), model.text.width).unwrap();
        close("gradient", &model.text.backward(&trace, &cotangent).unwrap(), &of("d_embeddings"), 1e-3);
    }
}

#[test]
fn steps_of_the_schedule_agree_with_diffusers() {
    let model = model();
    let known: serde_json::Value = serde_json::from_slice(&bytes("scheduler.json")).unwrap();
    for (timestep, kept) in known["alphas_cumprod"].as_object().unwrap() {
        let found = model.schedule.kept(timestep.parse().unwrap());
        assert!((found - kept.as_f64().unwrap()).abs() < 1e-9, "{timestep}: {found}");
    }
    let timesteps: Vec<u64> = model.schedule.moves(50).iter().map(|step| step.timestep as u64).collect();
    assert_eq!(serde_json::json!(timesteps), known["timesteps_of_50_steps"]["offset_0"]);
    let floats = |value: &serde_json::Value| -> Vec<f32> {
        value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect()
    };
    let (z, noise) = (floats(&known["z"]), floats(&known["noise"]));
    for (name, result, is_back) in [("step", "prev_sample", false), ("invert", "next_sample", true)] {
        for case in known[name].as_array().unwrap() {
            let timestep = case["t"].as_u64().unwrap();
            let mut moves = model.schedule.moves(50).into_iter();
            let Some(step) = moves.find(|step| step.timestep as u64 == timestep) else { continue };
            let step = if is_back { step.inverted() } else { step };
            close(name, &step.step(&z, &noise), &floats(&case[result]), 1e-5);
        }
    }
}

/// The reference's settings: its rate is in units of the vectors.
fn concept_settings(vct: &serde_json::Value, model: &Diffusion) -> Concept {
    assert_eq!(vct["settings"]["accumulate"], 4);
    let rate = 2e-3 / model.text.deviation;
    Concept { word: "star".to_owned(), steps: 3, rate, area_px: 48 * 32, ..Concept::default() }
}

fn pivot_settings() -> Pivot {
    Pivot { steps: 5, inner: 10, area_px: 48 * 32, ..Pivot::default() }
}

#[test]
fn a_whole_transfer_agrees_with_pytorch_step_by_step() {
    let (model, arrays, ctx) = (model(), Arrays::of("vct.safetensors"), ctx());
    let vct: serde_json::Value = serde_json::from_slice(&bytes("vct.json")).unwrap();
    let seed = vct["settings"]["seed"].as_u64().unwrap();
    let concept = model.concept(&arrays.picture("reference"), &concept_settings(&vct, &model), seed, &ctx).unwrap();
    let vectors = concept.get::<2>("vectors").unwrap().1;
    let expected = arrays.get("vectors").1;
    close("vectors", vectors, &expected[expected.len() - vectors.len()..], 1e-6);
    let losses: Vec<f32> =
        vct["concept"]["losses"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect();
    close("losses", concept.get::<1>("losses").unwrap().1, &losses, 1e-4);

    let pivot = model.pivot(&arrays.picture("source"), &pivot_settings(), &ctx).unwrap();
    close("noise", pivot.get::<3>("noise").unwrap().1, &arrays.latent("trajectory", 5).values, 1e-4);
    close("content", pivot.get::<3>("content").unwrap().1, &arrays.get("embeddings").1, 1e-3);
    close("way back", pivot.get::<3>("reconstruction").unwrap().1, &arrays.latent("pivot_latents", 4).values, 1e-3);

    let fuse = Fuse { layout: 0.6, placing: 0.4, map_pixels: 0, ..Fuse::default() };
    let [kept, _] = model.fused(&concept, &pivot, &Fuse { layout: 1.0, ..fuse.clone() }, &ctx).unwrap();
    close("the source's stream, led to its end", &kept.values, &arrays.latent("kept", 4).values, 1e-3);
    let [_, edited] = model.fused(&concept, &pivot, &fuse, &ctx).unwrap();
    close("the other stream", &edited.values, &arrays.latent("edited", 4).values, 1e-3);
    let cases = [("self_edited", 0.6, 0.0), ("cross_edited", 0.0, 0.4), ("free_edited", 0.0, 0.0)];
    for (name, layout, placing) in cases {
        let [_, edited] = model.fused(&concept, &pivot, &Fuse { layout, placing, ..fuse.clone() }, &ctx).unwrap();
        close(name, &edited.values, &arrays.latent(name, 0).values, 1e-3);
    }
}

/// Raises the flag after so many reports.
struct After {
    left: AtomicUsize,
    cancel: Cancel,
}

impl Progress for After {
    fn stage(&self, _: &str, _: u64) {}

    fn advance(&self, _: u64, _: &str) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.cancel.cancel();
        }
    }
}

#[test]
fn every_stage_ends_when_it_is_told_to_and_no_pass_is_finished_first() {
    let (model, arrays) = (model(), Arrays::of("vct.safetensors"));
    let vct: serde_json::Value = serde_json::from_slice(&bytes("vct.json")).unwrap();
    let source = arrays.picture("source");
    let concept = concept_settings(&vct, &model);
    let pivot = pivot_settings();
    let told = |after: usize| {
        let mut ctx = ctx();
        ctx.progress = Arc::new(After { left: AtomicUsize::new(after), cancel: ctx.cancel.clone() });
        ctx
    };
    let is_cancelled = |error: DiffuseError| matches!(error, DiffuseError::Cancelled(_));
    assert!(is_cancelled(model.concept(&source, &concept, 1, &told(1)).unwrap_err()));
    for after in [1, pivot.steps + 1] {
        assert!(is_cancelled(model.pivot(&source, &pivot, &told(after)).unwrap_err()), "{after} reports");
    }
    let (concept, pivot) =
        (model.concept(&source, &concept, 1, &ctx()).unwrap(), model.pivot(&source, &pivot, &ctx()).unwrap());
    assert!(is_cancelled(model.fuse(&concept, &pivot, &Fuse::default(), &told(1)).unwrap_err()));
    let ctx = ctx();
    ctx.cancel.cancel();
    let latent = arrays.latent("trajectory", 5);
    let states = model.states("").unwrap();
    let pass = model.noises(&[&latent], 0, &[&states], None, &ctx.cancel);
    assert!(is_cancelled(pass.unwrap_err()), "a pass looks at the flag itself");
}
