//! What no shape covers: soft edges and other pixels that are hardly there.
//!
//! Input: shapes, the source they were traced from. Output: the shapes' colours as straight colour, everywhere. Formula: shapes end
//! where the source is half there; beyond, a pixel shows what lies under it (the source, under the grade), changed as the nearest
//! shapes change what lies under them. Near and far are weighed by a pyramid of weighted sums (Gortler et al. 1996, "The
//! Lumigraph", section 3.4: pull and push), so a change fades into the next one without an edge. Invariants: for an opaque source
//! the drawing is that of the rasterizer, bit for bit; what shapes have left behind by moving away shows the paper, but an outline
//! that gave way by a pixel or two draws no line of paper, and no paper is seen in a soft edge: it is half there where shapes end, and has
//! no outline. Determinism: rows are whole tasks. Cost: for a source with alpha some forty operations a pixel and drawing, and where
//! outlines moved one drawing more.

use crate::ctx::Ctx;
use crate::image::{Image, guided};
use crate::optimize::Edited;
use crate::raster::{self, Background, RasterError, Size};
use crate::scene::Scene;
use rayon::prelude::*;

/// Paper is seen where shapes have gone from half of the pixels around, up to this far away in pixels of the canvas: several times
/// what an outline moves that stays in its place.
const GONE_PX: f32 = 6.0;
/// Power of the source's alpha that says how far a pixel is part of the picture and not of its edge: paper is not seen through an edge
/// that lets through what the picture lies on.
const THERE: i32 = 16;
/// Power of the cover that says how far a pixel's colour is that of the uppermost shape: where several end together, the ones below
/// shine through, three quarters covered by two shapes of half.
const SURE: i32 = 15;

/// Where a source with alpha was covered by shapes.
pub(super) struct Rims<'a> {
    alpha: &'a [f32],
    /// Cover of the shapes before they moved; none where none did.
    before: Option<Vec<f32>>,
}

/// The rims of `source`, whose shapes are drawn as `scene`; none where it is opaque.
///
/// # Errors
/// [`RasterError`] for a scene that cannot be drawn.
pub(super) fn rims<'a>(
    source: &'a Image,
    edited: &Edited,
    scene: &Scene,
    size: Size,
    ctx: &Ctx,
) -> Result<Option<Rims<'a>>, RasterError> {
    if !source.has_alpha() {
        return Ok(None);
    }
    let [_, _, _, alpha] = &source.planes;
    let before = if edited.initial.points == scene.points {
        None
    } else {
        let [_, _, _, cover] = raster::render(&edited.initial, size, Background::Transparent, ctx)?.planes;
        Some(cover)
    };
    Ok(Some(Rims { alpha, before }))
}

impl Rims<'_> {
    /// How much of each pixel `scene` with this `cover` has left to the paper; none where it has left nothing.
    fn left(&self, cover: &[f32], scene: &Scene, size: Size) -> Option<Vec<f32>> {
        let before = self.before.as_ref()?;
        let mut left = before.iter().zip(cover).map(|(before, cover)| (before - cover).max(0.0)).collect::<Vec<_>>();
        if left.iter().all(|left| *left == 0.0) {
            return None;
        }
        let radius_px = GONE_PX * size.width_px as f32 / scene.width.max(1.0);
        let around = guided::mean(&left, size.width_px, radius_px.round().max(1.0) as usize);
        for ((left, around), alpha) in left.iter_mut().zip(around).zip(self.alpha) {
            *left *= (2.0 * around).min(1.0).powi(3) * alpha.clamp(0.0, 1.0).powi(THERE);
        }
        Some(left)
    }
}

