//! Broken fonts and impossible wishes: each ends in a message, never in a crash.

use linocut::text::{TextError, TextOptions, scene_from_text};
use proptest::prelude::*;

use crate::property::text_font::{KERN_AV, tiny_font};

fn message(text: &str, font: &[u8], options: &TextOptions) -> String {
    scene_from_text(text, font, options).expect_err("must be refused").to_string()
}

#[test]
fn impossible_wishes_are_named() {
    let (font, fine) = (tiny_font(KERN_AV), TextOptions::default());
    assert_eq!(message("", &font, &fine), "the text is empty: give at least one letter that leaves a mark");
    assert_eq!(message(" \n ", &font, &fine), "the text is empty: give at least one letter that leaves a mark");
    assert_eq!(message("AxV", &font, &fine), "the font has no letter 'x' (U+0078); use another font or text");
    assert_eq!(message("A日", &font, &fine), "the font has no letter '日' (U+65E5); use another font or text");
    assert_eq!(message("A\u{7}", &font, &fine), "the font has no letter '\\u{7}' (U+0007); use another font or text");
    assert_eq!(message(&"A".repeat(1001), &font, &fine), "the text has 1001 characters; at most 1000 are set");
    for (width_px, margin_px) in
        [(0.0, 0.0), (64.0, 32.0), (f32::NAN, 1.0), (f32::INFINITY, 1.0), (64.0, -1.0), (64.0, f32::NAN)]
    {
        let options = TextOptions { width_px, margin_px, ..fine.clone() };
        assert!(message("A", &font, &options).contains("has no room for letters"), "{width_px} {margin_px}");
    }
    let options = TextOptions { subdivisions: 5, ..fine.clone() };
    assert_eq!(message("A", &font, &options), "5 subdivisions are too many; at most 4");
    let options = TextOptions { color: [f32::NAN; 4], ..fine };
    assert!(matches!(scene_from_text("A", &font, &options), Err(TextError::Scene(_))));
}

#[test]
fn files_that_are_no_fonts_are_refused() {
    for file in
        [&b""[..], b"\0\x01\0\0", b"<svg/>", b"OTTO", b"ttcf\0\x01\0\0\0\0\0\0", b"wOFF\0\x01\0\0", &[0xff; 4096]]
    {
        let text = message("A", file, &TextOptions::default());
        assert!(text.starts_with("the font cannot be read") || text.starts_with("the font has no letter"), "{text}");
    }
}

#[test]
fn fonts_cut_off_anywhere_do_not_crash() {
    let font = tiny_font(KERN_AV);
    for length in 0..font.len() {
        let _ = scene_from_text("AV A", &font[..length], &TextOptions::default());
    }
    assert!(scene_from_text("AV A", &font, &TextOptions::default()).is_ok());
}

#[test]
fn fonts_with_any_byte_changed_do_not_crash() {
    let font = tiny_font(KERN_AV);
    for place in 0..font.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut broken = font.clone();
            broken[place] = value;
            if let Ok(scene) = scene_from_text("AV A", &broken, &TextOptions::default()) {
                assert!(scene.points.iter().flatten().all(|value| value.is_finite()));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn fonts_with_many_bytes_changed_do_not_crash(changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..24)) {
        let mut font = tiny_font(KERN_AV);
        for (place, value) in changes {
            let place = place.index(font.len());
            font[place] = value;
        }
        let _ = scene_from_text("AV A", &font, &TextOptions::default());
    }
}
