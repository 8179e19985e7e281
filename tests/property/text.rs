//! Words become letters of the right form, at the right place.

use linocut::scene::Scene;
use linocut::scene::svg_in::scene_from_svg;
use linocut::scene::svg_out::{Metadata, svg_from_scene};
use linocut::text::{TextOptions, scene_from_text};
use proptest::prelude::*;

use super::text_font::{ADVANCE, BOX_A, BOX_V, KERN_AV, tiny_font};

fn set(text: &str, options: &TextOptions) -> Scene {
    scene_from_text(text, &tiny_font(KERN_AV), options).unwrap()
}

/// Left, top, right, bottom of the anchors of the letters; the made-up glyphs are widest at anchors.
fn anchors_box(scene: &Scene) -> [f32; 4] {
    let letters = scene.paths.iter().filter(|path| path.id.starts_with("glyph"));
    let anchors = letters.flat_map(|path| scene.contours_of(path).flat_map(|contour| contour.iter().step_by(3)));
    anchors.fold([f32::MAX, f32::MAX, f32::MIN, f32::MIN], |b, p| {
        [b[0].min(p[0]), b[1].min(p[1]), b[2].max(p[0]), b[3].max(p[1])]
    })
}

#[test]
fn letters_fill_the_room_between_the_margins() {
    let options = TextOptions { width_px: 400.0, height_px: 300.0, margin_px: 20.0, ..TextOptions::default() };
    let scene = set("A", &options);
    let scale = 260.0 / (BOX_A[3] - BOX_A[1]);
    let half = scale * (BOX_A[2] - BOX_A[0]) / 2.0;
    let expected = [200.0 - half, 20.0, 200.0 + half, 280.0];
    assert!(anchors_box(&scene).iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3), "{:?}", anchors_box(&scene));
}

#[test]
fn a_word_of_straight_letters_stays_inside_the_margins() {
    // Level and upright lines have boxes without area; a word that ended in such a letter ran off the canvas.
    let options = TextOptions { width_px: 512.0, height_px: 256.0, margin_px: 32.0, ..TextOptions::default() };
    for text in ["I", "AI", "IIII", "VAI"] {
        let [left, top, right, bottom] = anchors_box(&set(text, &options));
        let inside = left > 31.9 && top > 31.9 && right < 480.1 && bottom < 224.1;
        assert!(inside, "{text} covers {left}..{right} x {top}..{bottom}");
    }
}

#[test]
fn every_letter_is_a_path_with_its_holes_on_a_ground() {
    let scene = set("A V", &TextOptions::default());
    let ids: Vec<_> = scene.paths.iter().map(|path| path.id.as_str()).collect();
    assert_eq!(ids, ["ground-rectangle", "glyph-0-A", "glyph-2-V"]);
    let groups: Vec<_> = scene.groups.iter().map(|group| group.id.as_str()).collect();
    assert_eq!(groups, ["ground", "letters"]);
    let contours: Vec<_> = scene.paths.iter().map(|path| scene.contours_of(path).count()).collect();
    assert_eq!(contours, [1, 2, 1], "the counter of A is a contour of its own");
    assert_eq!(scene.fills, [[1.0; 4], [0.0, 0.0, 0.0, 1.0]]);
    let ground = scene.contours_of(&scene.paths[0]).next().unwrap();
    assert_eq!((ground[0], ground[6]), ([-2.0, -2.0], [514.0, 514.0]));
}

#[test]
fn pairs_are_kerned_by_the_font() {
    let options = TextOptions { width_px: 4000.0, ..TextOptions::default() };
    let width_over_height = |kern: i16| {
        let b = anchors_box(&scene_from_text("AV", &tiny_font(kern), &options).unwrap());
        (b[2] - b[0]) / (b[3] - b[1])
    };
    for kern in [0, KERN_AV, 90] {
        let width = f32::from(ADVANCE) + f32::from(kern) + BOX_V[2] - BOX_A[0];
        assert!((width_over_height(kern) - width / 700.0).abs() < 1e-4, "kerning {kern}");
    }
}

