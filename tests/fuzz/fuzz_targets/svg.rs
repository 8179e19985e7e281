//! Any bytes as an SVG file: refused with a message, or a scene that survives being written and read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use linocut::scene::svg_in::{SvgError, scene_from_svg};
use linocut::scene::svg_out::{Metadata, svg_from_scene};

fuzz_target!(|svg: &[u8]| {
    match scene_from_svg(svg) {
        Ok((scene, _)) => {
            let written = svg_from_scene(&scene, &Metadata::default());
            let (again, notices) = scene_from_svg(written.as_bytes()).expect("what we wrote can be read");
            assert!(notices.is_empty(), "what we wrote needs no notice: {notices:?}");
            assert_eq!(again.paths.len(), scene.paths.len(), "no path is lost");
        }
        Err(SvgError::Internal { reason }) => panic!("the library failed: {reason}"),
        Err(_) => {}
    }
});
