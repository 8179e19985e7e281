//! How still every shape stood: where shapes moved, the source's pixels are those of another place.
//!
//! Input: the scene before and after. Output: a value from 0 to 1 a pixel. Determinism: as the rasterizer. Cost: a drawing where
//! points moved.

use super::rims::{self, Rims};
use crate::ctx::Ctx;
use crate::raster::{RasterError, Size};
use crate::scene::{Scene, as_usize};

/// A shape whose points moved at most this far keeps all its detail.
const STILL_PX: f32 = 0.5;
/// A shape with a point that moved this far keeps none.
const MOVED_PX: f32 = 2.5;

/// How still what is seen at each pixel stood, 0 to 1; none where no point moved.
///
/// # Errors
/// [`RasterError`] for a scene that cannot be drawn.
pub(super) fn stillness(
    initial: &Scene,
    edited: &Scene,
    rims: Option<&Rims<'_>>,
    size: Size,
    ctx: &Ctx,
) -> Result<Option<Vec<f32>>, RasterError> {
    if initial.points == edited.points {
        return Ok(None);
    }
    let scene = edited.painted(&stillness_of_paths(initial, edited));
    // Where no shape is, nothing moved.
    let [plane, ..] = rims::drawn(rims, &scene, size, 1.0, None, ctx)?;
    Ok(Some(plane))
}

/// 1 where nothing moved, 0 where a point moved far.
fn stillness_of_paths(initial: &Scene, edited: &Scene) -> Vec<f32> {
    let still = |path: &crate::scene::Path| {
        let contours = edited.contours.get(as_usize(&path.contours)).unwrap_or_default();
        let moved = contours.iter().map(|contour| farthest(initial, edited, as_usize(contour))).fold(0.0, f32::max);
        ((MOVED_PX - moved) / (MOVED_PX - STILL_PX)).clamp(0.0, 1.0)
    };
    edited.paths.iter().map(still).collect()
}

/// The largest distance that a point of `points` moved, in canvas pixels.
fn farthest(initial: &Scene, edited: &Scene, points: std::ops::Range<usize>) -> f32 {
    let before = initial.points.get(points.clone()).unwrap_or_default();
    let after = edited.points.get(points).unwrap_or_default();
    before.iter().zip(after).map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1])).fold(0.0, f32::max)
}
