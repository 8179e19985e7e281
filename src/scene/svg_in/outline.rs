//! `usvg` geometry to closed cubic contours in canvas pixels.
//!
//! Input: a path in its own space and its transform. Output: contours as [`Scene`](crate::scene::Scene) stores them.
//! Invariants: every contour has `3 n > 0` finite points and ends at its first point. Cost: linear in segments.

use usvg::tiny_skia_path::{Path, PathSegment, PathStroker, Point, StrokeDash, Transform};

use super::MAX_COORDINATE_PX;
use crate::scene::contours::{Contour, Contours};

/// Outlines of strokes are accurate to a fraction of a pixel at this zoom, since scenes are drawn larger than they are.
const OUTLINE_ZOOM: f32 = 8.0;

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
    let scale = OUTLINE_ZOOM * PathStroker::compute_resolution_scale(&canvas_from_path);
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

fn closed_contours(path: &Path, side_px: f32) -> Vec<Contour> {
    let mut contours = Contours::new(side_px);
    let pair = |point: Point| [point.x, point.y];
    for segment in path.segments() {
        match segment {
            PathSegment::MoveTo(to) => contours.move_to(pair(to)),
            PathSegment::LineTo(to) => contours.line_to(pair(to)),
            PathSegment::QuadTo(control, to) => contours.quad_to(pair(control), pair(to)),
            PathSegment::CubicTo(first, second, to) => contours.cubic_to(pair(first), pair(second), pair(to)),
            PathSegment::Close => contours.close(),
        }
    }
    contours.into_contours()
}
