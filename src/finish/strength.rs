//! An edit part of the way: points along their way, colours along theirs in `OKLab`.
//!
//! Input: an edit, a strength from 0 to 1. Output: a scene. Invariants: 0 is the scene before, 1 the scene after, bit for bit.
//! Determinism: plain arithmetic. Cost: a few operations a point.

use crate::grade::{oklab_from_srgb, srgb_from_oklab};
use crate::optimize::Edited;
use crate::scene::Scene;

/// The scene of `edited` at `strength`, 0 to 1.
pub fn scene_at(edited: &Edited, strength: f32) -> Scene {
    let Edited { initial, scene, .. } = edited;
    if strength <= 0.0 {
        return initial.clone();
    }
    let mut between = scene.clone();
    if strength >= 1.0 {
        return between;
    }
    for (point, before) in between.points.iter_mut().zip(&initial.points) {
        *point = [0, 1].map(|axis| before[axis] + strength * (point[axis] - before[axis]));
    }
    for (fill, before) in between.fills.iter_mut().zip(&initial.fills) {
        if fill != before {
            *fill = mixed(*before, *fill, strength);
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
        assert_eq!(scene_at(&edited, 0.0), initial, "0 is the start");
        assert_eq!(scene_at(&edited, 1.0), after, "1 is the edit");
        let half = scene_at(&edited, 0.5);
        assert_eq!((half.points[0], half.fills[0][3]), ([2.0, 1.0], 0.75), "half of the way");
        assert!((half.fills[0][0] - 0.3886).abs() < 2e-3, "grey of half the lightness: {:?}", half.fills[0]);
    }
}
