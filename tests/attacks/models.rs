//! Finding and opening encoders: broken copies, hostile names, wrong bytes.

use std::path::Path;

use linocut::ctx::Cancel;
use linocut::models::{self, Environment, ModelError, Place, SearchPath, Source};

/// A safetensors file with one tensor of `bytes` bytes.
pub(super) fn tiny_safetensors(bytes: usize) -> Vec<u8> {
    let header = format!(r#"{{"t":{{"dtype":"U8","shape":[{bytes}],"data_offsets":[0,{bytes}]}}}}"#);
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.extend((0..bytes).map(|index| (index * 31 % 251) as u8));
    file
}

pub(super) fn encoder_at(folder: &Path, weights: &[u8]) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("config.json"), "{}").unwrap();
    std::fs::write(folder.join("tokenizer.json"), "{}").unwrap();
    std::fs::write(folder.join("model.safetensors"), weights).unwrap();
}

pub(super) fn place(source: Source, folder: &Path) -> Place {
    Place { source, folder: folder.to_owned() }
}

fn open(name: &str, search: &SearchPath) -> Result<models::ModelBytes, ModelError> {
    models::open(name, search, &Cancel::default())
}

#[test]
fn the_built_in_encoder_needs_no_folder() {
    let bytes = open("default", &SearchPath::default()).unwrap();
    assert_eq!((bytes.name(), bytes.source()), ("default", Source::BuiltIn));
    let files = bytes.as_clip().unwrap();
    assert!(files.weights.len() > 1 << 20 && files.preprocessor.is_some());
    assert_eq!(bytes.hash(), models::builtin().hash(), "same bytes, same hash");
}

#[test]
fn a_missing_encoder_names_file_folders_and_command() {
    let folder = tempfile::tempdir().unwrap();
    let search = SearchPath { places: vec![place(Source::ModelPath, folder.path())] };
    let error = open("clip-vit-base-patch32", &search).unwrap_err();
    let text = error.to_string();
    assert!(error.is_missing_or_wrong());
    assert!(text.contains("config.json") && text.contains(folder.path().to_str().unwrap()), "{text}");
    assert!(text.contains("linocut models fetch openai/clip-vit-base-patch32"), "{text}");
    let half = folder.path().join("openai--clip-vit-base-patch32");
    std::fs::create_dir_all(&half).unwrap();
    std::fs::write(half.join("config.json"), "{}").unwrap();
    let text = open("clip-vit-base-patch32", &search).unwrap_err().to_string();
    assert!(text.contains("model.safetensors was not found"), "a half copy names what lacks: {text}");
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let text = open("clip-of-nobody", &SearchPath::default()).unwrap_err().to_string();
    assert!(text.contains("default") && text.contains("openai/clip-vit-large-patch14"), "{text}");
}

#[test]
fn a_name_cannot_leave_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    encoder_at(&folder.path().join("secret"), &tiny_safetensors(4));
    let inside = folder.path().join("inside");
    std::fs::create_dir_all(&inside).unwrap();
    let search = SearchPath { places: vec![place(Source::ModelPath, &inside), place(Source::HubCache, &inside)] };
    for name in ["x/../../secret", "", "x/./../../secret", "\0", "a\nb"] {
        let error = open(name, &search).unwrap_err();
        assert!(matches!(error, ModelError::Unknown { .. }), "{name:?}: {error}");
    }
}

#[test]
fn the_search_order_is_flag_then_environment_then_user_data() {
    let root = tempfile::tempdir().unwrap();
    let listed = [root.path().join("a"), root.path().join("b")];
    let environment = Environment {
        model_path: Some(std::env::join_paths(&listed).unwrap()),
        binary: Some(root.path().join("bundle/Linux-x86-64/Linocut.ofx")),
        user_data: Some(root.path().join("data")),
        hf_home: Some(root.path().join("hf").into()),
        ..Environment::default()
    };
    let search = SearchPath::new(&environment);
    let sources: Vec<Source> = search.places.iter().map(|place| place.source).collect();
    let expected = [Source::ModelPath, Source::ModelPath, Source::Resources, Source::UserData, Source::HubCache];
    assert_eq!(sources, expected);
    assert_eq!(search.places[2].folder, root.path().join("bundle/Resources/models"));
    assert_eq!(search.places[4].folder, root.path().join("hf/hub"));
    for (index, place) in search.places.iter().enumerate().take(4).rev() {
        encoder_at(&place.folder.join("mine"), &tiny_safetensors(4 + index));
        let found = models::locate("mine", &search).unwrap();
        assert_eq!((found.source, found.folder()), (place.source, Some(place.folder.join("mine").as_path())));
    }
    let given = root.path().join("given");
    encoder_at(&given, &tiny_safetensors(4));
    assert_eq!(models::locate(given.to_str().unwrap(), &search).unwrap().source, Source::Given);
    let reports = models::search_path_report(&search);
    assert!(reports[0].exists && !reports[4].exists && reports[0].encoders == ["mine"], "{reports:?}");
}

