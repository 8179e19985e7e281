//! A full disk. A limit on the size of a file stands in for it: past the limit a write fails in the same way. The limit
//! holds for a whole process, so each test starts itself a second time under it.

use std::path::Path;
use std::process::Command;

use linocut::cache::{Cache, CacheError, DEFAULT_CAP_BYTES};
use linocut::models::ModelError;

use super::cache::{artifact, key};
use super::models_fetch::{bring, endpoint, honest, manifest};
use super::models_hub::Hub;

const FOLDER: &str = "LINOCUT_TEST_FULL_DISK";

/// Runs `work` in a process that cannot write files over some tens of kilobytes.
fn on_a_full_disk(test: &str, work: impl Fn(&Path)) {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return work(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let script = r#"trap '' XFSZ; ulimit -f 100; exec "$0" --exact "$1" --test-threads=1"#;
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .arg(format!("attacks::full_disk::{test}"))
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn a_fetch_names_the_file_and_leaves_no_model() {
    on_a_full_disk("a_fetch_names_the_file_and_leaves_no_model", |folder| {
        let error = bring(folder, &endpoint(&Hub::start(honest), 0), &manifest()).unwrap_err();
        assert!(matches!(error, ModelError::Io { action: "write", .. }), "{error}");
        assert!(error.to_string().contains("model.safetensors.part"), "{error}");
        assert!(!folder.join("studio--encoder").join("model.safetensors").exists());
    });
}

#[test]
fn a_result_is_not_cached_and_leaves_no_piece() {
    on_a_full_disk("a_result_is_not_cached_and_leaves_no_piece", |folder| {
        let cache = Cache::open(folder, DEFAULT_CAP_BYTES).unwrap();
        let error = cache.put(&key("a"), &artifact(2000)).unwrap_err();
        assert!(matches!(error, CacheError::Write { .. }), "{error}");
        let shard = folder.join("v2").join(&key("a").to_hex()[..2]);
        assert_eq!(std::fs::read_dir(shard).unwrap().count(), 0, "the temporary file is gone");
        cache.put(&key("b"), &artifact(2)).expect("a small result still fits");
    });
}
