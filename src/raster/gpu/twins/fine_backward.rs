//! The way back through the colours and the areas, front to back: twin of `shaders/fine_backward.wgsl`.
//!
//! Input: what the way there left, and dL/dpixel. Output: dL/d(fill, opacity) of each cell, and the moments of each line in each
//! tile. Invariants: each batch is drawn once more from what lay behind it, so nothing is divided. Determinism: sums over a tile
//! in fixed order. Cost: about three times the way there.

use super::super::constants::{BATCH, Frame, NONE, TILE, TRAINED_OPACITY, TRAINED_POINTS};
use super::common::{Item, Line, SIDE, tiles};
use super::tile::{CLEAR, PIXELS, PerPixel, Tile, blend_layer};
use super::vector::{Vec2, Vec4, Vector, vec2, vec4};
use crate::raster::flatten::FAR_PX;

/// Bindings 1, 2, ... of the shader.
pub(super) const BUFFERS: &[&str] =
    &["items", "winding", "cell_lines", "lines", "checkpoints", "image_grad", "moments", "cell_grads"];

const ROW: usize = TILE as usize;
const ITEMS: usize = BATCH as usize;

/// Sum of `values` over the tile, in fixed order: rows first.
fn sum_tile(values: &PerPixel<Vec4>) -> Vec4 {
    let sum = |values: &[Vec4]| values.iter().fold(Vec4::ZERO, |sum, &value| sum + value);
    values.chunks(ROW).map(sum).fold(Vec4::ZERO, |total, row| total + row)
}

fn grad_at(tile: &Tile, item: usize, column: i32, row: i32) -> f32 {
    let side = 0..TILE as i32;
    if !side.contains(&column) || !side.contains(&row) {
        return 0.0;
    }
    f32::from_bits(tile.areas[item * PIXELS + row as usize * ROW + column as usize] as u32)
}

fn powers(u: f32) -> Vec4 {
    let square = u * u;
    vec4(u, square, square * u, square * square)
}

/// The part of a line in a tile: parameters where it enters and leaves.
fn clip(a: Vec2, delta: Vec2, side: Vec2) -> Option<[f32; 2]> {
    let (mut first, mut end) = (0.0_f32, 1.0_f32);
    for axis in 0..2 {
        if delta[axis] == 0.0 {
            if a[axis] < 0.0 || a[axis] > side[axis] {
                return None;
            }
        } else {
            let near = -a[axis] / delta[axis];
            let far = (side[axis] - a[axis]) / delta[axis];
            first = first.max(near.min(far));
            end = end.min(near.max(far));
        }
    }
    (first < end).then_some([first, end])
}

/// `M_0..M_3` of the part of a line in the tile: `src/raster/moments.rs`.
fn line_moments(frame: &Frame, tile: &Tile, item: usize, line: &Line) -> Vec4 {
    let a = line.start - tile.origin;
    let b = line.end - tile.origin;
    let delta = b - a;
    let [width, height] = [frame.width as f32, frame.height as f32];
    let side = vec2(SIDE.min(width - tile.origin.x()), SIDE.min(height - tile.origin.y()));
    let Some([first, end]) = clip(a, delta, side) else { return Vec4::ZERO };
    let from_at = if first > 0.0 { a + first * delta } else { a }.clamp(Vec2::ZERO, side);
    let to_at = if end < 1.0 { a + end * delta } else { b }.clamp(Vec2::ZERO, side);
    let mut cell = from_at.0.map(|at| at.floor() as i32);
    let last = to_at.0.map(|at| at.floor() as i32);
    let step = delta.0.map(|delta| if delta < 0.0 { -1 } else { 1 });
    let every = delta.map(|delta| if delta == 0.0 { 0.0 } else { (1.0 / delta).abs() });
    // Parameter of the next border along each axis.
    let border = |axis: usize| {
        if delta[axis] == 0.0 {
            return FAR_PX as f32;
        }
        let border = (cell[axis] + i32::from(delta[axis] > 0.0)) as f32;
        (border - a[axis]) * (1.0 / delta[axis])
    };
    let mut next = vec2(border(0), border(1));
    let mut g = grad_at(tile, item, cell[0], cell[1]);
    let mut sums = -g * powers(first);
    for _ in 0..last[0].abs_diff(cell[0]) + last[1].abs_diff(cell[1]) {
        let across = usize::from(next.x() >= next.y());
        let u = next.x().min(next.y()).max(first).min(end);
        next[across] += every[across];
        cell[across] += step[across];
        let behind = g;
        g = grad_at(tile, item, cell[0], cell[1]);
        sums += (behind - g) * powers(u);
    }
    (sums + g * powers(end)) * vec4(1.0, 0.5, 1.0 / 3.0, 0.25)
}

