//! Damaged and hostile encoder folders and prompts: a clear message, never a panic, never a huge allocation.

use linocut::encoder::direction::{TextMean, prompt_feature};
use linocut::encoder::{Encoder, EncoderError, Files};

use crate::golden::encoder::{ctx, folders};

fn load(files: Files<'_>) -> String {
    Encoder::from_bytes("attacked", files).unwrap_err().to_string()
}

fn exact() -> Files<'static> {
    let [_, (_, files, _)] = folders();
    files
}

/// The fixture's weight file with another header.
fn with_header(edit: impl Fn(&mut serde_json::Map<String, serde_json::Value>)) -> Vec<u8> {
    let bytes = exact().weights;
    let len = u64::from_le_bytes(*bytes.first_chunk::<8>().unwrap()) as usize;
    let mut header = serde_json::from_slice(&bytes[8..8 + len]).unwrap();
    edit(&mut header);
    let header = serde_json::to_vec(&header).unwrap();
    [&(header.len() as u64).to_le_bytes()[..], &header, &bytes[8 + len..]].concat()
}

const CLASS: &str = "vision_model.embeddings.class_embedding";

#[test]
fn truncated_weights_are_refused_wherever_they_end() {
    let whole = exact().weights;
    for end in (0..whole.len()).step_by(whole.len() / 97).chain([7, 8, 9, whole.len() - 1]) {
        let message = load(Files { weights: &whole[..end], ..exact() });
        assert!(message.contains("not a valid safetensors file"), "cut at {end}: {message}");
    }
}

#[test]
fn a_header_that_claims_too_much_is_refused_before_anything_is_allocated() {
    for claim in [u64::MAX, 1 << 62, 1 << 40, 99_000_000] {
        let mut bytes = exact().weights.to_vec();
        bytes[..8].copy_from_slice(&claim.to_le_bytes());
        let message = load(Files { weights: &bytes, ..exact() });
        assert!(message.contains("not a valid safetensors file"), "{claim}: {message}");
    }
    let huge = with_header(|header| header[CLASS]["shape"] = serde_json::json!([u64::MAX, u64::MAX]));
    assert!(load(Files { weights: &huge, ..exact() }).contains("not a valid safetensors file"));
    let overlapping = with_header(|header| header[CLASS]["data_offsets"] = serde_json::json!([4, 68]));
    assert!(load(Files { weights: &overlapping, ..exact() }).contains("not a valid safetensors file"));
}

#[test]
fn a_tensor_that_is_absent_or_wrong_is_named_with_both_shapes() {
    let renamed = with_header(|header| {
        let tensor = header.remove(CLASS).unwrap();
        header.insert("other".to_owned(), tensor);
    });
    let message = load(Files { weights: &renamed, ..exact() });
    assert!(message.contains(CLASS) && message.contains("lack") && message.contains("[16]"), "{message}");
    let reshaped = with_header(|header| header[CLASS]["shape"] = serde_json::json!([4, 4]));
    let message = load(Files { weights: &reshaped, ..exact() });
    assert!(message.contains(CLASS) && message.contains("[4, 4]") && message.contains("[16]"), "{message}");
    let retyped = with_header(|header| header[CLASS]["dtype"] = serde_json::json!("I32"));
    let message = load(Files { weights: &retyped, ..exact() });
    assert!(message.contains(CLASS) && message.contains("I32"), "{message}");
    let config = String::from_utf8(exact().config.to_vec()).unwrap().replace("\"patch_size\": 8", "\"patch_size\": 4");
    let message = load(Files { config: config.as_bytes(), ..exact() });
    assert!(message.contains("patch_embedding") && message.contains("[16, 3, 4, 4]"), "{message}");
}

#[test]
fn a_weight_that_is_not_a_number_is_named() {
    let mut bytes = exact().weights.to_vec();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    let message = load(Files { weights: &bytes, ..exact() });
    assert!(message.contains("is NaN") && message.contains("visual_projection.weight"), "{message}");
}

#[test]
fn a_broken_tokenizer_or_configuration_is_named() {
    assert!(load(Files { tokenizer: b"{\"model\": 3}", ..exact() }).contains("tokenizer"));
    assert!(load(Files { tokenizer: &exact().tokenizer[..200], ..exact() }).contains("tokenizer"));
    assert!(load(Files { config: b"\xff\xfe", ..exact() }).contains("config.json"));
    let [(_, quick, _), _] = folders();
    let small = String::from_utf8(quick.config.to_vec()).unwrap().replace("\"vocab_size\": 48", "\"vocab_size\": 9");
    assert!(load(Files { config: small.as_bytes(), ..quick }).contains("token_embedding"));
}

#[test]
fn empty_and_overlong_prompts_say_so() {
    let ctx = ctx(1);
    for (name, files, _) in folders() {
        let encoder = Encoder::from_bytes(name, files).unwrap();
        for empty in ["", "  \t\n"] {
            let error = encoder.embed_text(&[empty.to_owned()], &ctx).unwrap_err();
            assert!(matches!(error, EncoderError::EmptyPrompt), "{name}: {error}");
            let error = prompt_feature(&encoder, empty, TextMean::Normalised, &ctx).unwrap_err();
            assert!(matches!(error, EncoderError::EmptyPrompt), "{name}: {error}");
        }
        let error = encoder.embed_text(&["apple ".repeat(11)], &ctx).unwrap_err().to_string();
        assert!(error.contains("11 tokens") && error.contains("takes 10"), "{name}: {error}");
        encoder.embed_text(&["apple ".repeat(10)], &ctx).unwrap();
    }
}

#[test]
fn slices_of_the_wrong_length_and_cancelled_work_are_errors() {
    let ctx = ctx(1);
    let encoder = Encoder::from_bytes("exact", exact()).unwrap();
    let error = encoder.embed_crops(&[0.0; 100], 1, &ctx).unwrap_err().to_string();
    assert!(error.contains("crops: 100 values where 768 are needed"), "{error}");
    let error = encoder.embed_crops(&[f32::NAN; 768], 1, &ctx).unwrap_err();
    assert!(matches!(error, EncoderError::NotFinite(_)), "{error}");
    ctx.cancel.cancel();
    let error = encoder.embed_crops(&[0.0; 768], 1, &ctx).unwrap_err();
    assert!(matches!(error, EncoderError::Cancelled(_)), "{error}");
}