#[test]
fn lines_stand_one_below_the_other() {
    let scene = set("A\nAV", &TextOptions::default());
    let ids: Vec<_> = scene.paths.iter().skip(1).map(|path| path.id.as_str()).collect();
    assert_eq!(ids, ["glyph-0-A", "glyph-2-A", "glyph-3-V"]);
    let foot = |index: usize| scene.contours_of(&scene.paths[index]).flatten().map(|p| p[1]).fold(f32::MIN, f32::max);
    let height = foot(1) - scene.contours_of(&scene.paths[1]).flatten().map(|p| p[1]).fold(f32::MAX, f32::min);
    assert!(((foot(2) - foot(1)) / height - 1000.0 / 700.0).abs() < 1e-4, "the pitch is ascent minus descent");
}

#[test]
fn subdivision_adds_points_and_changes_no_curve() {
    let plain = set("AV", &TextOptions::default());
    for subdivisions in 1..=4 {
        let fine = set("AV", &TextOptions { subdivisions, ..TextOptions::default() });
        let parts = 1_usize << subdivisions;
        assert_eq!(fine.segments() - 4, (plain.segments() - 4) * parts, "the ground stays as it is");
        for (fine, plain) in fine.contours.iter().zip(&plain.contours).skip(1).map(|(a, b)| {
            (&fine.points[a.start as usize..a.end as usize], &plain.points[b.start as usize..b.end as usize])
        }) {
            for (index, cubic) in plain.chunks_exact(3).enumerate() {
                let end = plain[(3 * index + 3) % plain.len()];
                for part in 0..parts {
                    let t = part as f32 / parts as f32;
                    let weights = [(1.0 - t).powi(3), 3.0 * t * (1.0 - t).powi(2), 3.0 * t * t * (1.0 - t), t.powi(3)];
                    let anchor = fine[3 * (index * parts + part)];
                    for axis in 0..2 {
                        let on_curve: f32 =
                            [cubic[0], cubic[1], cubic[2], end].iter().zip(weights).map(|(p, w)| p[axis] * w).sum();
                        assert!((on_curve - anchor[axis]).abs() < 1e-3);
                    }
                }
            }
        }
    }
}

#[test]
fn letters_survive_the_way_through_a_file() {
    let scene = set("AVA", &TextOptions::default());
    let again = scene_from_svg(svg_from_scene(&scene, &Metadata::default()).as_bytes()).unwrap().0;
    assert_eq!(again.contours, scene.contours);
    assert_eq!(again.paths, scene.paths);
}

#[test]
#[ignore = "needs the DejaVu fonts of the system in /usr/share/fonts/truetype/dejavu"]
fn a_real_font_with_pair_positioning_is_set() {
    let font = std::fs::read("/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf").unwrap();
    let scene = scene_from_text("AVATAR\nGöß & fi", &font, &TextOptions::default()).unwrap();
    assert_eq!(scene.paths.len(), 1 + 6 + 6);
    let left = |index: usize| scene.contours_of(&scene.paths[index]).flatten().map(|p| p[0]).fold(f32::MAX, f32::min);
    let right = |index: usize| scene.contours_of(&scene.paths[index]).flatten().map(|p| p[0]).fold(f32::MIN, f32::max);
    assert!(left(2) < right(1), "kerning tucks V under A");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn letters_never_leave_the_margins(text in "[AVI ]{0,6}[AVI]", width_px in 10.0..3000.0_f32, height_px in 10.0..3000.0_f32, part in 0.0..0.45_f32) {
        let margin_px = part * width_px.min(height_px);
        let scene = set(&text, &TextOptions { width_px, height_px, margin_px, ..TextOptions::default() });
        let [left, top, right, bottom] = anchors_box(&scene);
        let slack = 1e-5 * width_px.max(height_px);
        prop_assert!(left >= margin_px - slack && top >= margin_px - slack);
        prop_assert!(right <= width_px - margin_px + slack && bottom <= height_px - margin_px + slack);
    }
}
