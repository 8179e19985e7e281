//! Colours of a recoloured scene as a palette file, old beside new.
//!
//! Input: a scene before and after. Output: the text of a GIMP palette (.gpl), which Krita, Inkscape and GIMP read; each
//! new colour is named after the one that it was. Invariants: one entry a fill that something is painted with, in the
//! scene's order, equal pairs once; colours as 8 bits. Determinism: the same scenes give the same text. Cost: linear in
//! fills.

use super::{Rgba, Scene};
use crate::image::byte_from_unit;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Writes the fills of `after`, each with the colour it had in `before`.
pub fn gpl_from_scenes(before: &Scene, after: &Scene, title: &str) -> String {
    let title = title.replace(['\n', '\r'], " ");
    let mut text = format!("GIMP Palette\nName: {}\nColumns: 8\n#\n", title.trim());
    let used: BTreeSet<u32> = after.paths.iter().map(|path| path.fill).collect();
    let mut known = BTreeSet::new();
    for (fill, (old, new)) in before.fills.iter().zip(&after.fills).enumerate() {
        let pair @ (old, [red, green, blue]) = (bytes(old), bytes(new));
        if used.contains(&(fill as u32)) && known.insert(pair) {
            let [r, g, b] = old;
            let _ = writeln!(text, "{red:3} {green:3} {blue:3}\twas #{r:02x}{g:02x}{b:02x}");
        }
    }
    text
}

fn bytes([red, green, blue, _]: &Rgba) -> [u8; 3] {
    [red, green, blue].map(|value| byte_from_unit(*value))
}

#[cfg(test)]
mod tests {
    use super::gpl_from_scenes;
    use crate::scene::{FillRule, Path, Scene};

    fn scene(fills: [[f32; 4]; 4]) -> Scene {
        let path = |fill| Path { id: format!("p{fill}"), contours: 0..0, fill, rule: FillRule::NonZero };
        Scene { fills: fills.to_vec(), paths: [2, 0, 1].map(path).to_vec(), ..Scene::default() }
    }

    #[test]
    fn used_colours_are_listed_once_with_what_they_were() {
        let before = scene([[1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0], [0.0; 4], [0.5; 4]]);
        let after = scene([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0], [1.0, 0.5, 0.0, 1.0], [0.1; 4]]);
        let expected =
            "GIMP Palette\nName: at sunset\nColumns: 8\n#\n  0   0 255\twas #ff0000\n255 128   0\twas #000000\n";
        assert_eq!(gpl_from_scenes(&before, &after, "at\nsunset "), expected, "fill 3 paints nothing");
    }
}
