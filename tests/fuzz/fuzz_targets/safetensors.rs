//! Any bytes as a weight file beside a small valid configuration: refused with a message.

#![no_main]

use libfuzzer_sys::fuzz_target;
use linocut::encoder::{Encoder, Files};

fuzz_target!(|weights: &[u8]| {
    let files = Files {
        config: include_bytes!("../../../models/default/config.json"),
        weights,
        tokenizer: include_bytes!("../../../models/default/tokenizer.json"),
        preprocessor: None,
    };
    assert!(Encoder::from_bytes("fuzzed", files).is_err(), "random bytes hold no encoder");
});
