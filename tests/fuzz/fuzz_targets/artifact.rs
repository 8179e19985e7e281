//! Artifacts and cache entries from hostile bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use linocut::cache::artifact_from_entry;
use linocut::plan::Artifact;

fuzz_target!(|bytes: &[u8]| {
    let _ = artifact_from_entry(&blake3::hash(b"key"), bytes);
    if let Ok(artifact) = Artifact::from_bytes(bytes) {
        let again = artifact.to_bytes().expect("what was accepted can be written");
        assert_eq!(Artifact::from_bytes(&again).as_ref(), Ok(&artifact), "and read again");
    }
});
