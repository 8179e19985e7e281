//! The cache under damage, small space and many writers: a wrong entry is a miss, and a render never fails for it.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use linocut::cache::{Cache, CacheError, DEFAULT_CAP_BYTES, Entry, EntryError};
use linocut::scene::{FillRule, Scene};

pub(super) fn job(name: &str) -> blake3::Hash {
    blake3::hash(name.as_bytes())
}

pub(super) fn entry(paths: usize) -> Entry {
    let mut scene = Scene::new(64.0, 48.0);
    for index in 0..paths {
        let (x, fill) = (index as f32 * 0.1, scene.push_fill([0.1, 0.2, 0.3, 1.0]));
        scene.push_path(format!("p{index}"), fill, FillRule::NonZero, &[vec![[x, 0.0], [x, 1.0], [1.0, -0.0]]]);
    }
    Entry { initial: scene.clone(), scene, report: serde_json::json!({"loss_first": 0.9, "loss_last": 0.25}) }
}

fn only_file(folder: &Path) -> PathBuf {
    let shards = std::fs::read_dir(folder.join("v1")).unwrap().flatten();
    let mut files: Vec<PathBuf> =
        shards.flat_map(|shard| std::fs::read_dir(shard.path()).unwrap().flatten().map(|file| file.path())).collect();
    assert_eq!(files.len(), 1, "one entry, nothing temporary: {files:?}");
    files.remove(0)
}

fn with_hash(body: &[u8]) -> Vec<u8> {
    let mut bytes = b"linocut\n".to_vec();
    bytes.extend_from_slice(&1_u32.to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
    bytes.extend_from_slice(blake3::hash(body).as_bytes());
    bytes.extend_from_slice(body);
    bytes
}

#[test]
fn a_stored_scene_comes_back_and_another_job_misses() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), DEFAULT_CAP_BYTES).unwrap();
    cache.put(&job("a"), &entry(5)).unwrap();
    assert_eq!(cache.get(&job("a")), Some(entry(5)));
    assert_eq!(cache.get(&job("b")), None);
    assert_eq!(cache.size().entries, 1);
    assert!(Cache::off().put(&job("a"), &entry(1)).is_ok() && Cache::off().get(&job("a")).is_none());
}

#[test]
fn any_damage_is_a_miss_and_the_next_store_repairs_it() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), DEFAULT_CAP_BYTES).unwrap();
    cache.put(&job("a"), &entry(3)).unwrap();
    let file = only_file(folder.path());
    let good = std::fs::read(&file).unwrap();
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        std::fs::write(&file, bytes).unwrap();
        assert_eq!(cache.get(&job("a")), None, "flipped bit in byte {at}");
        std::fs::write(&file, &good[..at]).unwrap();
        assert_eq!(cache.get(&job("a")), None, "cut at {at}");
    }
    std::fs::write(&file, [good.as_slice(), b"x"].concat()).unwrap();
    assert_eq!(cache.get(&job("a")), None, "a byte too many");
    cache.put(&job("a"), &entry(3)).unwrap();
    assert_eq!(cache.get(&job("a")), Some(entry(3)));
}

#[test]
fn an_entry_under_another_name_is_a_miss() {
    let bytes = entry(2).to_bytes(&job("a")).unwrap();
    assert_eq!(Entry::from_bytes(&job("b"), &bytes), Err(EntryError::OtherJob));
}

#[test]
fn another_version_is_a_miss() {
    let mut bytes = entry(2).to_bytes(&job("a")).unwrap();
    bytes[8] = 2;
    assert_eq!(Entry::from_bytes(&job("a"), &bytes), Err(EntryError::Version { found: 2 }));
}

