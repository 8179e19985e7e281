//! The cache under damage, small space and many writers: a wrong entry is a miss, and a render never fails for it.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use linocut::cache::{Cache, CacheError, DEFAULT_CAP_BYTES, EntryError, artifact_from_entry, entry_from_artifact};
use linocut::plan::{Artifact, ArtifactError};
use linocut::scene::{FillRule, Scene};

pub(super) fn key(name: &str) -> blake3::Hash {
    blake3::hash(name.as_bytes())
}

fn scene(paths: usize) -> Scene {
    let mut scene = Scene::new(64.0, 48.0);
    for index in 0..paths {
        let (x, fill) = (index as f32 * 0.1, scene.push_fill([0.1, 0.2, 0.3, 1.0]));
        scene.push_path(format!("p{index}"), fill, FillRule::NonZero, &[vec![[x, 0.0], [x, 1.0], [1.0, -0.0]]]);
    }
    scene
}

/// The bytes of an artifact with so many paths.
pub(super) fn artifact(paths: usize) -> Vec<u8> {
    Artifact::Scene(scene(paths)).to_bytes().unwrap()
}

fn only_file(folder: &Path) -> PathBuf {
    let shards = std::fs::read_dir(folder.join("v2")).unwrap().flatten();
    let mut files: Vec<PathBuf> =
        shards.flat_map(|shard| std::fs::read_dir(shard.path()).unwrap().flatten().map(|file| file.path())).collect();
    assert_eq!(files.len(), 1, "one entry, nothing temporary: {files:?}");
    files.remove(0)
}

#[test]
fn a_stored_artifact_comes_back_and_another_key_misses() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), DEFAULT_CAP_BYTES).unwrap();
    cache.put(&key("a"), &artifact(5)).unwrap();
    assert_eq!(cache.get(&key("a")), Some(artifact(5)));
    assert_eq!(cache.get(&key("b")), None);
    assert_eq!(cache.size().entries, 1);
    assert!(Cache::off().put(&key("a"), &artifact(1)).is_ok() && Cache::off().get(&key("a")).is_none());
}

#[test]
fn any_damage_is_a_miss_and_the_next_store_repairs_it() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), DEFAULT_CAP_BYTES).unwrap();
    cache.put(&key("a"), &artifact(3)).unwrap();
    let file = only_file(folder.path());
    let good = std::fs::read(&file).unwrap();
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        std::fs::write(&file, bytes).unwrap();
        assert_eq!(cache.get(&key("a")), None, "flipped bit in byte {at}");
        std::fs::write(&file, &good[..at]).unwrap();
        assert_eq!(cache.get(&key("a")), None, "cut at {at}");
    }
    std::fs::write(&file, [good.as_slice(), b"x"].concat()).unwrap();
    assert_eq!(cache.get(&key("a")), None, "a byte too many");
    cache.put(&key("a"), &artifact(3)).unwrap();
    assert_eq!(cache.get(&key("a")), Some(artifact(3)));
}

#[test]
fn an_entry_under_another_name_is_a_miss() {
    let bytes = entry_from_artifact(&key("a"), &artifact(2));
    assert_eq!(artifact_from_entry(&key("a"), &bytes), Ok(artifact(2).as_slice()));
    assert_eq!(artifact_from_entry(&key("b"), &bytes), Err(EntryError::OtherKey));
}

#[test]
fn another_version_is_a_miss() {
    let mut bytes = entry_from_artifact(&key("a"), &artifact(2));
    bytes[8] = 1;
    assert_eq!(artifact_from_entry(&key("a"), &bytes), Err(EntryError::Version { found: 1 }));
}

#[test]
fn a_hostile_artifact_in_a_whole_entry_is_refused_without_allocating() {
    let good = artifact(2);
    for at in 1..good.len().saturating_sub(4) {
        let mut body = good.clone();
        body[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        if let Ok(Artifact::Scene(scene)) = Artifact::from_bytes(&body) {
            scene.validate().unwrap();
        }
        assert!(Artifact::from_bytes(&good[..at]).is_err(), "cut at {at}");
    }
    assert!(Artifact::from_bytes(&[good.as_slice(), b"x"].concat()).is_err(), "a byte too many");
    assert!(matches!(Artifact::from_bytes(&[9]), Err(ArtifactError::Body { what: "kind", at: 0 })));
    let long = [&[2][..], &u32::MAX.to_le_bytes(), b"{}"].concat();
    assert!(matches!(Artifact::from_bytes(&long), Err(ArtifactError::Body { what: "scores", .. })));
    let deep = "[".repeat(100_000);
    let nested = [&[1][..], &100_000_u32.to_le_bytes(), deep.as_bytes()].concat();
    assert!(Artifact::from_bytes(&nested).is_err(), "deep nesting does not exhaust the stack");
}

#[test]
fn a_scene_with_bad_numbers_is_no_artifact() {
    let mut broken = scene(1);
    broken.points[0][0] = f32::NAN;
    assert!(matches!(Artifact::Scene(broken).to_bytes(), Err(ArtifactError::Scene(_))));
}

#[test]
fn the_least_recently_used_entry_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    let one = entry_from_artifact(&key("0"), &artifact(20)).len() as u64;
    let cache = Cache::open(folder.path(), one * 3 + 10).unwrap();
    for (age, name) in [(40, "0"), (30, "1"), (20, "2")] {
        cache.put(&key(name), &artifact(20)).unwrap();
        let hash = key(name).to_hex();
        let file = folder.path().join("v2").join(&hash[..2]).join(format!("{hash}.artifact"));
        let old = SystemTime::now() - Duration::from_secs(age);
        std::fs::File::open(file).unwrap().set_modified(old).unwrap();
    }
    assert!(cache.get(&key("0")).is_some(), "reading counts as use");
    cache.put(&key("3"), &artifact(20)).unwrap();
    let left = ["0", "1", "2", "3"].map(|name| cache.get(&key(name)).is_some());
    assert_eq!(left, [true, false, true, true], "the one not used for longest is gone");
    assert!(cache.size().bytes <= one * 3 + 10);
    let too_big = cache.put(&key("4"), &artifact(400)).unwrap_err();
    assert!(matches!(too_big, CacheError::TooLarge { .. }) && cache.size().entries == 3, "{too_big}");
}

