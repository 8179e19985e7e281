//! What the twins of the two fine stages share: `shaders/tile.wgsl`.
//!
//! Input: the items of one tile, batch by batch. Output: their areas pixel by pixel, and the blending of fills and layers.
//! Invariants: a workgroup's memory is [`Tile`]; its threads are the pixels. Determinism: areas are sums of integers. Cost: a few
//! additions a crossed pixel, and 256 a row sum.

use super::super::constants::{BATCH, Frame, GROUP, TILE};
use super::common::{FIXED, Item, Line, SIDE, fixed_height, pixel_rows, winding_in_row};
use super::vector::{Vec2, Vec4, vec2, vec4};
use crate::raster::real::Real;

/// Pixels of a tile.
pub(super) const PIXELS: usize = GROUP as usize;
/// One value a pixel: what a shader keeps a thread.
pub(super) type PerPixel<T> = [T; PIXELS];
/// A layer with nothing on it.
pub(super) const CLEAR: Vec4 = vec4(0.0, 0.0, 0.0, 1.0);

const ROW: usize = TILE as usize;
const ITEMS: usize = BATCH as usize;

/// What a workgroup knows.
pub(super) struct Tile {
    pub header: Item,
    /// First pixel.
    pub origin: Vec2,
    corner: [u32; 2],
    /// Signed areas of the batch's items, pixel by pixel; on the way back dL/darea as bits.
    pub areas: Vec<i32>,
    pub batch: [Item; ITEMS],
}

impl Tile {
    /// The tile of workgroup `index`.
    pub(super) fn new(frame: &Frame, items: &[Item], index: u32) -> Self {
        let corner = [index % frame.tiles_x * TILE, (frame.first_row + index / frame.tiles_x) * TILE];
        Self {
            header: items[index as usize],
            origin: vec2(corner[0] as f32, corner[1] as f32),
            corner,
            areas: vec![0; ITEMS * PIXELS],
            batch: [Item::missing(); ITEMS],
        }
    }

    /// Where pixel `local` lies in the picture of the strip, where it lies in it.
    pub(super) fn pixel_in(&self, local: usize, frame: &Frame) -> Option<usize> {
        let [x, y] = [self.corner[0] + local as u32 % TILE, self.corner[1] + local as u32 / TILE];
        let inside = x < frame.width && y < frame.height;
        inside.then(|| ((y - frame.first_row * TILE) * frame.width + x) as usize)
    }

    /// Place of pixel `local` of the batch that begins with item `first` in the list of checkpoints.
    pub(super) fn checkpoint_at(&self, first: u32, local: usize, frame: &Frame) -> usize {
        let batch = self.header.refs + first / BATCH - 1;
        ((batch * GROUP + local as u32) * frame.checkpoint_stride) as usize
    }

    pub(super) fn load_batch(&mut self, items: &[Item], first: u32) {
        for (slot, at) in self.batch.iter_mut().zip(first..) {
            *slot = if at < self.header.first_ref { items[(self.header.cell + at) as usize] } else { Item::missing() };
        }
        self.areas.fill(0);
    }

    /// Lines of the batch are dealt out to the threads one by one: item and line of the n-th, or none behind the last.
    pub(super) fn deal(&self, n: u32) -> Option<(usize, usize)> {
        let mut rest = n;
        for (item, about) in self.batch.iter().enumerate() {
            if rest < about.refs {
                return Some((item, (about.first_ref + rest) as usize));
            }
            rest -= about.refs;
        }
        None
    }

    /// The areas of the batch: its lines, then its rows summed.
    pub(super) fn fill_areas(&mut self, winding: &[i32], cell_lines: &[[u32; 2]], lines: &[Line]) {
        for n in 0.. {
            let Some((item, at)) = self.deal(n) else { break };
            self.add_line(item, &lines[cell_lines[at][0] as usize]);
        }
        self.sum_rows(winding);
    }

