//! The tower of tensor operations is held to the one for the processor, on the processor, where both can run.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};

use super::super::{Activation, Config, Encoder, EncoderError, Files, Kept, TowerConfig, place};
use crate::ctx::{Cancel, Ctx, EncoderPlace, Precision, Silent};
use crate::fault::Fault;
use crate::nn::on_device as ops;
use crate::rng::{Stage, Stream};

const CARD: EncoderPlace = EncoderPlace::Cuda { index: 0, precision: Precision::F32 };

fn ctx(place: EncoderPlace) -> Ctx {
    let mut ctx = Ctx::new(2, Arc::new(Silent)).unwrap();
    ctx.encoder = place;
    ctx
}

fn noise(n: usize, index: u32) -> Vec<f32> {
    let mut stream = Stream::new(31, 0, Stage::Test, index);
    (0..n).map(|_| stream.normal()).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "lengths");
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Length of the difference by the length of what is expected.
fn relative_error(found: &[f32], expected: &[f32]) -> f64 {
    let difference: Vec<f32> = found.iter().zip(expected).map(|(f, e)| f - e).collect();
    (dot(&difference, &difference) / dot(expected, expected)).sqrt()
}

macro_rules! fixture {
    ($name:literal) => {{
        let files = Files {
            config: include_bytes!(concat!("../../../tests/fixtures/encoder/", $name, "/config.json")),
            weights: include_bytes!(concat!("../../../tests/fixtures/encoder/", $name, "/model.safetensors")),
            tokenizer: include_bytes!(concat!("../../../tests/fixtures/encoder/", $name, "/tokenizer.json")),
            preprocessor: None,
        };
        Encoder::from_bytes($name, files).unwrap()
    }};
}

fn random(tower: TowerConfig, side: usize, patch: usize, embedding: usize) -> Encoder {
    let sizes = Config { image_side_px: side, patch_side_px: patch, embedding, vocabulary: 50, ..Config::vit_b_32() };
    Encoder::random("random", Config { vision: tower.clone(), text: tower, ..sizes }, 1).unwrap()
}

/// Both fixtures, and for every activation: sizes that are odd on purpose, a tower of one block and one head, a picture
/// of one patch, and a head of one value.
fn encoders() -> Vec<Encoder> {
    let mut encoders = vec![fixture!("quick"), fixture!("exact")];
    for activation in [Activation::QuickGelu, Activation::Gelu] {
        let tower = |width, hidden, layers, heads| TowerConfig { width, hidden, layers, heads, activation, eps: 1e-5 };
        encoders.push(random(tower(35, 51, 2, 7), 20, 4, 13));
        encoders.push(random(tower(9, 5, 1, 1), 15, 5, 3));
        encoders.push(random(tower(12, 30, 3, 2), 6, 6, 17));
        encoders.push(random(tower(11, 22, 2, 11), 12, 3, 1));
    }
    encoders
}

/// Features and pixel gradient of the two towers: the processor's and the device's.
fn both(encoder: &Encoder, precision: Precision, batch: usize) -> [(Vec<f32>, Vec<f32>); 2] {
    let crops = noise(batch * encoder.vision.crop_len(), 1);
    let d_features = noise(batch * encoder.embedding_len(), 2);
    let ctx = ctx(EncoderPlace::Cpu);
    let (features, trace) = encoder.embed_crops_traced(&crops, batch, &ctx).unwrap();
    let expected = (features, encoder.backward(trace, &d_features, &ctx).unwrap());
    let tower = encoder.vision.to_device(&Device::Cpu, precision).unwrap();
    let (features, trace) = tower.forward(&crops, true, &Cancel::default()).unwrap();
    let gradient = tower.backward(trace.unwrap(), &d_features, &Cancel::default()).unwrap();
    [expected, (features, gradient)]
}

#[test]
fn features_and_gradients_are_those_of_the_processor_s_tower() {
    for encoder in encoders() {
        // Two tasks of the other tower, and one crop alone, where every shape has a dimension of one.
        for batch in [11, 1] {
            let [expected, found] = both(&encoder, Precision::F32, batch);
            let (features, gradient) = (relative_error(&found.0, &expected.0), relative_error(&found.1, &expected.1));
            let config = &encoder.config.vision;
            assert!(features < 1e-5, "{batch} crops, features off by {features}: {config:?}");
            assert!(gradient < 1e-4, "{batch} crops, gradient off by {gradient}: {config:?}");
        }
    }
}

