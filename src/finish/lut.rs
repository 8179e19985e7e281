//! The grade as a table for other programs: a 3D LUT in the .cube format (Adobe, Cube LUT Specification 1.0).
//!
//! Input: a grade and how much of the change is the same everywhere. Output: the file's text: display-referred sRGB to the same, red fastest.
//! Invariants: what depends on the place is no part of a table; the head says how much that was. Determinism: fixed decimals.
//! Cost: some milliseconds.

use crate::grade::{Grade, oklab_from_srgb, srgb_from_oklab};
use crate::optimize::Edited;
use std::fmt::Write as _;

/// Steps along each axis.
const STEPS: usize = 33;

/// The table of the first grade of `edited`, named `title`; none where colours have no grade. Of `strength` of the edit.
pub fn cube_from_edit(edited: &Edited, title: &str, strength: f32) -> Option<String> {
    let layer = edited.layers.first()?;
    let scene = &edited.initial;
    let colors = scene.fills.iter().map(|&[r, g, b, _]| (oklab_from_srgb([r, g, b]), [0.5; 2], 1.0));
    let field_share = 1.0 - layer.grade.share_without_place(colors);
    let global = layer.grade.without_place();
    let mut text = String::with_capacity(27 * STEPS * STEPS * STEPS + 512);
    let title = title.replace(['"', '\n', '\r'], " ");
    let _ = writeln!(text, "TITLE \"{title}\"");
    let _ = writeln!(
        text,
        "# Display-referred sRGB in and out. The global look of the edit; {:.0} % of its change depends on",
        100.0 * field_share
    );
    let _ = writeln!(text, "# the place in the picture and is no part of this table.");
    if edited.layers.len() > 1 {
        let _ = writeln!(text, "# Of {} regions the first one's look.", edited.layers.len());
    }
    let _ = writeln!(text, "LUT_3D_SIZE {STEPS}\nDOMAIN_MIN 0 0 0\nDOMAIN_MAX 1 1 1");
    let at = |step: usize| step as f32 / (STEPS - 1) as f32;
    for (blue, green, red) in (0..STEPS).flat_map(|b| (0..STEPS).flat_map(move |g| (0..STEPS).map(move |r| (b, g, r))))
    {
        let [r, g, b] = graded(&global, [at(red), at(green), at(blue)], strength);
        let _ = writeln!(text, "{r:.6} {g:.6} {b:.6}");
    }
    Some(text)
}

fn graded(grade: &Grade, srgb: [f32; 3], strength: f32) -> [f32; 3] {
    let before = oklab_from_srgb(srgb);
    let after = grade.apply(before, [0.5; 2]);
    if after == before {
        return srgb;
    }
    srgb_from_oklab([0, 1, 2].map(|axis| before[axis] + strength * (after[axis] - before[axis])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grade::Look;
    use crate::optimize::Layer;
    use crate::scene::Scene;

    fn edited(look: Look) -> Edited {
        let layer = Layer { grade: Grade { look, ..Grade::default() }, shares: Vec::new() };
        Edited { layers: vec![layer], ..Edited::untouched(&Scene::new(8.0, 8.0)) }
    }

    fn rows(text: &str) -> Vec<[f32; 3]> {
        let is_number = |line: &&str| line.starts_with(|letter: char| letter.is_ascii_digit());
        let row = |line: &str| {
            let numbers = line.split(' ').map(|number| number.parse().unwrap()).collect::<Vec<f32>>();
            [numbers[0], numbers[1], numbers[2]]
        };
        text.lines().filter(is_number).map(row).collect()
    }

    #[test]
    fn a_grey_look_makes_grey_rows_in_the_order_of_the_format() {
        let text = cube_from_edit(&edited(Look { saturation: 0.0, ..Look::default() }), "a \"film\"", 1.0).unwrap();
        assert!(text.starts_with("TITLE \"a  film \"\n"), "quotes cannot end the title: {}", &text[..40]);
        let rows = rows(&text);
        assert_eq!(rows.len(), 33 * 33 * 33, "rows");
        assert!(rows.iter().all(|[r, g, b]| (r - g).abs() < 2e-3 && (g - b).abs() < 2e-3), "a row has chroma");
        assert!(rows[32][0] < rows[32 * 33][0], "red comes first and is darker than green");
    }

    #[test]
    fn a_look_that_changes_nothing_is_the_table_of_identity() {
        let rows = rows(&cube_from_edit(&edited(Look::default()), "", 1.0).unwrap());
        assert_eq!((rows[0], rows[1][0], rows[rows.len() - 1]), ([0.0; 3], 0.03125, [1.0; 3]));
        assert_eq!(cube_from_edit(&Edited::untouched(&Scene::new(1.0, 1.0)), "", 1.0), None, "nothing was graded");
    }
}
