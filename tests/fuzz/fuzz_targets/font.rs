//! Any bytes as a font: refused with a message, or a valid scene.

#![no_main]

use libfuzzer_sys::fuzz_target;
use linocut::text::{TextOptions, scene_from_text};

fuzz_target!(|font: &[u8]| {
    if let Ok(scene) = scene_from_text("AV A", font, &TextOptions::default()) {
        scene.validate().expect("the scene is valid");
    }
});
