//! Fine detail of the source on top of an edited scene, so that a recoloured photograph still looks like one.
//!
//! Input: the source picture, the scene before and after the edit. Output: the drawn edit plus (source - drawn start),
//! weighted by how still the covering shape stood. The scenes cover the picture. Determinism: as the rasterizer. Cost: one more
//! render, two where points moved.

use super::{Background, RasterError, Size, render};
use crate::ctx::Ctx;
use crate::image::Image;
use crate::scene::{Scene, as_usize};
use rayon::prelude::*;

/// A shape whose points moved at most this far keeps all its detail.
const STILL_PX: f32 = 0.5;
/// A shape with a point that moved this far keeps none.
const MOVED_PX: f32 = 2.5;

/// Adds `amount` (0 to 1) of the detail of `source` to `picture`; both have the same size.
///
/// # Errors
/// [`RasterError`] for a scene that cannot be drawn.
pub fn add(
    picture: &mut Image,
    source: &Image,
    initial: &Scene,
    edited: &Scene,
    amount: f32,
    ctx: &Ctx,
) -> Result<(), RasterError> {
    let size = Size { width_px: source.width, height_px: source.height };
    let before = render(initial, size, Background::Rgb([1.0; 3]), ctx)?;
    // Where no point moved, every shape stood still: the edits of colours, which need no third render.
    let moved = initial.points != edited.points;
    let stillness = moved.then(|| render(&stillness_scene(initial, edited), size, Background::Rgb([0.0; 3]), ctx));
    let stillness = stillness.transpose()?;
    ctx.install(|| {
        let planes = picture.planes.par_iter_mut().zip(&source.planes).zip(&before.planes).take(3);
        planes.for_each(|((out, source), before)| match &stillness {
            None => out.iter_mut().zip(source).zip(before).for_each(|((out, source), before)| {
                *out += amount * (source - before);
            }),
            Some(Image { planes: [weight, ..], .. }) => {
                for (((out, source), before), weight) in out.iter_mut().zip(source).zip(before).zip(weight) {
                    *out += amount * weight * (source - before);
                }
            }
        });
    });
    Ok(())
}

/// The edited shapes painted with how still they stood: 1 where nothing moved, 0 where a point moved far.
fn stillness_scene(initial: &Scene, edited: &Scene) -> Scene {
    let mut scene = edited.clone();
    scene.fills.clear();
    for path in &mut scene.paths {
        let contours = edited.contours.get(as_usize(&path.contours)).unwrap_or_default();
        let moved = contours.iter().map(|contour| farthest(initial, edited, as_usize(contour))).fold(0.0, f32::max);
        let still = ((MOVED_PX - moved) / (MOVED_PX - STILL_PX)).clamp(0.0, 1.0);
        let opacity = edited.fills.get(path.fill as usize).map_or(1.0, |fill| fill[3]);
        path.fill = scene.fills.len() as u32;
        scene.fills.push([still, still, still, opacity]);
    }
    scene
}

/// The largest distance that a point of `points` moved, in canvas pixels.
fn farthest(initial: &Scene, edited: &Scene, points: std::ops::Range<usize>) -> f32 {
    let before = initial.points.get(points.clone()).unwrap_or_default();
    let after = edited.points.get(points).unwrap_or_default();
    before.iter().zip(after).map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1])).fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctx::Silent;
    use crate::scene::FillRule;
    use std::sync::Arc;

    fn square(offset: f32) -> Scene {
        let mut scene = Scene::new(16.0, 16.0);
        let fill = scene.push_fill([0.5, 0.5, 0.5, 1.0]);
        let corners = [[0.0, 0.0], [16.0, 0.0], [16.0, 16.0], [0.0, 16.0]];
        let contour = (0..4).flat_map(|at| {
            let (a, b): ([f32; 2], [f32; 2]) = (corners[at], corners[(at + 1) % 4]);
            [0.0, 1.0 / 3.0, 2.0 / 3.0].map(|t| [a[0] + t * (b[0] - a[0]) + offset, a[1] + t * (b[1] - a[1])])
        });
        scene.push_path("all".to_owned(), fill, FillRule::NonZero, &[contour.collect()]);
        scene
    }

    #[test]
    fn detail_comes_back_where_nothing_moved_and_stays_away_where_a_shape_moved() {
        let ctx = Ctx::new(1, Arc::new(Silent)).unwrap();
        let mut source = Image::filled(16, 16, [0.5; 3]);
        source.planes[0][8 * 16 + 8] = 0.9;
        let drawn = Image::filled(16, 16, [0.2; 3]);
        let with_detail = |edited: &Scene| {
            let mut picture = drawn.clone();
            add(&mut picture, &source, &square(0.0), edited, 1.0, &ctx).unwrap();
            picture.planes[0][8 * 16 + 8]
        };
        assert!((with_detail(&square(0.0)) - 0.6).abs() < 1e-4, "0.2 plus a grain of 0.4");
        assert!((with_detail(&square(5.0)) - 0.2).abs() < 1e-4, "moved shapes stay flat");
    }
}