    /// Adds the part of a line in one row of pixels, from `left` to `right` in tile pixels: area of pixel c is `turned` times
    /// the mean of clamp(c + 1 - x, 0, 1), rounded once, so that the row's sum is exact.
    fn add_row(&mut self, at: usize, left: f32, right: f32, turned: i32) {
        if left >= SIDE || turned == 0 {
            return;
        }
        let first = left.floor() as i32;
        let last = right.floor() as i32;
        if last < 0 {
            self.areas[at] += turned;
            return;
        }
        let per_px = 1.0 / (right - left).max(1e-30);
        let mut before = 0;
        for column in first.max(0)..=last.min(TILE as i32 - 1) {
            let border = (column + 1) as f32;
            let share = if first == last {
                border - 0.5 * (left + right)
            } else if column == first {
                0.5 * per_px * (border - left) * (border - left)
            } else if column == last {
                let beyond = right - last as f32;
                1.0 - 0.5 * per_px * beyond * beyond
            } else {
                per_px * (border - left - 0.5)
            };
            let area = (share * turned as f32).round_ties_even() as i32;
            self.areas[at + column as usize] += area - before;
            before = area;
        }
        if last + 1 < TILE as i32 {
            self.areas[at + (last + 1) as usize] += turned - before;
        }
    }

    /// Adds a line to the areas of item `item`; nothing for horizontal lines.
    fn add_line(&mut self, item: usize, line: &Line) {
        let a = line.start - self.origin;
        let b = line.end - self.origin;
        let from_y = fixed_height(line.start.y(), self.origin.y());
        let to_y = fixed_height(line.end.y(), self.origin.y());
        if from_y == to_y {
            return;
        }
        let slope = (b.x() - a.x()) / (b.y() - a.y());
        let (low, high) = (a.min(b), a.max(b));
        for y in pixel_rows(from_y, to_y) {
            let enter = low.y().max(y as f32);
            let leave = high.y().min((y + 1) as f32);
            let x0 = (a.x() + (enter - a.y()) * slope).max(low.x()).min(high.x());
            let x1 = (a.x() + (leave - a.y()) * slope).max(low.x()).min(high.x());
            let at = (item * ROW + y as usize) * ROW;
            self.add_row(at, x0.min(x1), x0.max(x1), winding_in_row(from_y, to_y, y));
        }
    }

    /// Sums of each row from left to right, starting with the winding at the tile's left border.
    fn sum_rows(&mut self, winding: &[i32]) {
        for (row, areas) in self.areas.chunks_mut(ROW).enumerate() {
            let mut sum = winding[self.batch[row / ROW].cell as usize * ROW + row % ROW];
            for area in areas {
                sum += *area;
                *area = sum;
            }
        }
    }

    /// The area of pixel `local` in item `item` as `src/raster/coverage.rs` snaps it.
    pub(super) fn area_at(&self, item: usize, local: usize) -> f32 {
        let mut area = self.areas[item * PIXELS + local] as f32 / FIXED;
        if self.batch[item].even_odd != 0 {
            area -= 2.0 * (0.5 * area).round_ties_even();
        }
        let mut magnitude = area.abs();
        if (magnitude - 1.0).abs() < f32::SNAP {
            magnitude = 1.0;
        }
        if magnitude < f32::SNAP {
            magnitude = 0.0;
        }
        if area < 0.0 { -magnitude } else { magnitude }
    }

    /// Lays a fill over premultiplied color and transmittance.
    pub(super) fn blend(&self, below: Vec4, item: usize, area: f32) -> Vec4 {
        let rgba = self.batch[item].rgba;
        below + rgba.w() * area.abs().min(1.0) * (rgba.with_w(0.0) - below)
    }
}

/// Lays an isolated layer over the base.
pub(super) fn blend_layer(base: Vec4, layer: Vec4, opacity: f32) -> Vec4 {
    let shade = opacity * (1.0 - layer.w());
    base + opacity * layer.with_w(0.0) - shade * base
}