/// Draws `scene` over paper of the value `paper`; where there are `rims`, what no shape ever covered shows `under`, changed as
/// the shapes nearby change it. Without `under` it continues the shapes' own values.
///
/// # Errors
/// [`RasterError`] for a scene that cannot be drawn.
pub(super) fn drawn(
    rims: Option<&Rims<'_>>,
    scene: &Scene,
    size: Size,
    paper: f32,
    under: Option<[&[f32]; 3]>,
    ctx: &Ctx,
) -> Result<[Vec<f32>; 3], RasterError> {
    let Some(rims) = rims else {
        let [red, green, blue, _] = raster::render(scene, size, Background::Rgb([paper; 3]), ctx)?.planes;
        return Ok([red, green, blue]);
    };
    let [mut red, mut green, mut blue, cover] = raster::render(scene, size, Background::Transparent, ctx)?.planes;
    ctx.install(|| {
        let left = rims.left(&cover, scene, size);
        let colors = [&mut red, &mut green, &mut blue];
        // Without `under` they are amounts, which are soft anyway.
        let sure = |cover: f32| if under.is_some() { cover.powi(SURE) } else { 1.0 };
        let weight = rims.alpha.iter().zip(&cover).map(|(alpha, cover)| alpha.clamp(0.0, 1.0) * sure(*cover) * cover);
        let weight = weight.collect::<Vec<_>>();
        let change = |plane: usize| {
            let pixels = colors[plane].iter().zip(&cover).zip(rims.alpha).enumerate();
            let change = pixels.map(|(at, ((color, cover), alpha))| {
                alpha.clamp(0.0, 1.0) * sure(*cover) * (color - cover * read(under, plane, at).unwrap_or(0.0))
            });
            change.collect::<Vec<_>>()
        };
        let sums = Level { size, planes: [change(0), change(1), change(2), weight] }.continued();
        for (plane, color) in colors.into_iter().enumerate() {
            let near = sums.planes[plane].iter().zip(&sums.planes[3]);
            for (at, ((color, cover), (sum, weight))) in color.iter_mut().zip(&cover).zip(near).enumerate() {
                let left = left.as_ref().and_then(|left| left.get(at)).copied().unwrap_or(0.0);
                let sure = sure(*cover);
                let bare = (1.0 - cover * sure - left).max(0.0);
                if bare > 0.0 || left > 0.0 {
                    let change = (*weight > 0.0).then(|| sum / weight);
                    let shown = match read(under, plane, at) {
                        Some(under) => (under + change.unwrap_or(0.0)).clamp(0.0, 1.0),
                        None => change.unwrap_or(paper),
                    };
                    *color = sure * *color + bare * shown + left * paper;
                }
            }
        }
    });
    Ok([red, green, blue])
}

fn read(planes: Option<[&[f32]; 3]>, plane: usize, at: usize) -> Option<f32> {
    planes.map(|planes| planes[plane].get(at).copied().unwrap_or(0.0))
}

/// Sums and, in the last plane, the weights that they were taken with, at most 1 a pixel.
struct Level {
    size: Size,
    planes: [Vec<f32>; 4],
}

impl Level {
    /// The level with sums in every pixel that it lacks, from the coarser levels.
    fn continued(self) -> Self {
        let Size { width_px, height_px } = self.size;
        if width_px * height_px <= 1 {
            return self;
        }
        let coarse = self.halved().continued();
        self.filled(&coarse)
    }

    /// Half the size: sums over 2 x 2 pixels; one pixel that is wholly there is enough for a whole one.
    fn halved(&self) -> Self {
        let Size { width_px, height_px } = self.size;
        let size = Size { width_px: width_px.div_ceil(2).max(1), height_px: height_px.div_ceil(2).max(1) };
        let mut half = self.planes.each_ref().map(|plane| {
            let mut sums = vec![0.0; size.width_px * size.height_px];
            sums.par_chunks_mut(size.width_px).zip(plane.par_chunks(2 * width_px)).for_each(|(sums, rows)| {
                for row in rows.chunks(width_px) {
                    sums.iter_mut().zip(row.chunks(2)).for_each(|(sum, pair)| *sum += pair.iter().sum::<f32>());
                }
            });
            sums
        });
        let [colors @ .., weight] = &mut half;
        for plane in colors {
            plane.iter_mut().zip(weight.iter()).for_each(|(sum, weight)| *sum /= weight.max(1.0));
        }
        weight.iter_mut().for_each(|weight| *weight = weight.min(1.0));
        Self { size, planes: half }
    }