#[test]
fn bf16_products_keep_the_directions_of_features_and_gradients() {
    for encoder in encoders() {
        let [expected, found] = both(&encoder, Precision::Bf16, 5);
        let (features, gradient) = (cosine(&found.0, &expected.0), cosine(&found.1, &expected.1));
        let config = &encoder.config.vision;
        assert!(features > 0.999, "cosine of features {features}: {config:?}");
        assert!(gradient > 0.99, "cosine of gradients {gradient}: {config:?}");
        assert!(found != expected, "bf16 was not used: {config:?}");
    }
}

#[test]
fn the_gradient_is_that_of_finite_differences() {
    for encoder in encoders() {
        let tower = encoder.vision.to_device(&Device::Cpu, Precision::F32).unwrap();
        let forward = |crops: &[f32], keep| tower.forward(crops, keep, &Cancel::default()).unwrap();
        let (crops, weights) = (noise(2 * encoder.vision.crop_len(), 1), noise(2 * encoder.embedding_len(), 2));
        let (_, trace) = forward(&crops, true);
        let gradient = tower.backward(trace.unwrap(), &weights, &Cancel::default()).unwrap();
        for index in 0..4 {
            let direction = noise(crops.len(), 3 + index);
            let at = |h: f32| {
                let moved: Vec<f32> = crops.iter().zip(&direction).map(|(c, d)| c + h * d).collect();
                dot(&forward(&moved, false).0, &weights)
            };
            let central = |h: f32| (at(h) - at(-h)) / (2.0 * f64::from(h));
            // Richardson's extrapolation removes the error of second order.
            let expected = (4.0 * central(4e-3) - central(8e-3)) / 3.0;
            let (found, scale) = (dot(&gradient, &direction), dot(&gradient, &gradient).sqrt());
            let config = &encoder.config.vision;
            assert!((found - expected).abs() < 2e-3 * scale, "{found}, not {expected}: {config:?}");
        }
    }
}

#[test]
fn activations_far_from_zero_have_finite_values_and_slopes() {
    let x = Tensor::new(&[-1e4_f32, -80.0, 0.0, 80.0, 1e4], &Device::Cpu).unwrap();
    for activation in [Activation::QuickGelu, Activation::Gelu] {
        let values: Vec<f32> = ops::activate(&x, activation).unwrap().to_vec1().unwrap();
        let slopes: Vec<f32> = ops::slope(&x, activation).unwrap().to_vec1().unwrap();
        assert_eq!(values.iter().map(|v| v.abs()).collect::<Vec<_>>(), [0.0, 0.0, 0.0, 80.0, 1e4], "{activation:?}");
        assert_eq!(slopes.iter().map(|v| v.abs()).collect::<Vec<_>>(), [0.0, 0.0, 0.5, 1.0, 1.0], "{activation:?}");
    }
}

#[test]
fn softmax_takes_scores_that_would_overflow() {
    let scores = Tensor::new(&[[1e4_f32, 1e4, -1e4]], &Device::Cpu).unwrap();
    let p: Vec<Vec<f32>> = ops::softmax(&scores, 0.5).unwrap().to_vec2().unwrap();
    assert_eq!(p, [[0.5, 0.5, 0.0]]);
}

/// An encoder whose card is the processor in disguise.
fn with_card() -> Encoder {
    let encoder = fixture!("quick");
    encoder.towers.adopt(CARD, encoder.vision.to_device(&Device::Cpu, Precision::F32).unwrap());
    encoder
}

