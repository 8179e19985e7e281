//! Finding diffusion models: half copies, models of other families, folders that point elsewhere.

use std::path::Path;

use linocut::ctx::Cancel;
use linocut::fault::Fault;
use linocut::models::{self, DiffusionChoice, Kind, LoadError, ModelError, SearchPath, Source};
use serde_json::{Value, json};

use super::models::{encoder_at, place, tiny_safetensors};
use crate::util::linocut;

/// Every file of a model, its weights aside.
const SMALL_FILES: [&str; 6] = [
    "unet/config.json",
    "vae/config.json",
    "text_encoder/config.json",
    "scheduler/scheduler_config.json",
    "tokenizer/vocab.json",
    "tokenizer/merges.txt",
];
const WEIGHTS: [&str; 3] = [
    "unet/diffusion_pytorch_model.safetensors",
    "vae/diffusion_pytorch_model.safetensors",
    "text_encoder/model.safetensors",
];

/// What a small model of the family says in `file`.
pub(super) fn content(file: &str) -> Vec<u8> {
    let json = match file {
        "unet/config.json" => {
            json!({"attention_head_dim": 2, "block_out_channels": [32, 64], "cross_attention_dim": 16,
            "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"], "layers_per_block": 1, "in_channels": 4,
            "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"]})
        }
        "vae/config.json" => json!({"block_out_channels": [32], "down_block_types": ["DownEncoderBlock2D"],
            "up_block_types": ["UpDecoderBlock2D"]}),
        "text_encoder/config.json" => json!({"hidden_size": 16, "num_attention_heads": 2}),
        "scheduler/scheduler_config.json" => json!({"beta_schedule": "scaled_linear"}),
        _ if file.ends_with(".safetensors") => return tiny_safetensors(64 + file.len()),
        _ => json!({}),
    };
    json.to_string().into_bytes()
}

