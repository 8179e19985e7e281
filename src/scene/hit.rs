//! Which shape lies under a point.
//!
//! Input: a scene and a point of its canvas. Output: the front path that covers it, and its outline as a line. Invariants: inside and
//! outside follow the path's fill rule; a transparent path covers nothing. Determinism: pure functions. Cost: every path in
//! front of the one that is hit is flattened once where its control points surround the point.

use super::contours::segments_of;
use super::{FillRule, Path, Scene};

/// How far a flattened curve may be from the true one, in canvas pixels.
const TOLERANCE_PX: f32 = 0.25;
/// Below this a path is as good as not there.
const LEAST_OPACITY: f32 = 0.05;

/// Index of the front path of `scene` that covers the point of the canvas.
pub fn path_under(scene: &Scene, [x, y]: [f32; 2]) -> Option<usize> {
    let covers = |path: &Path| {
        let opacity = scene.fills.get(path.fill as usize).map_or(0.0, |[.., opacity]| *opacity);
        opacity >= LEAST_OPACITY && surrounds(scene, path, [x, y]) && {
            let winding: i32 = outline_of(scene, path).iter().map(|line| winding(line, [x, y])).sum();
            match path.rule {
                FillRule::NonZero => winding != 0,
                FillRule::EvenOdd => winding % 2 != 0,
            }
        }
    };
    scene.paths.iter().rposition(covers)
}

/// The contours of `path`, flattened; the first point of each is not repeated at its end.
pub fn outline_of(scene: &Scene, path: &Path) -> Vec<Vec<[f32; 2]>> {
    let flattened = |contour: &[[f32; 2]]| {
        let mut line = Vec::new();
        for segment in segments_of(contour) {
            segment.for_each_flattened(TOLERANCE_PX, &mut |piece| line.push([piece.from.x, piece.from.y]));
        }
        line
    };
    scene.contours_of(path).map(flattened).collect()
}

/// Left, top, right and bottom of some points; none of no points.
pub fn bounds_of<'a>(points: impl IntoIterator<Item = &'a [f32; 2]>) -> Option<[f32; 4]> {
    let mut points = points.into_iter();
    let &[x, y] = points.next()?;
    Some(points.fold([x, y, x, y], |[left, top, right, bottom], &[x, y]| {
        [left.min(x), top.min(y), right.max(x), bottom.max(y)]
    }))
}

/// Whether the box of the control points holds the point: a curve never leaves it.
fn surrounds(scene: &Scene, path: &Path, [x, y]: [f32; 2]) -> bool {
    bounds_of(scene.contours_of(path).flatten())
        .is_some_and(|[left, top, right, bottom]| (left..=right).contains(&x) && (top..=bottom).contains(&y))
}

/// How often the closed `line` goes around the point.
fn winding(line: &[[f32; 2]], [x, y]: [f32; 2]) -> i32 {
    let ends = line.iter().zip(line.iter().cycle().skip(1));
    let crossing = |(&[from_x, from_y], &[to_x, to_y]): (&[f32; 2], &[f32; 2])| {
        let is_left = (to_x - from_x) * (y - from_y) - (x - from_x) * (to_y - from_y);
        match (from_y <= y, to_y <= y) {
            (true, false) if is_left > 0.0 => 1,
            (false, true) if is_left < 0.0 => -1,
            _ => 0,
        }
    };
    ends.map(crossing).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square([left, top, right, bottom]: [f32; 4]) -> Vec<[f32; 2]> {
        let corners = [[left, top], [right, top], [right, bottom], [left, bottom]];
        let side = |at: usize| {
            let ([x, y], [to_x, to_y]) = (corners[at], corners[(at + 1) % 4]);
            [0.0, 1.0 / 3.0, 2.0 / 3.0].map(|part| [x + part * (to_x - x), y + part * (to_y - y)])
        };
        (0..4).flat_map(side).collect()
    }

    fn scene() -> Scene {
        let mut scene = Scene::new(100.0, 80.0);
        scene.push_group("all".to_owned(), 1.0);
        let [red, clear] = [[1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0]].map(|fill| scene.push_fill(fill));
        scene.push_path("ground".to_owned(), red, FillRule::NonZero, &[square([0.0, 0.0, 100.0, 80.0])]);
        let ring = [square([10.0, 10.0, 60.0, 60.0]), square([20.0, 20.0, 50.0, 50.0])];
        scene.push_path("ring".to_owned(), red, FillRule::EvenOdd, &ring);
        scene.push_path("glass".to_owned(), clear, FillRule::NonZero, &[square([0.0, 0.0, 100.0, 80.0])]);
        scene
    }

    #[test]
    fn the_front_shape_that_is_seen_is_found_and_holes_show_what_lies_behind() {
        let scene = scene();
        for (at, wanted) in
            [([15.0, 30.0], Some(1)), ([35.0, 35.0], Some(0)), ([90.0, 70.0], Some(0)), ([120.0, 5.0], None)]
        {
            assert_eq!(path_under(&scene, at), wanted, "{at:?}");
        }
        let outline = outline_of(&scene, &scene.paths[1]);
        assert_eq!(bounds_of(outline.iter().flatten()), Some([10.0, 10.0, 60.0, 60.0]));
    }
}