/// What the threads of a workgroup keep from batch to batch.
struct Grads {
    grad: PerPixel<Vec4>,
    layer_grad: PerPixel<Vec4>,
}

/// One batch drawn again: what was below each item, and the base when the layer before it was laid down.
struct Redrawn {
    /// The batch begins with this item of the tile.
    first: u32,
    /// Items of the batch.
    here: usize,
    /// Layer that is open before the batch, and what is on it.
    first_open: u32,
    first_layer: PerPixel<Vec4>,
    /// Layer of the item in front of the batch.
    next_layer: u32,
    /// As after the last item.
    base: PerPixel<Vec4>,
    layer: PerPixel<Vec4>,
    below: [PerPixel<Vec4>; ITEMS],
    bases: [PerPixel<Vec4>; ITEMS],
}

impl Redrawn {
    fn new(frame: &Frame, tile: &Tile, first: u32, items: &[Item], checkpoints: &[Vec4]) -> (Self, f32) {
        let count = tile.header.first_ref;
        let mut base = [Vector(frame.background); PIXELS];
        let mut layer = [CLEAR; PIXELS];
        let (mut open, mut open_opacity) = (NONE, 0.0);
        if first > 0 {
            let at = |local: usize| tile.checkpoint_at(first, local, frame);
            base = std::array::from_fn(|local| checkpoints[at(local)]);
            if frame.checkpoint_stride > 1 {
                layer = std::array::from_fn(|local| checkpoints[at(local) + 1]);
                let behind = items[(tile.header.cell + first - 1) as usize];
                (open, open_opacity) = (behind.layer, behind.layer_opacity);
            }
        }
        // What lies in front of the batch: its layer goes on there, or is laid down between the two.
        let here = BATCH.min(count - first);
        let in_front = (tile.header.cell + first + here) as usize;
        let next_layer = if first + here < count { items[in_front].layer } else { NONE };
        let (below, bases) = ([[Vec4::ZERO; PIXELS]; ITEMS], [[Vec4::ZERO; PIXELS]; ITEMS]);
        let here = here as usize;
        let new = Self { first, here, first_open: open, first_layer: layer, next_layer, base, layer, below, bases };
        (new, open_opacity)
    }

    fn draw(&mut self, tile: &Tile, mut open_opacity: f32) {
        let mut open = self.first_open;
        for item in 0..self.here {
            self.bases[item] = self.base;
            if tile.batch[item].layer != open {
                if open != NONE {
                    let (base, layer) = (self.base, &self.layer);
                    self.base = std::array::from_fn(|local| blend_layer(base[local], layer[local], open_opacity));
                }
                open = tile.batch[item].layer;
                open_opacity = tile.batch[item].layer_opacity;
                self.layer = [CLEAR; PIXELS];
            }
            let below = if open == NONE { &mut self.base } else { &mut self.layer };
            self.below[item] = *below;
            for (local, below) in below.iter_mut().enumerate() {
                *below = tile.blend(*below, item, tile.area_at(item, local));
            }
        }
    }