#[test]
fn the_context_chooses_the_tower_and_the_trace_remembers_it() {
    let encoder = with_card();
    let (crops, d_features) = (noise(3 * encoder.vision.crop_len(), 1), noise(3 * encoder.embedding_len(), 2));
    let (here, there) = (ctx(EncoderPlace::Cpu), ctx(CARD));
    let (expected, trace) = encoder.embed_crops_traced(&crops, 3, &here).unwrap();
    assert!(matches!(trace.0, Kept::Cpu(_)), "the processor unless asked otherwise");
    let expected_gradient = encoder.backward(trace, &d_features, &here).unwrap();
    let (found, trace) = encoder.embed_crops_traced(&crops, 3, &there).unwrap();
    assert!(matches!(&trace.0, Kept::Device { place: CARD, .. }), "the card where the context asks for it");
    assert!(relative_error(&found, &expected) < 1e-5, "features");
    // The backward pass goes where the trace is, whatever its own context says.
    let gradient = encoder.backward(trace, &d_features, &here).unwrap();
    assert!(relative_error(&gradient, &expected_gradient) < 1e-4, "gradient");
    assert!(encoder.embed_crops(&crops, 3, &here).unwrap() == fixture!("quick").embed_crops(&crops, 3, &here).unwrap());
    assert_eq!(encoder.embed_crops(&[], 0, &there).unwrap(), [0.0; 0], "no crops, no features");
}

#[test]
fn weights_are_moved_once() {
    let encoder = with_card();
    let tower = || encoder.towers.tower(CARD, &encoder.vision).unwrap().unwrap();
    assert!(Arc::ptr_eq(&tower(), &tower()));
    assert!(
        encoder.towers.tower(EncoderPlace::Cpu, &encoder.vision).unwrap().is_none(),
        "nothing moves to the processor"
    );
}

#[test]
fn a_card_is_cancelled_and_refuses_bad_input_as_the_processor_does() {
    let encoder = with_card();
    let ctx = ctx(CARD);
    let crops = noise(2 * encoder.vision.crop_len(), 1);
    let (_, trace) = encoder.embed_crops_traced(&crops, 2, &ctx).unwrap();
    let error = encoder.backward(trace, &[0.0; 3], &ctx).unwrap_err();
    assert!(matches!(error, EncoderError::Length { .. }), "{error}");
    let error = encoder.embed_crops(&crops[1..], 2, &ctx).unwrap_err();
    assert!(matches!(error, EncoderError::Length { .. }), "{error}");
    let error = encoder.embed_crops(&vec![f32::NAN; crops.len()], 2, &ctx).unwrap_err();
    assert!(matches!(error, EncoderError::NotFinite(_)), "{error}");
    let (_, trace) = encoder.embed_crops_traced(&crops, 2, &ctx).unwrap();
    ctx.cancel.cancel();
    let error = encoder.embed_crops(&crops, 2, &ctx).unwrap_err();
    assert!(matches!(error, EncoderError::Cancelled(_)), "{error}");
    let error = encoder.backward(trace, &noise(2 * encoder.embedding_len(), 2), &ctx).unwrap_err();
    assert!(matches!(error, EncoderError::Cancelled(_)), "{error}");
}

#[test]
fn a_failure_of_the_card_names_it_and_a_way_out() {
    let failed = Tensor::zeros((2, 3), DType::F32, &Device::Cpu).unwrap().reshape((5, 5)).unwrap_err();
    let error = place::failure_on(CARD, failed.into());
    assert!(matches!(error.fault(), Fault::Device { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.starts_with("the encoder failed on cuda:0 ("), "{message}");
    assert!(message.ends_with("use fewer --patches if memory ran out, or --encoder-device cpu"), "{message}");
    assert!(
        place::failure_on(CARD, EncoderError::EmptyPrompt).fault() == Fault::Usage,
        "other errors stay what they are"
    );
}

#[cfg(not(feature = "cuda"))]
#[test]
fn asking_for_cuda_in_a_build_without_it_says_how_to_build_it() {
    let encoder = fixture!("quick");
    let error = encoder.embed_crops(&noise(encoder.vision.crop_len(), 1), 1, &ctx(CARD)).unwrap_err();
    assert!(matches!(error.fault(), Fault::Device { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "the encoder cannot run on cuda:0: this build has no CUDA; build it with `cargo build --release --features cuda` \
         where the CUDA toolkit is installed, or use --encoder-device cpu"
    );
    assert!(matches!(super::super::check_place(CARD), Err(EncoderError::NotBuilt { wanted: CARD })));
    super::super::check_place(EncoderPlace::Cpu).unwrap();
}
