//! An edit part of the way: points along their way, colours along theirs in `OKLab`.
//!
//! Input: an edit, how far points and colours have come, 0 to 1. Output: a scene. Invariants: 0 is as before, 1 as after, bit for bit.
//! Determinism: plain arithmetic. Cost: a few operations a point.

use crate::grade::{oklab_from_srgb, srgb_from_oklab};
use crate::optimize::Edited;
use crate::scene::Scene;

/// The scene of `edited` with its points and its colours so far along their ways, 0 to 1.
pub fn scene_at(edited: &Edited, [points, colors]: [f32; 2]) -> Scene {
    let Edited { initial, scene, .. } = edited;
    let mut between = scene.clone();
    if points <= 0.0 {
        between.points.clone_from(&initial.points);
    } else if points < 1.0 {
        for (point, before) in between.points.iter_mut().zip(&initial.points) {
            *point = [0, 1].map(|axis| before[axis] + points * (point[axis] - before[axis]));
        }
    }
    if colors <= 0.0 {
        between.fills.clone_from(&initial.fills);
    } else if colors < 1.0 {
        for (fill, before) in between.fills.iter_mut().zip(&initial.fills).filter(|(fill, before)| fill != before) {
            *fill = mixed(*before, *fill, colors);
        }
    }
    between
}

/// The colour part of the way from `before` to `after`.
fn mixed(before: [f32; 4], after: [f32; 4], strength: f32) -> [f32; 4] {
    let [a, b] = [before, after].map(|[r, g, b, _]| oklab_from_srgb([r, g, b]));
    let [r, g, b] = srgb_from_oklab([0, 1, 2].map(|axis| a[axis] + strength * (b[axis] - a[axis])));
    [r, g, b, before[3] + strength * (after[3] - before[3])]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::FillRule;

    #[test]
    fn both_ends_are_the_scenes_themselves_and_the_middle_lies_between() {
        let scene = |x: f32, fill: [f32; 4]| {
            let mut scene = Scene::new(8.0, 8.0);
            let fill = scene.push_fill(fill);
            scene.push_path("a".to_owned(), fill, FillRule::NonZero, &[vec![[x, 1.0], [x + 2.0, 1.0], [x, 3.0]]]);
            scene
        };
        let (initial, after) = (scene(1.0, [0.0, 0.0, 0.0, 1.0]), scene(3.0, [1.0, 1.0, 1.0, 0.5]));
        let edited = Edited { scene: after.clone(), ..Edited::untouched(&initial) };
        assert_eq!(scene_at(&edited, [0.0; 2]), initial, "0 is the start");
        assert_eq!(scene_at(&edited, [1.0; 2]), after, "1 is the edit");
        let half = scene_at(&edited, [0.5; 2]);
        assert_eq!((half.points[0], half.fills[0][3]), ([2.0, 1.0], 0.75), "half of the way");
        assert!((half.fills[0][0] - 0.3886).abs() < 2e-3, "grey of half the lightness: {:?}", half.fills[0]);
        let colors = scene_at(&edited, [0.0, 1.0]);
        assert_eq!((&colors.points, &colors.fills), (&initial.points, &after.fills), "outlines stay, colours go");
    }
}
