//! Which paths an edit may change when it is limited to rectangles or to a mask.
//!
//! Input: a scene, and rectangles in canvas pixels or a mask. Output: one flag a path. Rule: a path is free when at least half
//! of its *visible* area lies inside, so that a background that merely reaches in stays frozen.
//! Determinism: as the rasterizer. Cost: two colour-only backward passes.

use crate::ctx::Ctx;
use crate::image::rect::Rect;
use crate::image::resample;
use crate::raster::{self, RasterError, Size};
use crate::scene::{Scene, as_usize};

/// What becomes of paths that others cover wholly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hidden {
    /// They stay: the publication's selection.
    Stays,
    /// They go where their place goes, so that nothing old comes to light when what covers them moves.
    Moves,
}

/// The least part of the visible area that must lie inside.
pub(super) const LEAST_SHARE: f32 = 0.5;

/// A path that comes this near to a rectangle's border is cut by it, in canvas pixels.
const BORDER_PX: f32 = 1.0;

/// Whether a path ends at the border of `rect` because a round of vectorization inside it was cut there: such a shape
/// belongs to the surroundings, and changing it would show the rectangle. Borders on the canvas edge cut nothing.
pub(super) fn is_cut_by(scene: &Scene, path: usize, rect: Rect) -> bool {
    let Some(path) = scene.paths.get(path) else { return false };
    let contours = scene.contours.get(as_usize(&path.contours)).unwrap_or_default();
    let points = contours.iter().flat_map(|contour| scene.points.get(as_usize(contour)).unwrap_or_default());
    let (right, bottom) = (rect.x + rect.width, rect.y + rect.height);
    let near =
        |value: f32, border: f32, edge: f32| (border - edge).abs() > BORDER_PX && (value - border).abs() <= BORDER_PX;
    let mut points = points.copied();
    points.any(|[x, y]| {
        near(x, rect.x, 0.0) || near(x, right, scene.width) || near(y, rect.y, 0.0) || near(y, bottom, scene.height)
    })
}

/// For each path, whether it belongs to any of the rectangles.
///
/// # Errors
/// [`RasterError`] for a scene that cannot be drawn.
pub(super) fn paths_inside(
    scene: &Scene,
    rects: &[Rect],
    hidden: Hidden,
    size: Size,
    ctx: &Ctx,
) -> Result<Vec<bool>, RasterError> {
    let (x_scale, y_scale) = (size.width_px as f32 / scene.width, size.height_px as f32 / scene.height);
    let rects = rects.iter().map(|rect| rect.scaled(x_scale, y_scale)).collect::<Vec<_>>();
    let inside = |at: usize| {
        let (column, row) = (at % size.width_px, at / size.width_px);
        f32::from(u8::from(rects.iter().any(|rect| rect.holds_pixel(column, row))))
    };
    mostly_seen_in(scene, (0..size.width_px * size.height_px).map(inside).collect(), hidden, size, ctx)
}

/// For each path, whether it lies mostly under `mask`, one value from 0 to 1 a pixel of the canvas.
///
/// # Errors
/// As [`paths_inside`].
pub(super) fn paths_under(
    scene: &Scene,
    mask: &[f32],
    hidden: Hidden,
    size: Size,
    ctx: &Ctx,
) -> Result<Vec<bool>, RasterError> {
    let mask = resample::nearest(mask, scene.width.ceil() as usize, (size.width_px, size.height_px));
    mostly_seen_in(scene, mask, hidden, size, ctx)
}

/// For each path, what is seen of it in pixels, and the sums over it of x and y, both 0 to 1 over the canvas: `[x, y, area]`.
///
/// # Errors
/// As [`paths_inside`].
pub(super) fn seen_places(scene: &Scene, size: Size, ctx: &Ctx) -> Result<Vec<[f32; 3]>, RasterError> {
    let (width, height) = (size.width_px, size.height_px);
    let along = |at: usize, length: usize| (at as f32 + 0.5) / length as f32;
    let across = (0..width * height).map(|at| along(at % width, width)).collect::<Vec<_>>();
    let down = (0..width * height).map(|at| along(at / width, height)).collect::<Vec<_>>();
    let seen = raster::visible_sums(scene, size, [&across, &down, &across], ctx)?;
    Ok(seen.into_iter().map(|[x, y, _, area]| [x, y, area]).collect())
}

fn mostly_seen_in(
    scene: &Scene,
    mask: Vec<f32>,
    hidden: Hidden,
    size: Size,
    ctx: &Ctx,
) -> Result<Vec<bool>, RasterError> {
    let within = raster::visible_area(scene, size, &mask, ctx)?;
    let total = raster::visible_area(scene, size, &vec![1.0; mask.len()], ctx)?;
    let is_in = |path: usize, within: f32, total: f32| match hidden {
        Hidden::Moves if total == 0.0 => mask_at_middle(scene, path, &mask, size) >= LEAST_SHARE,
        Hidden::Moves | Hidden::Stays => within > 0.0 && within >= LEAST_SHARE * total,
    };
    let sums = within.iter().zip(&total).enumerate();
    Ok(sums.map(|(path, (within, total))| is_in(path, *within, *total)).collect())
}

/// What the mask says in the middle of a path's points.
fn mask_at_middle(scene: &Scene, path: usize, mask: &[f32], size: Size) -> f32 {
    let Some(path) = scene.paths.get(path) else { return 0.0 };
    let points = scene.contours_of(path).flatten();
    let (sum, count) = points.fold(([0.0; 2], 0.0_f32), |(sum, count), [x, y]| ([sum[0] + x, sum[1] + y], count + 1.0));
    let [x, y] = sum.map(|sum: f32| sum / count.max(1.0));
    let at = |value: f32, length: f32, pixels: usize| {
        ((value / length.max(1e-6) * pixels as f32).max(0.0) as usize).min(pixels.saturating_sub(1))
    };
    let (column, row) = (at(x, scene.width, size.width_px), at(y, scene.height, size.height_px));
    mask.get(row * size.width_px + column).copied().unwrap_or(0.0)
}