#[test]
fn the_hub_cache_is_read_over_several_snapshots() {
    let cache = tempfile::tempdir().unwrap();
    let root = cache.path().join("models--openai--clip-vit-base-patch32");
    let (main, converted) = (root.join("snapshots/3d74acf9"), root.join("snapshots/c237dc49"));
    for folder in [&main, &converted, &root.join("refs")] {
        std::fs::create_dir_all(folder).unwrap();
    }
    std::fs::write(root.join("refs/main"), "3d74acf9\n").unwrap();
    for file in ["config.json", "tokenizer.json", "preprocessor_config.json"] {
        std::fs::write(main.join(file), "{}").unwrap();
    }
    let search = SearchPath { places: vec![place(Source::HubCache, cache.path())] };
    let text = models::locate("clip-vit-base-patch32", &search).unwrap_err().to_string();
    assert!(text.contains("model.safetensors was not found"), "pickled weights alone do not do: {text}");
    std::fs::write(converted.join("model.safetensors"), tiny_safetensors(4)).unwrap();
    let files = models::locate("clip-vit-base-patch32", &search).unwrap().files.unwrap();
    let paths = files.each().map(|file| file.path.clone()).collect::<Vec<_>>();
    assert!(paths.contains(&main.join("config.json")) && paths.contains(&converted.join("model.safetensors")));
    std::fs::write(root.join("refs/main"), "../../..").unwrap();
    assert!(models::locate("clip-vit-base-patch32", &search).is_ok(), "a hostile ref is passed over");
}

#[test]
fn other_bytes_under_a_known_name_are_refused_and_accepted_as_a_folder() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("clip-vit-base-patch16");
    encoder_at(&folder, &tiny_safetensors(64));
    let search = SearchPath { places: vec![place(Source::UserData, root.path())] };
    let error = open("clip-vit-base-patch16", &search).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ModelError::WrongHash { .. }) && error.is_missing_or_wrong(), "{text}");
    assert!(text.contains("config.json") && text.contains("models fetch"), "{text}");
    let verified = models::verify("clip-vit-base-patch16", &search, &Cancel::default()).unwrap();
    assert!(verified.check().is_err() && verified.files.len() == 3, "every file is still listed");
    let own = open(folder.to_str().unwrap(), &search).unwrap();
    assert_eq!(own.as_clip().unwrap().weights, tiny_safetensors(64), "a folder is the user's own word");
    let named = root.path().join("mine");
    std::fs::rename(&folder, named).unwrap();
    let moved = open("mine", &search).unwrap();
    assert_eq!(moved.hash(), own.hash(), "the hash is of the bytes, checked by name or not");
}

#[test]
fn a_cut_or_hostile_weight_file_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let good = tiny_safetensors(1000);
    let with_header = |length: u64| [&length.to_le_bytes(), b"{}".as_slice()].concat();
    let long = [good.as_slice(), b"tail"].concat();
    let cases: [(&str, Vec<u8>); 8] = [
        ("cut", good[..good.len() - 1].to_vec()),
        ("cut in the header", good[..20].to_vec()),
        ("longer", long),
        ("empty", Vec::new()),
        ("seven bytes", vec![0; 7]),
        ("huge header", with_header(u64::MAX)),
        ("header past the end", with_header(90_000_000)),
        ("pickle", [b"PK\x03\x04\x00\x00\x00\x00".as_slice(), &[0; 100]].concat()),
    ];
    for (what, bytes) in cases {
        encoder_at(root.path(), &bytes);
        let error = open(root.path().to_str().unwrap(), &SearchPath::default()).unwrap_err();
        let right =
            matches!(error, ModelError::Truncated { .. } | ModelError::NotSafetensors { .. } | ModelError::Io { .. });
        assert!(right && error.to_string().contains("model.safetensors"), "{what}: {error}");
    }
    encoder_at(root.path(), &good);
    assert!(open(root.path().to_str().unwrap(), &SearchPath::default()).is_ok());
}

#[test]
fn a_huge_config_is_not_read() {
    let root = tempfile::tempdir().unwrap();
    encoder_at(root.path(), &tiny_safetensors(4));
    std::fs::File::create(root.path().join("config.json")).unwrap().set_len(1 << 40).unwrap();
    let error = open(root.path().to_str().unwrap(), &SearchPath::default()).unwrap_err();
    assert!(matches!(error, ModelError::TooLarge { size, .. } if size == 1 << 40), "{error}");
}

#[test]
fn every_known_model_is_listed_with_licence_and_size() {
    let list = models::list(&SearchPath::default());
    let builtin = 1 + models::builtin_diffusion().iter().count();
    assert_eq!(list.len(), models::known().len() + builtin);
    assert!(list.iter().all(|one| !one.licence.is_empty() && one.size > 0));
    assert_eq!(list.iter().filter(|one| one.source.is_some()).count(), builtin, "only what is built in is here");
}
