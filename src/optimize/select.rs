//! Which paths an edit may change when it is limited to a rectangle.
//!
//! Input: a scene and a rectangle in canvas pixels. Output: one flag a path. Rule: a path is free when at least half
//! of its *visible* area lies inside, so that a background that merely reaches into the rectangle stays frozen.
//! Determinism: as the rasterizer. Cost: two colour-only backward passes.

use crate::ctx::Ctx;
use crate::image::rect::Rect;
use crate::raster::{self, RasterError, Size};
use crate::scene::Scene;

/// The least part of the visible area that must lie inside.
const LEAST_SHARE: f32 = 0.5;

/// For each path, whether it belongs to any of the rectangles.
///
/// # Errors
/// [`RasterError`] for a scene that cannot be drawn.
pub fn paths_inside(scene: &Scene, rects: &[Rect], size: Size, ctx: &Ctx) -> Result<Vec<bool>, RasterError> {
    let (x_scale, y_scale) = (size.width_px as f32 / scene.width, size.height_px as f32 / scene.height);
    let rects = rects.iter().map(|rect| rect.scaled(x_scale, y_scale)).collect::<Vec<_>>();
    let inside = |at: usize| {
        let (column, row) = (at % size.width_px, at / size.width_px);
        f32::from(u8::from(rects.iter().any(|rect| rect.holds_pixel(column, row))))
    };
    let mask = (0..size.width_px * size.height_px).map(inside).collect::<Vec<_>>();
    let within = raster::visible_area(scene, size, &mask, ctx)?;
    let total = raster::visible_area(scene, size, &vec![1.0; mask.len()], ctx)?;
    Ok(within.iter().zip(&total).map(|(within, total)| *within > 0.0 && *within >= LEAST_SHARE * total).collect())
}
