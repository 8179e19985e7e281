//! Finer outlines: curves cut into parts that can bend on their own, without moving what they draw.
//!
//! Input: a scene and a length. Output: the same scene with more points. Invariants: every new curve lies on the old one
//! (de Casteljau), ids, paths and fills stay; contours that are fine enough keep their bits. Determinism: plain arithmetic.
//! Cost: linear in the points made.

use super::{Scene, as_usize};
use std::ops::Range;

/// Parts that one curve may be cut into.
const MOST_PARTS: usize = 64;

/// Cuts every curve of the contours that `is_free` names into parts of about `length_px`, by the length of its control
/// polygon; curves of frozen contours stay.
pub fn subdivide(scene: &mut Scene, length_px: f32, is_free: impl Fn(usize) -> bool) {
    let free = contours_of_free_paths(scene, is_free);
    let mut points = Vec::with_capacity(scene.points.len());
    let mut contours = Vec::with_capacity(scene.contours.len());
    for (contour, free) in scene.contours.iter().zip(free) {
        let start = points.len() as u32;
        let old = scene.points.get(as_usize(contour)).unwrap_or_default();
        if free {
            cut(old, length_px, &mut points);
        } else {
            points.extend_from_slice(old);
        }
        contours.push(Range { start, end: points.len() as u32 });
    }
    (scene.points, scene.contours) = (points, contours);
}

fn contours_of_free_paths(scene: &Scene, is_free: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut free = vec![false; scene.contours.len()];
    for (_, path) in scene.paths.iter().enumerate().filter(|(index, _)| is_free(*index)) {
        free.get_mut(as_usize(&path.contours)).unwrap_or_default().fill(true);
    }
    free
}

/// Appends the closed chain `old`, its curves cut.
fn cut(old: &[[f32; 2]], length_px: f32, out: &mut Vec<[f32; 2]>) {
    let Some(&first) = old.first() else { return };
    for (index, curve) in old.chunks_exact(3).enumerate() {
        let [from, control_1, control_2] = curve else { continue };
        let to = old.get(3 * index + 3).copied().unwrap_or(first);
        let mut rest = [*from, *control_1, *control_2, to];
        let length: f32 = rest.windows(2).map(|pair| (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1])).sum();
        let parts = ((length / length_px.max(1e-6)).round() as usize).clamp(1, MOST_PARTS);
        for left in (2..=parts).rev() {
            let (part, after) = split(rest, 1.0 / left as f32);
            out.extend_from_slice(&part[..3]);
            rest = after;
        }
        out.extend_from_slice(&rest[..3]);
    }
}

/// A cubic cut at `t` (de Casteljau).
fn split([a, b, c, d]: [[f32; 2]; 4], t: f32) -> ([[f32; 2]; 4], [[f32; 2]; 4]) {
    let between = |p: [f32; 2], q: [f32; 2]| [p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])];
    let (ab, bc, cd) = (between(a, b), between(b, c), between(c, d));
    let (abc, bcd) = (between(ab, bc), between(bc, cd));
    let middle = between(abc, bcd);
    ([a, ab, abc, middle], [middle, bcd, cd, d])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::FillRule;

    fn scene() -> Scene {
        let mut scene = Scene::new(100.0, 100.0);
        let fill = scene.push_fill([0.0, 0.0, 0.0, 1.0]);
        let leaf = vec![[10.0, 50.0], [10.0, 0.0], [90.0, 0.0], [90.0, 50.0], [90.0, 99.0], [10.0, 99.0]];
        scene.push_path("leaf".to_owned(), fill, FillRule::NonZero, std::slice::from_ref(&leaf));
        scene.push_path("stone".to_owned(), fill, FillRule::NonZero, &[leaf]);
        scene
    }

    fn at([a, b, c, d]: [[f32; 2]; 4], t: f32) -> [f32; 2] {
        split([a, b, c, d], t).0[3]
    }

    #[test]
    fn every_part_lies_on_the_curve_and_frozen_contours_keep_their_bits() {
        let (before, mut after) = (scene(), scene());
        subdivide(&mut after, 10.0, |path| path == 0);
        after.validate().unwrap();
        let contour = |scene: &Scene, index: usize| scene.points[as_usize(&scene.contours[index])].to_vec();
        assert_eq!(contour(&before, 1), contour(&after, 1), "the frozen contour");
        let fine = contour(&after, 0);
        let parts = fine.len() / 3 / 2;
        assert!(parts > 10, "each curve has {parts} parts");
        let old = contour(&before, 0);
        let curve = [old[0], old[1], old[2], old[3]];
        for part in 0..parts {
            let exact = at(curve, part as f32 / parts as f32);
            let found = fine[3 * part];
            assert!((exact[0] - found[0]).hypot(exact[1] - found[1]) < 1e-3, "{found:?} instead of {exact:?}");
        }
    }

    #[test]
    fn short_curves_stay_as_they_are() {
        let (before, mut after) = (scene(), scene());
        subdivide(&mut after, 1000.0, |_| true);
        assert_eq!(before, after, "nothing to cut");
    }
}
