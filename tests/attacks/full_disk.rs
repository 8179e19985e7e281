//! A full disk. A limit on the size of a file stands in for it: past the limit a write fails in the same way. The limit
//! holds for a whole process, so each test starts itself a second time under it.

use std::path::Path;
use std::process::Command;

use linocut::cache::{Cache, CacheError, DEFAULT_CAP_BYTES};
use linocut::models::ModelError;

use super::cache::{artifact, key};
use super::models_fetch::{bring, endpoint, honest, manifest};
use super::models_hub::Hub;
use crate::util::{file, linocut, write_disc};

const FOLDER: &str = "LINOCUT_TEST_FULL_DISK";

/// Runs `work` in a process that cannot write files over so many kilobytes.
fn on_a_full_disk(test: &str, kilobytes: u32, work: impl Fn(&Path)) {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return work(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let script = r#"trap '' XFSZ; ulimit -f "$2"; exec "$0" --exact "$1" --test-threads=1"#;
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .arg(format!("attacks::full_disk::{test}"))
        // In blocks of half a kilobyte.
        .arg((2 * kilobytes).to_string())
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn a_fetch_names_the_file_and_leaves_no_model() {
    on_a_full_disk("a_fetch_names_the_file_and_leaves_no_model", 50, |folder| {
        let error = bring(folder, &endpoint(&Hub::start(honest), 0), &manifest()).unwrap_err();
        assert!(matches!(error, ModelError::Io { action: "write", .. }), "{error}");
        assert!(error.to_string().contains("model.safetensors.part"), "{error}");
        assert!(!folder.join("studio--encoder").join("model.safetensors").exists());
    });
}

#[test]
fn a_result_is_not_cached_and_leaves_no_piece() {
    on_a_full_disk("a_result_is_not_cached_and_leaves_no_piece", 50, |folder| {
        let cache = Cache::open(folder, DEFAULT_CAP_BYTES).unwrap();
        let error = cache.put(&key("a"), &artifact(2000)).unwrap_err();
        assert!(matches!(error, CacheError::Write { .. }), "{error}");
        let shard = folder.join("v2").join(&key("a").to_hex()[..2]);
        assert_eq!(std::fs::read_dir(shard).unwrap().count(), 0, "the temporary file is gone");
        cache.put(&key("b"), &artifact(2)).expect("a small result still fits");
    });
}

#[test]
fn a_painting_whose_stages_find_no_room_is_painted_all_the_same() {
    on_a_full_disk("a_painting_whose_stages_find_no_room_is_painted_all_the_same", 15, |folder| {
        let model = file("tests/fixtures/diffusion/model").to_str().unwrap().to_owned();
        write_disc(&folder.join("in.png"), 48);
        let paint = |cache: &str| {
            let fixed = ["--engine", "diffusion", "--model", &model, "--concept", "star", "--quality", "draft"];
            let files = ["transfer", "in.png", "--reference", "in.png", "-o", "out.png", "--cache", cache];
            let ran = linocut(folder, &[&files[..], &fixed].concat());
            assert_eq!(ran.code, 0, "{}", ran.stderr);
            (std::fs::read(folder.join("out.png")).unwrap(), ran.stderr)
        };
        let (without, _) = paint("off");
        let (full, said) = paint("cache");
        assert!(full == without, "a full disk changes no picture");
        assert!(said.contains("cache"), "it is said that nothing was kept: {said}");
    });
}
