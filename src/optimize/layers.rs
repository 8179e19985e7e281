//! Layers: which prompt grades which shapes, and by how much.
//!
//! Input: a scene, regions, which paths are free. Output: for each region a share of every path, 0 to 1. Invariants: shares of
//! a path add up to at most 1; frozen paths have none; a region takes what belongs to the thing inside it over from the prompt
//! of the whole picture, and regions that overlap divide it by their weights. Determinism: as the rasterizer. Cost: two
//! colour-only passes a rectangle, and the square of the paths in a rectangle.

use super::{OptimizeError, Settings, select};
use crate::ctx::Ctx;
use crate::grade::{Grade, oklab_from_srgb};
use crate::image::color;
use crate::image::rect::Rect;
use crate::raster::{self, Size};
use crate::scene::Scene;
use serde::{Deserialize, Serialize};

/// A grade and whom it is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// What becomes of colours.
    pub grade: Grade,
    /// How much of it each path takes, 0 to 1; empty: every path takes all of it.
    pub shares: Vec<f32>,
}

impl Layer {
    /// The share of a path.
    pub fn share(&self, path: usize) -> f32 {
        if self.shares.is_empty() { 1.0 } else { self.shares.get(path).copied().unwrap_or(0.0) }
    }
}

/// Distance of two colours in `OKLab` at which they are hardly of one thing any more.
const KIN: f32 = 0.07;
/// Width of the ring around a rectangle that shows what the ground looks like, as a part of its sides.
const RING: f32 = 0.2;
/// The thing must be at least this part of what lies inside its rectangle, else all of that is meant.
const LEAST_THING: f32 = 0.08;
/// How much its place counts besides its colour: stops of likeness between the middle and the rim.
const PLACE: f32 = 8.0;
/// What the middle's weight is on average over the rectangle.
const MEAN_MIDDLE: f32 = 0.4;

/// For each region the share of every path in its grade.
///
/// # Errors
/// [`OptimizeError`] for a scene that cannot be drawn.
pub(super) fn shares(scene: &Scene, settings: &Settings, things: &[Option<Vec<bool>>], free: &[bool]) -> Vec<Vec<f32>> {
    let weight_of = |region: usize| settings.regions.get(region).map_or(1.0, |region| region.weight);
    let share = |region: usize, path: usize| -> f32 {
        if !free.get(path).copied().unwrap_or(true) {
            return 0.0;
        }
        let inside = |thing: &Option<Vec<bool>>| thing.as_ref().is_some_and(|thing| thing.get(path) == Some(&true));
        let placed = things.iter().enumerate().filter(|(_, thing)| inside(thing)).map(|(at, _)| weight_of(at));
        let placed = placed.sum::<f32>();
        let wide = things.iter().enumerate().filter(|(_, thing)| thing.is_none()).map(|(at, _)| weight_of(at));
        match things.get(region) {
            Some(Some(thing)) if thing.get(path) == Some(&true) => weight_of(region) / placed,
            Some(None) if placed == 0.0 => weight_of(region) / wide.sum::<f32>(),
            _ => 0.0,
        }
    };
    (0..things.len()).map(|region| (0..scene.paths.len()).map(|path| share(region, path)).collect()).collect()
}

/// For each path, whether it belongs to the thing inside `rect`: it is mostly seen inside, and its colour is more like what
/// lies in the middle of the rectangle than like the ring around it. A path in the middle needs less of that, one at the rim
/// more: a cup may stand on a saucer of its own colour.
///
/// # Errors
/// [`OptimizeError`] for a scene that cannot be drawn.
pub(super) fn thing(scene: &Scene, rect: Rect, size: Size, ctx: &Ctx) -> Result<Vec<bool>, OptimizeError> {
    let scale = [size.width_px as f32 / scene.width, size.height_px as f32 / scene.height];
    let rect_px = rect.scaled(scale[0], scale[1]);
    let planes = weights_about(rect_px, size);
    let [inside, ring, middle] = planes.each_ref().map(Vec::as_slice);
    let seen = raster::visible_sums(scene, size, [inside, ring, middle], ctx)?;
    let whole = |path: usize| !select::is_cut_by(scene, path, rect);
    let is_inside =
        |path: usize, [inside, _, _, all]: [f32; 4]| inside > 0.0 && inside >= select::LEAST_SHARE * all && whole(path);
    let colors = scene.paths.iter().map(|path| {
        let [r, g, b, _] = scene.fills.get(path.fill as usize).copied().unwrap_or_default();
        oklab_from_srgb([r, g, b])
    });
    let colors = colors.collect::<Vec<_>>();
    let within = seen.iter().enumerate().map(|(path, sums)| is_inside(path, *sums)).collect::<Vec<_>>();
    let likeness = |path: usize, column: usize| {
        let (mut sum, mut total) = (0.0, 0.0);
        for (sums, color) in seen.iter().zip(&colors).filter(|(sums, _)| sums[column] > 0.0) {
            let here = colors.get(path).copied().unwrap_or_default();
            let apart = (0..3).map(|axis| (here[axis] - color[axis]).powi(2)).sum::<f32>() / (KIN * KIN);
            sum += sums[column] * color::exp2(-apart.min(60.0));
            total += sums[column];
        }
        if total > 0.0 { sum / total } else { 0.0 }
    };
    let by_place = |path: usize| {
        let [inside, _, middle, _] = seen.get(path).copied().unwrap_or_default();
        color::exp2(PLACE * (middle / inside.max(1e-6) - MEAN_MIDDLE))
    };
    let is_thing =
        |path: usize| within.get(path) == Some(&true) && by_place(path) * likeness(path, 2) >= likeness(path, 1);
    let thing = (0..scene.paths.len()).map(is_thing).collect::<Vec<_>>();
    let area = |of: &[bool]| of.iter().zip(&seen).filter(|(of, _)| **of).map(|(_, sums)| sums[0]).sum::<f32>();
    Ok(if area(&thing) >= LEAST_THING * area(&within) { thing } else { within })
}

/// Three planes of weights: inside `rect`, in the ring around it, and towards its middle.
fn weights_about(rect: Rect, size: Size) -> [Vec<f32>; 3] {
    let (ring_x, ring_y) = (RING * rect.width, RING * rect.height);
    let outer = Rect::new(rect.x - ring_x, rect.y - ring_y, rect.width + 2.0 * ring_x, rect.height + 2.0 * ring_y);
    let mut planes = [const { Vec::new() }; 3];
    for (row, column) in (0..size.height_px).flat_map(|row| (0..size.width_px).map(move |column| (row, column))) {
        let inside = rect.holds_pixel(column, row);
        let across = (column as f32 + 0.5 - rect.x) / rect.width.max(1e-6) - 0.5;
        let down = (row as f32 + 0.5 - rect.y) / rect.height.max(1e-6) - 0.5;
        let ring = !inside && outer.holds_pixel(column, row);
        // An ellipse that touches the rectangle's sides counts 0 at its rim.
        let middle = (1.0 - 4.0 * (across * across + down * down)).max(0.0);
        let values = [f32::from(u8::from(inside)), f32::from(u8::from(ring)), if inside { middle } else { 0.0 }];
        planes.iter_mut().zip(values).for_each(|(plane, value)| plane.push(value));
    }
    planes
}
