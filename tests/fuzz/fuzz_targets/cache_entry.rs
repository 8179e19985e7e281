//! Cache entries from hostile bytes: with a right hash in front, so that the fuzzer reaches the body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use linocut::cache::Entry;

fuzz_target!(|body: &[u8]| {
    let job = blake3::hash(b"job");
    let _ = Entry::from_bytes(&job, body);
    let body = [job.as_bytes().as_slice(), body].concat();
    let mut bytes = b"linocut\n\x01\0\0\0".to_vec();
    bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
    bytes.extend_from_slice(blake3::hash(&body).as_bytes());
    bytes.extend_from_slice(&body);
    if let Ok(entry) = Entry::from_bytes(&job, &bytes) {
        let again = entry.to_bytes(&job).expect("what was accepted can be written");
        assert_eq!(Entry::from_bytes(&job, &again).as_ref(), Ok(&entry), "and read again");
    }
});