    /// What is missing to a weight of 1 comes from `coarse`, between whose pixels lies a straight line.
    fn filled(self, coarse: &Self) -> Self {
        let Self { size, mut planes } = self;
        let [colors @ .., weight] = &mut planes;
        let missing = weight.iter().map(|weight| 1.0 - weight).collect::<Vec<_>>();
        let Size { width_px, .. } = size;
        let columns = (0..width_px).map(|x| halfway(x, coarse.size.width_px)).collect::<Vec<_>>();
        for (plane, coarse_plane) in colors.iter_mut().chain([weight]).zip(&coarse.planes) {
            let rows = plane.par_chunks_mut(width_px.max(1)).zip(missing.par_chunks(width_px.max(1))).enumerate();
            rows.for_each(|(y, (row, missing))| {
                let (top, bottom, down) = halfway(y, coarse.size.height_px);
                let line = |row: usize| coarse_plane.get(row * coarse.size.width_px..).unwrap_or_default();
                let (top, bottom) = (line(top), line(bottom));
                let at = |line: &[f32], column: usize| line.get(column).copied().unwrap_or(0.0);
                for ((value, missing), (left, right, along)) in row.iter_mut().zip(missing).zip(&columns) {
                    if *missing > 0.0 {
                        let [above, below] = [top, bottom].map(|line| {
                            let left = at(line, *left);
                            left + along * (at(line, *right) - left)
                        });
                        *value += missing * (above + down * (below - above));
                    }
                }
            });
        }
        Self { size, planes }
    }
}

/// The two pixels around a pixel's centre at half the size, and how far it is on the way to the second.
fn halfway(at: usize, half: usize) -> (usize, usize, f32) {
    let last = half.saturating_sub(1);
    let along = (at as f32 / 2.0 - 0.25).clamp(0.0, last as f32);
    let first = (along as usize).min(last);
    (first, (first + 1).min(last), along - first as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_continue_without_a_jump_and_keep_their_mean() {
        let size = Size { width_px: 37, height_px: 21 };
        let known = |x: usize, value: f32| if x == 9 || x == 30 { [value, 1.0] } else { [0.0, 0.0] };
        let pixels = (0..37 * 21).map(|at| known(at % 37, if at % 37 < 20 { 0.2 } else { 0.8 })).collect::<Vec<_>>();
        let plane = |of: usize| pixels.iter().map(|pixel| pixel[of]).collect::<Vec<_>>();
        let all = Level { size, planes: [plane(0), plane(0), plane(0), plane(1)] }.continued();
        let value = |x: usize| all.planes[0][10 * 37 + x] / all.planes[3][10 * 37 + x];
        assert!((value(9) - 0.2).abs() < 1e-6 && (value(30) - 0.8).abs() < 1e-6, "what is known stays");
        assert!((value(7) - 0.2).abs() < 0.05 && (value(32) - 0.8).abs() < 0.1, "{} and {}", value(7), value(32));
        assert!(value(0) < 0.3 && value(36) > 0.55, "nearer to what is near: {} and {}", value(0), value(36));
        let steps = (9..30).map(|x| (value(x + 1) - value(x)).abs()).fold(0.0, f32::max);
        assert!(steps < 0.25, "a jump of {steps}");
    }

    #[test]
    fn where_nothing_is_known_nothing_is_made_up() {
        let size = Size { width_px: 5, height_px: 1 };
        let all = Level { size, planes: std::array::from_fn(|_| vec![0.0; 5]) }.continued();
        assert!(all.planes.iter().flatten().all(|value| *value == 0.0), "{:?}", all.planes);
    }
}
