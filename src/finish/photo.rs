//! A photograph stays a photograph: the grade is applied to the source's own pixels, and what shapes add of their own follows
//! the source's edges.
//!
//! Input: the drawn shapes, the source, the edit. Output: the picture. Formula, in `OKLab`, for a pixel c of the source:
//! c + Σ over layers M (grade(c, x, y) - c) + M GF(rest), where M is a layer's share of the pixel, GF the guided filter with the
//! source as guide, and rest what the shapes' colours differ from the graded ones. Invariants: a pixel that no free shape touches
//! keeps the source's bits; no edge appears that neither the source nor a moved outline has: soft edges of a share run
//! inwards and end at 0. Determinism: rows are whole tasks. Cost: see [`super`].

use super::rims::{self, Rims};
use crate::ctx::Ctx;
use crate::grade::{Field, Prepared, fitted_linear_from_oklab};
use crate::image::{Image, color, guided};
use crate::optimize::{Edited, Layer};
use crate::raster::{RasterError, Size};
use crate::scene::Scene;
use rayon::prelude::*;

/// Window of the filter of the shapes' own colours, as a part of the long side.
const REST_OF_SIDE: f32 = 0.04;
/// Window of the soft edges of shares.
const EDGE_OF_SIDE: f32 = 0.012;
/// Square of the smallest step of the source that counts as an edge.
const EPSILON: f32 = 1e-4;
/// A rest below this in every shape is not worth a filter.
const LEAST_REST: f32 = 1e-4;

/// A layer ready for many pixels.
struct Shared<'a> {
    look: Prepared,
    field: &'a Field,
    /// Its share of each pixel; none: all of it.
    share: Option<Vec<f32>>,
}

/// Whether nothing is seen of the drawn shapes of `scene`: all of the graded source is laid on and no shape moved.
pub(super) fn hides_shapes(edited: &Edited, scene: &Scene, amount: f32) -> bool {
    amount == 1.0 && !edited.layers.is_empty() && edited.initial.points == scene.points
}

/// The drawn shapes, `shapes`, with what the source has over the shapes it was traced to, `before`: for edits without a grade.
pub(super) fn with_grain(shapes: &[Vec<f32>; 3], source: &Image, before: &[Vec<f32>; 3]) -> [Vec<f32>; 3] {
    [0, 1, 2].map(|plane: usize| {
        let drawn = shapes[plane].iter().zip(&source.planes[plane]).zip(&before[plane]);
        drawn.map(|((drawn, source), before)| drawn + (source - before)).collect()
    })
}

/// The source's pixels under the grades and the rest; `source` holds no light beyond a display's range.
///
/// # Errors
/// [`RasterError`] for a scene that cannot be drawn.
pub(super) fn graded(
    source: &Image,
    edited: &Edited,
    rims: Option<&Rims<'_>>,
    strength: f32,
    size: Size,
    ctx: &Ctx,
) -> Result<[Vec<f32>; 3], RasterError> {
    let long = source.width.max(source.height) as f32;
    let guide: [&[f32]; 3] = [0, 1, 2].map(|plane: usize| source.planes[plane].as_slice());
    let mut shared: Vec<Shared<'_>> = Vec::new();
    for layer in &edited.layers {
        let share = share_of(layer, edited, rims, guide, long, size, ctx)?;
        shared.push(Shared { look: layer.grade.look.prepared(), field: &layer.grade.field, share });
    }
    let rest = rest_plane(edited, rims, guide, long, size, ctx)?;
    let mut out = [0, 1, 2].map(|plane: usize| source.planes[plane].clone());
    let width = source.width.max(1);
    let [red, green, blue] = out.each_mut().map(|plane| plane.par_chunks_mut(width));
    ctx.install(|| {
        red.zip(green).zip(blue).enumerate().for_each(|(index, ((red, green), blue))| {
            let down = (index as f32 + 0.5) / source.height as f32;
            let row = Row { from: index * width, down, strength };
            row.grade([red, green, blue], &shared, rest.as_ref());
        });
    });
    Ok(out)
}

/// A row of pixels. Each stage is a loop of its own over the whole row, which the compiler turns into vector instructions.
struct Row {
    /// Its first pixel.
    from: usize,
    /// Its place from the top, 0 to 1.
    down: f32,
    strength: f32,
}