#[test]
fn a_hostile_body_with_a_right_hash_is_refused_without_allocating() {
    let key = job("a");
    let good = entry(2).to_bytes(&key).unwrap().split_off(52);
    for at in 32..good.len().saturating_sub(4) {
        let mut body = good.clone();
        body[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        let _ = Entry::from_bytes(&key, &with_hash(&body)).map(|read| read.scene.validate().unwrap());
        let _ = Entry::from_bytes(&key, &with_hash(&good[..at]));
    }
    let report = [key.as_bytes().as_slice(), &u32::MAX.to_le_bytes(), b"{}"].concat();
    assert!(matches!(Entry::from_bytes(&key, &with_hash(&report)), Err(EntryError::Body { what: "report", .. })));
    let deep = "[".repeat(100_000);
    let nested = [key.as_bytes().as_slice(), &100_000_u32.to_le_bytes(), deep.as_bytes()].concat();
    assert!(Entry::from_bytes(&key, &with_hash(&nested)).is_err(), "deep nesting does not exhaust the stack");
}

#[test]
fn a_scene_with_bad_numbers_is_not_stored() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), DEFAULT_CAP_BYTES).unwrap();
    let mut broken = entry(1);
    broken.scene.points[0][0] = f32::NAN;
    assert!(matches!(cache.put(&job("a"), &broken), Err(CacheError::Entry(EntryError::Scene(_)))));
    assert_eq!(cache.size().entries, 0);
}

#[test]
fn the_least_recently_used_entry_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    let one = entry(20).to_bytes(&job("0")).unwrap().len() as u64;
    let cache = Cache::open(folder.path(), one * 3 + 10).unwrap();
    for (age, name) in [(40, "0"), (30, "1"), (20, "2")] {
        cache.put(&job(name), &entry(20)).unwrap();
        let hash = job(name).to_hex();
        let file = folder.path().join("v1").join(&hash[..2]).join(format!("{hash}.scene"));
        let old = SystemTime::now() - Duration::from_secs(age);
        std::fs::File::open(file).unwrap().set_modified(old).unwrap();
    }
    assert!(cache.get(&job("0")).is_some(), "reading counts as use");
    cache.put(&job("3"), &entry(20)).unwrap();
    let left = ["0", "1", "2", "3"].map(|name| cache.get(&job(name)).is_some());
    assert_eq!(left, [true, false, true, true], "the one not used for longest is gone");
    assert!(cache.size().bytes <= one * 3 + 10);
    let too_big = cache.put(&job("4"), &entry(400)).unwrap_err();
    assert!(matches!(too_big, CacheError::TooLarge { .. }) && cache.size().entries == 3, "{too_big}");
}

#[test]
fn purge_leaves_other_peoples_files_alone() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), DEFAULT_CAP_BYTES).unwrap();
    cache.put(&job("a"), &entry(1)).unwrap();
    for foreign in ["notes.txt", "v1/readme.scene", "v1/ab/kept.scene", "picture.scene"] {
        let path = folder.path().join(foreign);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "mine").unwrap();
    }
    assert_eq!(cache.purge().unwrap().entries, 1);
    assert_eq!(cache.size().entries, 0);
    for foreign in ["notes.txt", "v1/readme.scene", "v1/ab/kept.scene", "picture.scene"] {
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
    let hash = job("a").to_hex();
    std::fs::write(folder.path().join("v1").join(&hash[..2]), "in the way").unwrap();
    assert!(matches!(cache.put(&job("a"), &entry(1)), Err(CacheError::Write { .. })));
    assert_eq!(cache.get(&job("a")), None);
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_still_serves_hits() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    Cache::open(folder.path(), DEFAULT_CAP_BYTES).unwrap().put(&job("a"), &entry(4)).unwrap();
    let file = only_file(folder.path());
    let locked = [file.as_path(), file.parent().unwrap(), &folder.path().join("v1"), folder.path()];
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
    let hit = cache.as_ref().ok().and_then(|cache| cache.get(&job("a")));
    set(0o755);
    assert_eq!(hit, Some(entry(4)), "a hit needs no right to write");
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
                    let key = job(["x", "y", "z"][(thread + round) % 3]);
                    cache.put(&key, &entry(if thread % 2 == 0 { 10 } else { 30 })).unwrap();
                    let read = cache.get(&key).expect("an entry that was written is there");
                    assert!(read == entry(10) || read == entry(30), "half an entry was read");
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