    /// Takes the derivatives from before item `item` of the batch to behind it; its areas become dL/darea.
    fn undo_item(&self, frame: &Frame, tile: &mut Tile, item: usize, grads: &mut Grads, cell_grads: &mut [Vec4]) {
        let about = tile.batch[item];
        let mut parts = [Vec4::ZERO; PIXELS];
        for local in 0..PIXELS {
            let area = tile.area_at(item, local);
            let cover = area.abs().min(1.0);
            let slope = match area {
                area if area.abs() > 1.0 || area == 0.0 => 0.0,
                area if area < 0.0 => -1.0,
                _ => 1.0,
            };
            let own = if about.layer == NONE { &mut grads.grad[local] } else { &mut grads.layer_grad[local] };
            let by_amount = own.dot(about.rgba.with_w(0.0) - self.below[item][local]);
            let part = about.rgba.w() * cover * *own;
            let by_opacity = if frame.trained & TRAINED_OPACITY != 0 { cover * by_amount } else { 0.0 };
            *own -= part;
            parts[local] = part.with_w(by_opacity);
            tile.areas[item * PIXELS + local] = (about.rgba.w() * slope * by_amount).to_bits() as i32;
        }
        cell_grads[about.cell as usize] = sum_tile(&parts);
    }

    /// Undoes the layer that is laid down at place `in_front`: between item `in_front - 1` of the batch and item `in_front`.
    fn undo_layer(&self, tile: &Tile, in_front: usize, items: &[Item], grads: &mut Grads) {
        let behind = match in_front {
            0 => items[(tile.header.cell + self.first - 1) as usize],
            _ => tile.batch[in_front - 1],
        };
        let opacity = behind.layer_opacity;
        for local in 0..PIXELS {
            let laid = match in_front {
                _ if in_front == self.here => self.layer[local],
                0 => self.first_layer[local],
                _ => {
                    let behind = in_front - 1;
                    tile.blend(self.below[behind][local], behind, tile.area_at(behind, local))
                }
            };
            let onto = if in_front == self.here { self.base[local] } else { self.bases[in_front][local] };
            let grad = grads.grad[local].with_w(0.0);
            let alpha = 1.0 - laid.w();
            grads.layer_grad[local] = opacity * grad.with_w(grad.dot(onto));
            grads.grad[local] = grads.grad[local] * (1.0 - opacity * alpha);
        }
    }
}

pub(super) fn run(
    frame: &Frame,
    items: &[Item],
    winding: &[i32],
    cell_lines: &[[u32; 2]],
    lines: &[Line],
    checkpoints: &[Vec4],
    image_grad: &[Vec4],
    moments: &mut [Vec4],
    cell_grads: &mut [Vec4],
) {
    for index in 0..tiles(frame) {
        let mut tile = Tile::new(frame, items, index);
        let count = tile.header.first_ref;
        let grad_of = |local| tile.pixel_in(local, frame).map_or(Vec4::ZERO, |pixel| image_grad[pixel].with_w(0.0));
        let mut grads = Grads { grad: std::array::from_fn(grad_of), layer_grad: [Vec4::ZERO; PIXELS] };
        for rest in (0..count.div_ceil(BATCH)).rev() {
            let first = rest * BATCH;
            tile.load_batch(items, first);
            let (mut batch, open_opacity) = Redrawn::new(frame, &tile, first, items, checkpoints);
            tile.fill_areas(winding, cell_lines, lines);
            batch.draw(&tile, open_opacity);
            let here = batch.here;
            // Front to back: the item in front of each place, then the layer that was laid down there.
            for in_front in (0..=here).rev() {
                if in_front < here {
                    batch.undo_item(frame, &mut tile, in_front, &mut grads, cell_grads);
                }
                let behind_layer = if in_front > 0 { tile.batch[in_front - 1].layer } else { batch.first_open };
                let front_layer = if in_front < here { tile.batch[in_front].layer } else { batch.next_layer };
                // The place in front of a batch is also the place behind the next one, which has dealt with it.
                let mine = in_front < here || first + here as u32 == count;
                if frame.checkpoint_stride > 1 && mine && behind_layer != NONE && behind_layer != front_layer {
                    batch.undo_layer(&tile, in_front, items, &mut grads);
                }
            }
            if frame.trained & TRAINED_POINTS != 0 {
                for n in 0.. {
                    let Some((item, at)) = tile.deal(n) else { break };
                    let [line, slot] = cell_lines[at];
                    moments[slot as usize] = line_moments(frame, &tile, item, &lines[line as usize]);
                }
            }
        }
    }
}