fn write(folder: &Path, file: &str, bytes: &[u8]) {
    let path = folder.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn model_at(folder: &Path) {
    for file in SMALL_FILES.iter().chain(&WEIGHTS) {
        write(folder, file, &content(file));
    }
}

/// `file` with one key set.
fn set(folder: &Path, file: &str, key: &str, value: Value) {
    let mut root: Value = serde_json::from_slice(&std::fs::read(folder.join(file)).unwrap()).unwrap();
    root[key] = value;
    write(folder, file, root.to_string().as_bytes());
}

fn choose(name: &str, search: &SearchPath) -> Result<DiffusionChoice, LoadError> {
    models::choose_diffusion(name, search, &Cancel::default())
}

fn choose_folder(folder: &Path) -> Result<DiffusionChoice, LoadError> {
    choose(folder.to_str().unwrap(), &SearchPath::default())
}

/// The message of a folder that must be refused as a model that is missing or wrong.
fn refused(folder: &Path) -> String {
    let error = choose_folder(folder).unwrap_err();
    assert_eq!(error.fault(), Fault::Model, "{error}");
    error.to_string()
}

#[test]
fn a_model_is_found_in_every_place_and_known_by_its_bytes() {
    let root = tempfile::tempdir().unwrap();
    let given = root.path().join("given");
    model_at(&given);
    let choice = choose_folder(&given).unwrap();
    assert_eq!((choice.name(), choice.hash().len()), (given.to_str().unwrap(), 64));
    let plain = root.path().join("plain");
    model_at(&plain.join("mine"));
    let search = SearchPath { places: vec![place(Source::ModelPath, &plain)] };
    let mine = choose("mine", &search).unwrap();
    assert_eq!((mine.name(), mine.hash()), ("mine", choice.hash()), "one hash under any name and path");
    let cache = root.path().join("hub");
    let snapshot = cache.join("models--studio--painter/snapshots/0123abcd");
    model_at(&snapshot);
    let search = SearchPath { places: vec![place(Source::HubCache, &cache)] };
    assert_eq!(choose("studio/painter", &search).unwrap().hash(), choice.hash());
    let located = models::locate("studio/painter", &search).unwrap();
    assert_eq!((located.kind, located.folder()), (Kind::Diffusion, Some(snapshot.as_path())));
    set(&given, "scheduler/scheduler_config.json", "steps_offset", json!(1));
    write(&given, WEIGHTS[0], &tiny_safetensors(999));
    assert_ne!(choose_folder(&given).unwrap().hash(), choice.hash(), "another scheduler is another model");
    let held = models::resident();
    assert!(held.iter().any(|held| held.kind == Kind::Diffusion && held.key.contains("mine")), "{held:?}");
}

#[test]
fn weights_in_half_precision_and_one_tokenizer_file_do_too() {
    let root = tempfile::tempdir().unwrap();
    model_at(root.path());
    for full in WEIGHTS {
        let half = full.replace(".safetensors", ".fp16.safetensors");
        std::fs::rename(root.path().join(full), root.path().join(half)).unwrap();
    }
    std::fs::remove_file(root.path().join("tokenizer/vocab.json")).unwrap();
    write(root.path(), "tokenizer/tokenizer.json", b"{}");
    choose_folder(root.path()).unwrap();
}

#[test]
fn a_half_copy_names_what_lacks() {
    for file in SMALL_FILES.iter().chain(&WEIGHTS) {
        let root = tempfile::tempdir().unwrap();
        model_at(root.path());
        std::fs::remove_file(root.path().join(file)).unwrap();
        let message = refused(root.path());
        assert!(message.contains(file) && message.contains("text_encoder"), "{file}: {message}");
    }
    let root = tempfile::tempdir().unwrap();
    let message = refused(root.path());
    assert!(message.contains("has no unet/config.json") && message.contains("a diffusion model"), "{message}");
    let half = root.path().join("stable-diffusion-v1-5");
    model_at(&half);
    std::fs::remove_file(half.join(WEIGHTS[1])).unwrap();
    let search = SearchPath { places: vec![place(Source::UserData, root.path())] };
    let message = choose("sd15", &search).unwrap_err().to_string();
    assert!(message.contains(WEIGHTS[1]) && message.contains("models fetch"), "{message}");
}

#[test]
fn a_model_of_the_other_kind_is_said_to_be_one() {
    let root = tempfile::tempdir().unwrap();
    let (encoder, model) = (root.path().join("encoder"), root.path().join("model"));
    encoder_at(&encoder, &tiny_safetensors(4));
    model_at(&model);
    let message = refused(&encoder);
    assert!(message.contains("is an encoder, but a diffusion model is needed"), "{message}");
    let search = SearchPath { places: vec![place(Source::ModelPath, root.path())] };
    for name in [model.to_str().unwrap(), "model", "sd15"] {
        let error = models::choose(name, &search, &Cancel::default()).unwrap_err();
        let message = error.to_string();
        assert!(matches!(error, LoadError::Model(ModelError::WrongKind { .. })), "{message}");
        assert!(message.contains("is a diffusion model, but an encoder is needed"), "{message}");
    }
    for name in ["default", "tinyclip", "encoder"] {
        let message = choose(name, &search).unwrap_err().to_string();
        assert!(message.contains("is an encoder, but a diffusion model is needed"), "{name}: {message}");
    }
}

#[test]
fn a_model_of_another_family_is_named_before_its_weights_are_read() {
    let cases = [
        ("unet/config.json", "cross_attention_dim", json!(2048), "Stable Diffusion XL"),
        ("unet/config.json", "cross_attention_dim", json!(1024), "Stable Diffusion 2.x"),
        ("unet/config.json", "in_channels", json!(9), "an inpainting model"),
        ("scheduler/scheduler_config.json", "prediction_type", json!("v_prediction"), "predicts velocity"),
    ];
    for (file, key, value, found) in cases {
        let root = tempfile::tempdir().unwrap();
        model_at(root.path());
        set(root.path(), file, key, value);
        let message = refused(root.path());
        assert!(message.contains(found) && message.contains(file) && message.contains("1.x family"), "{message}");
    }
    for (file, found) in
        [("text_encoder_2/config.json", "Stable Diffusion XL"), ("transformer/config.json", "transformer")]
    {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "model_index.json", b"{}");
        write(root.path(), file, b"{}");
        let message = refused(root.path());
        assert!(message.contains(found) && message.contains("1.x family"), "{message}");
    }
}

#[test]
fn what_has_to_be_converted_is_said() {
    let root = tempfile::tempdir().unwrap();
    model_at(root.path());
    std::fs::rename(root.path().join(WEIGHTS[0]), root.path().join("unet/diffusion_pytorch_model.bin")).unwrap();
    let message = refused(root.path());
    assert!(message.contains("diffusion_pytorch_model.bin") && message.contains("converted"), "{message}");
    let single = tempfile::tempdir().unwrap();
    let file = single.path().join("v1-5-pruned-emaonly.ckpt");
    std::fs::write(&file, "x").unwrap();
    let message = refused(single.path());
    assert!(message.contains("v1-5-pruned-emaonly.ckpt") && message.contains("converted"), "{message}");
    let message = refused(&file);
    assert!(message.contains("is a file") && message.contains("from_single_file"), "{message}");
}