#[test]
fn purge_leaves_other_peoples_files_alone() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), DEFAULT_CAP_BYTES).unwrap();
    cache.put(&key("a"), &artifact(1)).unwrap();
    for foreign in ["notes.txt", "v2/readme.artifact", "v2/ab/kept.artifact", "picture.artifact"] {
        let path = folder.path().join(foreign);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "mine").unwrap();
    }
    assert_eq!(cache.purge().unwrap().entries, 1);
    assert_eq!(cache.size().entries, 0);
    for foreign in ["notes.txt", "v2/readme.artifact", "v2/ab/kept.artifact", "picture.artifact"] {
        assert!(folder.path().join(foreign).exists(), "{foreign} is not ours");
    }
}

#[test]
fn a_folder_that_cannot_be_used_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let error = Cache::open(&file, DEFAULT_CAP_BYTES).unwrap_err().to_string();
    assert!(error.contains("--cache") && error.contains("file"), "{error}");
    let cache = Cache::open(folder.path(), DEFAULT_CAP_BYTES).unwrap();
    let hash = key("a").to_hex();
    std::fs::write(folder.path().join("v2").join(&hash[..2]), "in the way").unwrap();
    assert!(matches!(cache.put(&key("a"), &artifact(1)), Err(CacheError::Write { .. })));
    assert_eq!(cache.get(&key("a")), None);
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_still_serves_hits() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    Cache::open(folder.path(), DEFAULT_CAP_BYTES).unwrap().put(&key("a"), &artifact(4)).unwrap();
    let file = only_file(folder.path());
    let locked = [file.as_path(), file.parent().unwrap(), &folder.path().join("v2"), folder.path()];
    let set = |mode: u32| {
        for path in locked {
            std::fs::set_permissions(
                path,
                std::fs::Permissions::from_mode(mode | if path.is_dir() { 0o111 } else { 0 }),
            )
            .unwrap();
        }
    };
    set(0o444);
    let cache = Cache::open(folder.path(), DEFAULT_CAP_BYTES);
    let hit = cache.as_ref().ok().and_then(|cache| cache.get(&key("a")));
    set(0o755);
    assert_eq!(hit, Some(artifact(4)), "a hit needs no right to write");
}

#[test]
fn many_threads_on_one_key_read_only_whole_entries() {
    let folder = tempfile::tempdir().unwrap();
    hammer(folder.path(), 8, 25);
    assert_eq!(Cache::open(folder.path(), DEFAULT_CAP_BYTES).unwrap().size().entries, 3);
}

/// Writers and readers of three keys; every read must be a miss or one of the two whole entries of that key.
fn hammer(folder: &Path, threads: usize, rounds: usize) {
    let cache = Cache::open(folder, DEFAULT_CAP_BYTES).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let cache = cache.clone();
            scope.spawn(move || {
                for round in 0..rounds {
                    let key = key(["x", "y", "z"][(thread + round) % 3]);
                    cache.put(&key, &artifact(if thread % 2 == 0 { 10 } else { 30 })).unwrap();
                    let read = cache.get(&key).expect("an entry that was written is there");
                    assert!(read == artifact(10) || read == artifact(30), "half an entry was read");
                }
            });
        }
    });
}

const SHARED_FOLDER: &str = "LINOCUT_TEST_SHARED_CACHE";

#[test]
fn two_processes_share_a_folder() {
    if let Some(folder) = std::env::var_os(SHARED_FOLDER) {
        // This is the other process, started below.
        return hammer(Path::new(&folder), 2, 40);
    }
    let folder = tempfile::tempdir().unwrap();
    let mut other = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "attacks::cache::two_processes_share_a_folder", "--test-threads=1"])
        .env(SHARED_FOLDER, folder.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    hammer(folder.path(), 2, 40);
    assert!(other.wait().unwrap().success(), "the other process read only whole entries too");
    assert_eq!(Cache::open(folder.path(), DEFAULT_CAP_BYTES).unwrap().size().entries, 3);
}
