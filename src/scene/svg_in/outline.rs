//! `usvg` geometry to closed cubic contours in canvas pixels.
//!
//! Input: a path in its own space and its transform. Output: contours as [`Scene`](crate::scene::Scene) stores them.
//! Invariants: every contour has `3 n > 0` finite points and ends at its first point. Cost: linear in segments.

use usvg::tiny_skia_path::{Path, PathSegment, PathStroker, Point, StrokeDash, Transform};

use super::MAX_COORDINATE_PX;

/// A closed chain of cubics: anchor, control, control, anchor, …
pub(super) type Contour = Vec<[f32; 2]>;

/// The contours of a filled `path`; `None` when a number is not finite or lies beyond [`MAX_COORDINATE_PX`].
pub(super) fn contours_of_fill(path: &Path, canvas_from_path: Transform, side_px: f32) -> Option<Vec<Contour>> {
    let path = path.clone().transform(canvas_from_path)?;
    let near = |point: &Point| point.x.abs() <= MAX_COORDINATE_PX && point.y.abs() <= MAX_COORDINATE_PX;
    path.points().iter().all(near).then(|| closed_contours(&path, side_px))
}

/// The contours of `path`'s stroke. The outline is made before the transform, so that an uneven scale widens it
/// unevenly, as SVG asks. `None` as in [`contours_of_fill`]; a stroke without area gives no contours.
pub(super) fn contours_of_stroke(
    path: &Path,
    stroke: &usvg::Stroke,
    canvas_from_path: Transform,
    side_px: f32,
) -> Option<Vec<Contour>> {
    let scale = PathStroker::compute_resolution_scale(&canvas_from_path);
    let dashes = stroke.dasharray().and_then(|list| StrokeDash::new(list.to_vec(), stroke.dashoffset()));
    let dashed = match dashes {
        Some(dashes) => path.dash(&dashes, scale),
        None => Some(path.clone()),
    };
    let mut pen = stroke.to_tiny_skia();
    pen.dash = None;
    match dashed.and_then(|path| path.stroke(&pen, scale)) {
        Some(outline) => contours_of_fill(&outline, canvas_from_path, side_px),
        None => Some(Vec::new()),
    }
}

/// Promotes lines and quadratics to cubics and closes every subpath. A gap below what a float of the canvas's size
/// resolves is snapped shut, so that rounding in a file adds no segment.
fn closed_contours(path: &Path, side_px: f32) -> Vec<Contour> {
    let mut contours = Vec::new();
    let mut contour = Contour::new();
    let mut last = Point::default();
    for segment in path.segments() {
        match segment {
            PathSegment::MoveTo(point) => {
                finish(&mut contour, &mut contours, side_px);
                contour.push([point.x, point.y]);
                last = point;
            }
            PathSegment::LineTo(point) => {
                push_line(&mut contour, [point.x, point.y]);
                last = point;
            }
            PathSegment::QuadTo(control, point) => {
                let lift = |from: Point| [from.x + (control.x - from.x) * 2.0 / 3.0, from.y + (control.y - from.y) * 2.0 / 3.0];
                contour.extend([lift(last), lift(point), [point.x, point.y]]);
                last = point;
            }
            PathSegment::CubicTo(first, second, point) => {
                contour.extend([[first.x, first.y], [second.x, second.y], [point.x, point.y]]);
                last = point;
            }
            PathSegment::Close => {
                let start = contour.first().copied();
                finish(&mut contour, &mut contours, side_px);
                // Segments may follow a close without a move; they start where the closed subpath did.
                if let Some([x, y]) = start {
                    contour.push([x, y]);
                    last = Point::from_xy(x, y);
                }
            }
        }
    }
    finish(&mut contour, &mut contours, side_px);
    contours
}

fn finish(contour: &mut Contour, contours: &mut Vec<Contour>, side_px: f32) {
    let mut done = std::mem::take(contour);
    let (Some(&first), Some(&last)) = (done.first(), done.last()) else { return };
    if done.len() < 4 {
        return;
    }
    let magnitude = side_px.max(first[0].abs()).max(first[1].abs());
    let gap = (last[0] - first[0]).abs().max((last[1] - first[1]).abs());
    if gap > 2.4e-7 * magnitude {
        push_line(&mut done, first);
    }
    done.pop();
    contours.push(done);
}

/// Appends a straight cubic: controls at thirds, as `vectorize` and the SVG writer have them.
fn push_line(contour: &mut Contour, to: [f32; 2]) {
    let Some(&from) = contour.last() else { return };
    let third = |share: f32| [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
    contour.extend([third(1.0 / 3.0), third(2.0 / 3.0), to]);
}