impl Row {
    /// Puts the row under the grades and the rest.
    fn grade(&self, row: [&mut [f32]; 3], shared: &[Shared<'_>], rest: Option<&[Vec<f32>; 3]>) {
        let [red, green, blue] = row;
        let width = red.len();
        let colors = red.iter().zip(green.iter()).zip(blue.iter());
        let mut start = colors.map(|((r, g), b)| [*r, *g, *b]).collect::<Vec<_>>();
        start.as_flattened_mut().iter_mut().for_each(|value| *value = color::linear_from_srgb(*value));
        start.iter_mut().for_each(|value| *value = color::oklab_from_linear(*value));
        let (mut change, mut total) = (vec![[0.0; 3]; width], vec![0.0; width]);
        for layer in shared {
            self.add(layer, &start, &mut change, &mut total);
        }
        let rest_of = |at: usize, axis: usize| -> f32 {
            rest.and_then(|rest| rest.get(axis)).and_then(|plane| plane.get(self.from + at)).copied().unwrap_or(0.0)
        };
        for (at, ((start, change), total)) in start.iter().zip(&mut change).zip(&total).enumerate() {
            for (axis, (change, start)) in change.iter_mut().zip(start).enumerate() {
                *change = start + self.strength * (*change + total.min(1.0) * rest_of(at, axis));
            }
        }
        let wanted = change;
        let (shown, neutral) = (srgb_row(&wanted), srgb_row(&start));
        for at in (0..width).filter(|at| total[*at] > 0.0 && wanted[*at] != start[*at]) {
            // As a difference, so that what the gamut cannot hold of the source itself is not lost.
            for (channel, plane) in [&mut *red, &mut *green, &mut *blue].into_iter().enumerate() {
                plane[at] += shown[at][channel] - neutral[at][channel];
            }
        }
    }

    /// Adds what a layer changes, weighted with its share.
    fn add(&self, layer: &Shared<'_>, start: &[[f32; 3]], change: &mut [[f32; 3]], total: &mut [f32]) {
        let width = start.len() as f32;
        let looked = start.iter().map(|oklab| layer.look.apply(*oklab)).collect::<Vec<_>>();
        let field = layer.field.at_row(self.down);
        let pixels = start.iter().zip(&looked).zip(change).zip(total).enumerate();
        for (at, (((start, looked), change), total)) in pixels {
            let share = layer.share.as_ref().map_or(1.0, |share| share.get(self.from + at).copied().unwrap_or(0.0));
            if share > 0.0 {
                let more = field.apply(*start, [(at as f32 + 0.5) / width, self.down]);
                for axis in 0..3 {
                    change[axis] += share * (looked[axis] + more[axis] - start[axis]);
                }
                *total += share;
            }
        }
    }
}

/// The display-referred sRGB colours of a row.
fn srgb_row(oklab: &[[f32; 3]]) -> Vec<[f32; 3]> {
    let mut row = oklab.iter().map(|oklab| fitted_linear_from_oklab(*oklab)).collect::<Vec<_>>();
    row.as_flattened_mut().iter_mut().for_each(|value| *value = color::srgb_from_linear(*value));
    row
}

/// A layer's share of each pixel, with soft edges that run inwards; none where it takes everything.
fn share_of(
    layer: &Layer,
    edited: &Edited,
    rims: Option<&Rims<'_>>,
    guide: [&[f32]; 3],
    long_px: f32,
    size: Size,
    ctx: &Ctx,
) -> Result<Option<Vec<f32>>, RasterError> {
    if layer.shares.is_empty() {
        return Ok(None);
    }
    let scene = edited.initial.painted(&layer.shares);
    let [hard, ..] = rims::drawn(rims, &scene, size, 0.0, None, ctx)?;
    let [mut soft] = ctx.install(|| guided::filter(guide, [&hard], size.width_px, EDGE_OF_SIDE * long_px, EPSILON));
    for (soft, hard) in soft.iter_mut().zip(&hard) {
        // Halfway up is the border of the shapes; what is less lies outside.
        *soft = if *hard > 0.0 { (2.0 * *soft - *hard).clamp(0.0, *hard) } else { 0.0 };
    }
    Ok(Some(soft))
}

/// What the shapes' colours add to the grades, following the source's edges; none where it is nothing.
fn rest_plane(
    edited: &Edited,
    rims: Option<&Rims<'_>>,
    guide: [&[f32]; 3],
    long_px: f32,
    size: Size,
    ctx: &Ctx,
) -> Result<Option<[Vec<f32>; 3]>, RasterError> {
    let mut scene = edited.initial.clone();
    for (fill, rest) in scene.fills.iter_mut().zip(&edited.rest) {
        *fill = [rest[0], rest[1], rest[2], fill[3]];
    }
    if edited.rest.as_flattened().iter().all(|value| value.abs() < LEAST_REST) {
        return Ok(None);
    }
    let [a, b, c] = rims::drawn(rims, &scene, size, 0.0, None, ctx)?;
    let rest = ctx.install(|| guided::filter(guide, [&a, &b, &c], size.width_px, REST_OF_SIDE * long_px, EPSILON));
    Ok(Some(rest))
}
