//! The encoder agrees with PyTorch: both towers, the image gradient and the crops, on the models and figures that
//! `tests/fixtures/make_encoder.py` makes.

use std::sync::Arc;

use linocut::ctx::{Ctx, Silent};
use linocut::encoder::crops::{CropKind, CropSpec, Crops, Filter, Warp};
use linocut::encoder::{Config, Encoder, Files};
use safetensors::SafeTensors;

macro_rules! folder {
    ($name:literal) => {
        (
            Files {
                config: include_bytes!(concat!("../fixtures/encoder/", $name, "/config.json")),
                weights: include_bytes!(concat!("../fixtures/encoder/", $name, "/model.safetensors")),
                tokenizer: include_bytes!(concat!("../fixtures/encoder/", $name, "/tokenizer.json")),
                preprocessor: None,
            },
            include_bytes!(concat!("../fixtures/encoder/", $name, "/expected.safetensors")).as_slice(),
        )
    };
}

/// The two small models of the fixtures and what PyTorch computes with them.
pub(crate) fn folders() -> [(&'static str, Files<'static>, &'static [u8]); 2] {
    let ((quick, quick_expected), (exact, exact_expected)) = (folder!("quick"), folder!("exact"));
    [("quick", quick, quick_expected), ("exact", exact, exact_expected)]
}

pub(crate) fn ctx(threads: usize) -> Ctx {
    Ctx::new(threads, Arc::new(Silent)).unwrap()
}

pub(crate) fn values(file: &[u8], name: &str) -> Vec<f32> {
    let file = SafeTensors::deserialize(file).unwrap();
    let data = file.tensor(name).unwrap().data();
    data.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let scale = expected.iter().fold(0.0_f32, |m, e| m.max(e.abs()));
    let error = found.iter().zip(expected).fold(0.0_f32, |m, (f, e)| m.max((f - e).abs())) / scale;
    assert!(error <= tolerance, "{what}: off by {error} of the largest value {scale}");
}

#[test]
fn image_features_and_pixel_gradients_are_those_of_pytorch() {
    let ctx = ctx(2);
    for (name, files, expected) in folders() {
        let encoder = Encoder::from_bytes(name, files).unwrap();
        let (features, trace) = encoder.embed_crops_traced(&values(expected, "pixels"), 3, &ctx).unwrap();
        assert_close(name, &features, &values(expected, "features"), 3e-6);
        let d_pixels = encoder.backward(trace, &values(expected, "d_features"), &ctx).unwrap();
        assert_close(name, &d_pixels, &values(expected, "d_pixels"), 1e-5);
    }
}

#[test]
fn text_features_are_those_of_pytorch_whether_or_not_the_tokenizer_adds_the_ends() {
    let ctx = ctx(2);
    let texts = ["a photo of a red apple .", "Night", "the green tree , the blue apple"].map(str::to_owned);
    for (name, files, expected) in folders() {
        let encoder = Encoder::from_bytes(name, files).unwrap();
        let features = encoder.embed_text(&texts, &ctx).unwrap().concat();
        assert_close(name, &features, &values(expected, "text_features"), 3e-6);
    }
}

#[test]
fn crops_and_their_adjoint_are_those_of_pytorch() {
    let ctx = ctx(2);
    let file = include_bytes!("../fixtures/encoder/crops.safetensors").as_slice();
    let image = values(file, "image");
    let (width, height) = (56, 40);
    let spec = |window, visible, fill: f32, warp, filter| CropSpec {
        window,
        visible,
        fill: [fill; 3],
        warp,
        filter,
        kind: CropKind::Patch,
    };
    let region = [10, 6, 40, 30];
    let corners = [[2.0, 3.0], [22.0, 1.0], [20.0, 21.0], [0.0, 23.0]];
    let specs = [
        spec([4.0, 2.0, 24.0, 24.0], region, 1.0, Warp::Inward(corners), Filter::Bicubic),
        spec([10.0, 4.0, 29.0, 29.0], region, 0.0, Warp::None, Filter::Bicubic),
        spec([0.0, 0.0, 56.0, 40.0], [0, 0, 56, 40], 0.0, Warp::None, Filter::Antialiased),
    ];
    let config = Config { image_side_px: 16, mean: [0.0; 3], std: [1.0; 3], ..Config::vit_b_32() };
    let crops = Crops::new(&specs, width, height, &config).unwrap();
    let planes: Vec<&[f32]> = image.chunks(width * height).collect();
    let found = crops.forward([planes[0], planes[1], planes[2]], &ctx).unwrap();
    let expected = values(file, "crops");
    for (kind, (found, expected)) in found.chunks(768).zip(expected.chunks(768)).enumerate() {
        assert_close(&format!("crop {kind}"), found, expected, 2e-5);
    }
    let gradient = crops.adjoint(&values(file, "d_crops"), &ctx).unwrap().concat();
    assert_close("adjoint", &gradient, &values(file, "d_image"), 2e-5);
}
