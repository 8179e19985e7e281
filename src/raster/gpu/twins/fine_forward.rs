//! Areas and colours, back to front: twin of `shaders/fine_forward.wgsl`.
//!
//! Input: the items of each tile. Output: the strip's picture, and what lies behind each batch of items but the first.
//! Invariants: a pixel reads its own tile only. Determinism: items in order. Cost: items times 256 pixels.

use super::super::constants::{BATCH, Frame, NONE};
use super::common::{Item, Line, tiles};
use super::tile::{CLEAR, PIXELS, PerPixel, Tile, blend_layer};
use super::vector::{Vec4, Vector};

/// Bindings 1, 2, ... of the shader.
pub(super) const BUFFERS: &[&str] = &["items", "winding", "cell_lines", "lines", "checkpoints", "image"];

pub(super) fn run(
    frame: &Frame,
    items: &[Item],
    winding: &[i32],
    cell_lines: &[[u32; 2]],
    lines: &[Line],
    checkpoints: &mut [Vec4],
    image: &mut [Vec4],
) {
    for index in 0..tiles(frame) {
        let mut tile = Tile::new(frame, items, index);
        let count = tile.header.first_ref;
        let mut base: PerPixel<Vec4> = [Vector(frame.background); PIXELS];
        let mut layer: PerPixel<Vec4> = [CLEAR; PIXELS];
        let mut open = NONE;
        let mut open_opacity = 0.0;
        for first in (0..count).step_by(BATCH as usize) {
            tile.load_batch(items, first);
            for local in 0..if first > 0 { PIXELS } else { 0 } {
                let at = tile.checkpoint_at(first, local, frame);
                checkpoints[at] = base[local];
                if frame.checkpoint_stride > 1 {
                    checkpoints[at + 1] = layer[local];
                }
            }
            tile.fill_areas(winding, cell_lines, lines);
            for item in 0..BATCH.min(count - first) as usize {
                if tile.batch[item].layer != open {
                    if open != NONE {
                        base = std::array::from_fn(|local| blend_layer(base[local], layer[local], open_opacity));
                    }
                    open = tile.batch[item].layer;
                    open_opacity = tile.batch[item].layer_opacity;
                    layer = [CLEAR; PIXELS];
                }
                let below = if open == NONE { &mut base } else { &mut layer };
                for (local, below) in below.iter_mut().enumerate() {
                    *below = tile.blend(*below, item, tile.area_at(item, local));
                }
            }
        }
        if open != NONE {
            base = std::array::from_fn(|local| blend_layer(base[local], layer[local], open_opacity));
        }
        for (local, base) in base.into_iter().enumerate() {
            if let Some(pixel) = tile.pixel_in(local, frame) {
                image[pixel] = base;
            }
        }
    }
}