#[test]
fn a_folder_may_refer_to_its_neighbours_and_to_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let (parent, outside) = (root.path().join("models"), root.path().join("secret.safetensors"));
    let model = parent.join("diffusion");
    model_at(&model);
    std::fs::write(&outside, tiny_safetensors(8)).unwrap();
    write(&parent, "default/model.safetensors", &tiny_safetensors(8));
    write(&parent, "default/tokenizer.json", b"{}");
    for file in [WEIGHTS[2], "tokenizer/vocab.json"] {
        std::fs::remove_file(model.join(file)).unwrap();
    }
    write(&model, "tokenizer/tokenizer_config.json", br#"{"file": "../../default/tokenizer.json"}"#);
    let text = |file: &str| set(&model, "text_encoder/config.json", "file", json!(file));
    text("../../default/model.safetensors");
    choose_folder(&model).expect("a neighbour is fine");
    let mut far = vec!["../../../secret.safetensors", outside.to_str().unwrap(), "../../../../../../../../etc/passwd"];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&outside, parent.join("default/link.safetensors")).unwrap();
        far.push("../../default/link.safetensors");
    }
    for file in far {
        text(file);
        let message = refused(&model);
        let named = message.contains(&format!("'{file}'")) && message.contains("text_encoder/config.json");
        assert!(named && message.contains("refused") && message.contains(parent.to_str().unwrap()), "{message}");
    }
    text("../../default/absent.safetensors");
    assert!(choose_folder(&model).unwrap_err().to_string().contains("absent.safetensors"));
}

#[test]
fn bytes_that_are_not_the_published_ones_are_told_apart_by_folder() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("stable-diffusion-v1-5--stable-diffusion-v1-5");
    model_at(&folder);
    let search = SearchPath { places: vec![place(Source::UserData, root.path())] };
    for name in ["sd15", "stable-diffusion-1.5", "auto"] {
        let error = choose(name, &search).unwrap_err();
        let message = error.to_string();
        assert!(matches!(error, LoadError::Model(ModelError::WrongHash { .. })), "{name}: {message}");
        assert!(message.contains("unet") && message.contains("models fetch"), "{message}");
    }
    let verified = models::verify("sd15", &search, &Cancel::default()).unwrap();
    assert_eq!((verified.files.len(), verified.check().is_err()), (9, true), "every file is listed");
    choose_folder(&folder).expect("a folder is the user's own word");
}

#[test]
fn a_cut_weight_file_is_refused() {
    let root = tempfile::tempdir().unwrap();
    model_at(root.path());
    for file in WEIGHTS {
        let bytes = content(file);
        write(root.path(), file, &bytes[..bytes.len() - 1]);
        assert!(refused(root.path()).contains("not whole"), "{file}");
        write(root.path(), file, &bytes);
    }
}

#[test]
fn without_any_model_the_message_says_how_to_bring_one() {
    let nowhere = SearchPath::default();
    let has_small = models::builtin_diffusion().is_some();
    match choose("auto", &nowhere) {
        Ok(choice) => assert!(has_small && choice.name() == "small", "{}", choice.name()),
        Err(error) => {
            let message = error.to_string();
            assert!(!has_small && message.contains("models fetch stable-diffusion-v1-5/"), "{message}");
        }
    }
    assert_eq!(choose("small", &nowhere).is_ok(), has_small);
    let message = choose("painter-of-nobody", &nowhere).unwrap_err().to_string();
    assert!(message.contains("stable-diffusion-v1-5/stable-diffusion-v1-5"), "{message}");
    assert!(!message.contains("openai/clip"), "encoders would not have worked: {message}");
}

#[test]
fn the_command_line_lists_checks_and_finds_diffusion_models() {
    let root = tempfile::tempdir().unwrap();
    let model = root.path().join("model");
    model_at(&model);
    let folder = model.to_str().unwrap();
    let listed = linocut(root.path(), &["models", "list", "--json"]).json();
    let kinds = listed["models"].as_array().unwrap().iter().map(|model| model["kind"].as_str().unwrap());
    assert!(kinds.clone().any(|kind| kind == "diffusion") && kinds.clone().any(|kind| kind == "clip"), "{listed}");
    let verified = linocut(root.path(), &["models", "verify", folder, "--json"]).json();
    assert_eq!(verified["files"].as_array().map(Vec::len), Some(9), "{verified}");
    let path = linocut(root.path(), &["models", "path", folder, "--json"]).json();
    assert_eq!(path["path"].as_str(), Some(folder));
}
