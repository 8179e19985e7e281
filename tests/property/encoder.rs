//! What must hold for every picture, crop and prompt, whatever the encoder's weights.

use linocut::encoder::crops::draw::{CropPreset, Region, centre, draw};
use linocut::encoder::crops::{CropSpec, Crops};
use linocut::encoder::moments::Moments;
use linocut::encoder::{Activation, Config, Encoder, Tapped, TowerConfig};
use linocut::rng::{Stage, Stream};
use proptest::prelude::*;

use crate::golden::encoder::{ctx, folders};

fn noise(n: usize, index: u32) -> Vec<f32> {
    let mut stream = Stream::new(3, 0, Stage::Test, index);
    (0..n).map(|_| stream.normal()).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// Sizes that are odd on purpose: more tokens than a SIMD lane, a head of 5, several tasks of crops.
fn odd_encoder(activation: Activation) -> Encoder {
    let tower = TowerConfig { width: 35, hidden: 51, layers: 2, heads: 7, activation, eps: 1e-5 };
    let sizes = Config { image_side_px: 20, patch_side_px: 4, embedding: 13, vocabulary: 50, ..Config::vit_b_32() };
    Encoder::random("odd", Config { vision: tower.clone(), text: tower, ..sizes }, 1).unwrap()
}

#[test]
fn the_whole_tower_has_the_gradient_of_finite_differences() {
    let ctx = ctx(2);
    for activation in [Activation::QuickGelu, Activation::Gelu] {
        let encoder = odd_encoder(activation);
        let (crops, weights) = (noise(2 * 1200, 1), noise(2 * 13, 2));
        let (_, trace) = encoder.embed_crops_traced(&crops, 2, &ctx).unwrap();
        let gradient = encoder.backward(trace, &weights, &ctx).unwrap();
        for index in 0..16 {
            let direction = noise(crops.len(), 10 + index);
            let value = |h: f32| {
                let moved: Vec<f32> = crops.iter().zip(&direction).map(|(x, d)| x + h * d).collect();
                dot(&encoder.embed_crops(&moved, 2, &ctx).unwrap(), &weights)
            };
            // Richardson: the error of central differences falls with the fourth power of the step.
            let central = |h: f32| (value(h) - value(-h)) / (2.0 * f64::from(h));
            let expected = (4.0 * central(4e-3) - central(8e-3)) / 3.0;
            let found = dot(&gradient, &direction);
            let scale = dot(&gradient, &gradient).sqrt();
            assert!(
                (found - expected).abs() < 1e-3 * scale,
                "{activation:?} {index}: {found}, not {expected} of {scale}"
            );
        }
        for (n, crop) in gradient.chunks(16).enumerate() {
            assert!(crop.iter().any(|&g| g != 0.0), "pixels from {} on get no gradient", n * 16);
        }
    }
}

#[test]
fn a_texture_has_the_gradient_of_finite_differences_through_features_and_states_at_once() {
    let ctx = ctx(2);
    let tower = TowerConfig { width: 35, hidden: 51, layers: 4, heads: 7, activation: Activation::Gelu, eps: 1e-5 };
    let sizes = Config { image_side_px: 20, patch_side_px: 4, embedding: 13, vocabulary: 50, ..Config::vit_b_32() };
    let encoder = Encoder::random("deep", Config { vision: tower.clone(), text: tower, ..sizes }, 1).unwrap();
    // More crops than a task takes.
    let (count, taps) = (10, [0, 2]);
    let (reference, crops, weights) = (noise(count * 1200, 5), noise(count * 1200, 1), noise(count * 13, 2));
    let wanted = encoder.embed_crops_tapped(&reference, count, &taps, &ctx).unwrap().states;
    let wanted = wanted.iter().map(|states| Moments::of(states, 35).unwrap()).collect::<Vec<_>>();
    let judged = |crops: &[f32]| {
        let Tapped { features, states, trace } = encoder.embed_crops_tapped(crops, count, &taps, &ctx).unwrap();
        let distances = wanted.iter().zip(&states).map(|(wanted, states)| wanted.distance(states, 30.0));
        let (distances, d_states): (Vec<_>, Vec<_>) = distances.unzip();
        let loss = dot(&features, &weights) + 30.0 * distances.iter().sum::<f64>();
        (loss, d_states, trace)
    };
    let (_, d_states, trace) = judged(&crops);
    let d_states = taps.into_iter().zip(d_states).collect::<Vec<_>>();
    let gradient = encoder.backward_tapped(trace, &weights, &d_states, &ctx).unwrap();
    for index in 0..8 {
        let direction = noise(crops.len(), 10 + index);
        let value = |h: f32| judged(&crops.iter().zip(&direction).map(|(x, d)| x + h * d).collect::<Vec<_>>()).0;
        let central = |h: f32| (value(h) - value(-h)) / (2.0 * f64::from(h));
        let expected = (4.0 * central(4e-3) - central(8e-3)) / 3.0;
        let (found, scale) = (dot(&gradient, &direction), dot(&gradient, &gradient).sqrt());
        assert!((found - expected).abs() < 2e-3 * scale, "{index}: {found}, not {expected} of {scale}");
    }
}

#[test]
fn features_and_gradients_are_bit_identical_for_any_thread_count() {
    // Large enough that the matrix products are split among threads.
    let tower = |width| TowerConfig { width, layers: 2, ..Config::vit_b_32().vision };
    let config = Config { vision: TowerConfig { hidden: 512, heads: 2, ..tower(128) }, ..Config::vit_b_32() };
    let config = Config { text: TowerConfig { hidden: 64, heads: 2, ..tower(32) }, vocabulary: 64, ..config };
    let encoder = Encoder::random("wide", Config { image_side_px: 64, patch_side_px: 8, ..config }, 1).unwrap();
    let (crops, weights) = (noise(10 * 3 * 64 * 64, 1), noise(10 * 512, 2));
    let run = |threads| {
        let ctx = ctx(threads);
        let (features, trace) = encoder.embed_crops_traced(&crops, 10, &ctx).unwrap();
        (features, encoder.backward(trace, &weights, &ctx).unwrap())
    };
    let one = run(1);
    assert!(one == run(2), "two threads differ from one");
    assert!(one == run(3), "three threads differ from one");
}

#[test]
fn a_batch_gives_each_crop_the_feature_it_has_alone() {
    let ctx = ctx(2);
    let encoder = odd_encoder(Activation::Gelu);
    let crops = noise(9 * 1200, 4);
    let together = encoder.embed_crops(&crops, 9, &ctx).unwrap();
    for (crop, feature) in crops.chunks(1200).zip(together.chunks(13)) {
        let alone = encoder.embed_crops(crop, 1, &ctx).unwrap();
        assert!(alone.iter().zip(feature).all(|(a, b)| (a - b).abs() < 1e-5), "{alone:?} and {feature:?}");
    }
}

#[test]
fn a_text_has_the_same_feature_whatever_stands_beside_it() {
    let ctx = ctx(2);
    for (name, files, _) in folders() {
        let encoder = Encoder::from_bytes(name, files).unwrap();
        let texts = ["night", "a photo of a red apple , a tree"].map(str::to_owned);
        let together = encoder.embed_text(&texts, &ctx).unwrap();
        let alone = encoder.embed_text(&texts[..1], &ctx).unwrap();
        assert!(alone[0].iter().zip(&together[0]).all(|(a, b)| (a - b).abs() < 1e-5), "{name}");
    }
}

fn specs_of(preset: CropPreset, region: Region, picture: (usize, usize), seed: u64) -> Vec<CropSpec> {
    draw(region, picture, preset, &mut Stream::new(seed, 0, Stage::Crops, 0)).unwrap()
}

fn region_in(width: usize, height: usize) -> impl Strategy<Value = Region> {
    (0..width, 0..height).prop_flat_map(move |(x, y)| {
        (1..=width - x, 1..=height - y).prop_map(move |(width, height)| Region { x, y, width, height })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_kind_of_crop_has_an_exact_adjoint(region in region_in(47, 31), seed in 0_u64..1000, paper in any::<bool>()) {
        let preset = if paper { CropPreset::Paper { patches: 4 } } else { CropPreset::Stratified { crops: 5 } };
        let specs = specs_of(preset, region, (47, 31), seed);
        let config = Config { image_side_px: 12, std: [1.0, 0.5, 0.25], ..Config::vit_b_32() };
        let crops = Crops::new(&specs, 47, 31, &config).unwrap();
        let ctx = ctx(1);
        let forward = |image: &[f32]| {
            let (planes, _) = image.as_chunks::<{ 47 * 31 }>();
            crops.forward([&planes[0], &planes[1], &planes[2]], &ctx).unwrap()
        };
        let (image, y) = (noise(3 * 47 * 31, 1), noise(5 * 3 * 144, 2));
        let constant = forward(&vec![0.0; image.len()]);
        let linear: Vec<f32> = forward(&image).iter().zip(&constant).map(|(a, b)| a - b).collect();
        let adjoint = crops.adjoint(&y, &ctx).unwrap().concat();
        let (left, right) = (dot(&linear, &y), dot(&image, &adjoint));
        let scale = (dot(&linear, &linear) * dot(&y, &y)).sqrt();
        prop_assert!((left - right).abs() <= 1e-6 * scale, "<Ax, y> = {left}, <x, A'y> = {right}, scale {scale}");
        // The adjoint does not reach outside the region: a prompt for one region leaves the rest alone.
        for (at, g) in adjoint.iter().enumerate() {
            let (x, y) = (at % 47, at / 47 % 31);
            let inside = (region.x..region.x + region.width).contains(&x) && (region.y..region.y + region.height).contains(&y);
            prop_assert!(inside || *g == 0.0, "pixel {x}, {y} outside the region gets a gradient");
        }
    }

    #[test]
    fn a_flat_picture_stays_flat_in_our_crops(region in region_in(47, 31), seed in 0_u64..1000) {
        let specs = specs_of(CropPreset::Stratified { crops: 6 }, region, (47, 31), seed);
        for spec in &specs {
            let [x, y, w, h] = spec.window;
            let inside = x >= region.x as f32 - 1e-3 && x + w <= (region.x + region.width) as f32 + 1e-3
                && y >= region.y as f32 - 1e-3 && y + h <= (region.y + region.height) as f32 + 1e-3;
            prop_assert!(inside, "{spec:?} leaves {region:?}");
        }
        let config = Config { image_side_px: 12, mean: [0.0; 3], std: [1.0; 3], ..Config::vit_b_32() };
        let plane = vec![0.37; 47 * 31];
        let crops = Crops::new(&specs, 47, 31, &config).unwrap().forward([&plane, &plane, &plane], &ctx(1)).unwrap();
        prop_assert!(crops.iter().all(|v| (v - 0.37).abs() < 1e-5), "no fill colour, no ringing on a constant");
    }
}

#[test]
fn paper_windows_have_the_sizes_and_offsets_of_the_original() {
    // Region, side of a patch, largest offset from the padded corner, side of the region's crop.
    for (w, h, side, pad, room, roi) in
        [(512, 512, 410, 82, [266, 266], 501), (185, 316, 253, 51, [34, 165], 309), (480, 325, 384, 77, [250, 95], 470)]
    {
        let region = Region { x: 20, y: 30, width: w, height: h };
        let specs = specs_of(CropPreset::Paper { patches: 200 }, region, (600, 600), 5);
        assert_eq!(specs[0].window[2..], [roi as f32; 2]);
        for (axis, start) in [20.0, 30.0].into_iter().enumerate() {
            let offsets: Vec<f32> = specs[1..].iter().map(|s| s.window[axis] - start + pad as f32).collect();
            assert!(specs[1..].iter().all(|s| s.window[2..] == [side as f32; 2]));
            let most = offsets.iter().fold(0.0_f32, |m, &o| m.max(o));
            assert!(offsets.iter().all(|&o| (0.0..=room[axis] as f32).contains(&o)), "{offsets:?}");
            assert!(most > 0.8 * room[axis] as f32, "the whole room is used: {most} of {}", room[axis]);
        }
    }
}

#[test]
fn the_same_key_draws_the_same_windows_and_another_does_not() {
    let region = Region::whole(100, 80);
    for preset in [CropPreset::Paper { patches: 3 }, CropPreset::Stratified { crops: 4 }] {
        assert_eq!(specs_of(preset, region, (100, 80), 1), specs_of(preset, region, (100, 80), 1));
        assert_ne!(specs_of(preset, region, (100, 80), 1), specs_of(preset, region, (100, 80), 2));
        let centre = centre(region, (100, 80), preset).unwrap();
        assert!(centre.window[2] >= 100.0, "the reference sees all of the region: {centre:?}");
        let outside = Region { x: 90, ..region };
        let message =
            draw(outside, (100, 80), preset, &mut Stream::new(1, 0, Stage::Crops, 0)).unwrap_err().to_string();
        assert!(message.contains("outside the picture"), "{message}");
    }
}

#[test]
fn crops_are_bit_identical_for_any_thread_count() {
    let specs = specs_of(CropPreset::Paper { patches: 18 }, Region::whole(90, 70), (90, 70), 1);
    let config = Config { image_side_px: 24, ..Config::vit_b_32() };
    let crops = Crops::new(&specs, 90, 70, &config).unwrap();
    let (plane, g) = (noise(90 * 70, 1), noise(19 * 3 * 24 * 24, 2));
    let run = |threads| {
        let ctx = ctx(threads);
        (crops.forward([&plane, &plane, &plane], &ctx).unwrap(), crops.adjoint(&g, &ctx).unwrap())
    };
    assert!(run(1) == run(3), "three threads differ from one");
}

#[test]
fn a_step_against_the_gradient_of_the_whole_road_lowers_the_loss() {
    use linocut::encoder::direction::{self, TextMean};
    let ctx = ctx(2);
    let [_, (name, files, _)] = folders();
    let encoder = Encoder::from_bytes(name, files).unwrap();
    let prompt = direction::prompt_feature(&encoder, "apple", TextMean::Normalised, &ctx).unwrap();
    let reference = direction::prompt_feature(&encoder, "photo", TextMean::Normalised, &ctx).unwrap();
    let text = direction::text_direction(&prompt, &reference);
    let size = (40, 32);
    let region = Region { x: 4, y: 2, width: 30, height: 28 };
    let mut image: Vec<f32> = noise(3 * 40 * 32, 1).iter().map(|v| 0.5 + 0.1 * v).collect();
    for preset in [CropPreset::Paper { patches: 4 }, CropPreset::Stratified { crops: 5 }] {
        let planes_of = |image: &[f32]| image.as_chunks::<{ 40 * 32 }>().0.to_vec();
        let planes = planes_of(&image);
        let start = [&planes[0][..], &planes[1], &planes[2]];
        let whole = direction::region_feature(&encoder, start, size, region, preset, &ctx).unwrap();
        let specs = specs_of(preset, region, size, 9);
        let weights = linocut::encoder::crops::weights(&specs, 30.0, 80.0);
        assert!((weights.iter().sum::<f32>() - 110.0).abs() < 1e-3, "region and patches share the weights");
        let crops = Crops::new(&specs, 40, 32, &encoder.config).unwrap();
        let evaluate = |image: &[f32]| {
            let planes = planes_of(image);
            let batch = crops.forward([&planes[0], &planes[1], &planes[2]], &ctx).unwrap();
            let (features, trace) = encoder.embed_crops_traced(&batch, specs.len(), &ctx).unwrap();
            let loss = direction::loss(&features, &whole, &text, &weights, direction::SHARP).unwrap();
            let d_crops = encoder.backward(trace, &loss.d_features, &ctx).unwrap();
            (loss.loss, crops.adjoint(&d_crops, &ctx).unwrap().concat())
        };
        let moved: Vec<f32> = image.iter().zip(noise(image.len(), 6)).map(|(v, n)| v + 0.03 * n).collect();
        let (loss, gradient) = evaluate(&moved);
        let slope = dot(&gradient, &gradient);
        // A step that should lower the loss by one thousandth.
        let step = (1e-3 * loss / slope) as f32;
        let image_after: Vec<f32> = moved.iter().zip(&gradient).map(|(v, g)| v - step * g).collect();
        let fall = (loss - evaluate(&image_after).0) / (1e-3 * loss);
        assert!((0.9..1.1).contains(&fall), "{preset:?}: the loss fell by {fall} of what the gradient says");
        image = image_after;
    }
}
