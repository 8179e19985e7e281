//! What is drawn in each tile, back to front: twin of `shaders/tile_lists.wgsl`.
//!
//! Input: the cells of each path, its fill and group. Output: one item a tile that says where its items are, then the items.
//! Invariants: the list holds at least one item a tile; a tile whose items or checkpoints do not fit is counted and empty.
//! Determinism: tiles and paths in order. Cost: tiles times paths.

use super::super::constants::{BATCH, Frame, NONE, TILE, counter};
use super::common::{Item, PathCells, tiles};
use super::vector::Vec4;

/// Bindings 1, 2, ... of the shader.
pub(super) const BUFFERS: &[&str] = &["path_cells", "paths", "paints", "cells", "winding", "items", "counters"];

/// The path's cell in the tile, or [`NONE`] where it covers nothing of it.
fn cell_in(held: PathCells, column: u32, row: u32, cells: &[[u32; 2]], winding: &[i32]) -> u32 {
    // Wraps around for tiles before the first.
    let x = column.wrapping_sub(held.column);
    let y = row.wrapping_sub(held.row);
    if x >= held.columns || y >= held.rows {
        return NONE;
    }
    let cell = held.first_cell + y * held.columns + x;
    let turned = || (0..TILE).any(|pixel| winding[(cell * TILE + pixel) as usize] != 0);
    if cells[cell as usize][0] > 0 || turned() { cell } else { NONE }
}

pub(super) fn run(
    frame: &Frame,
    path_cells: &[PathCells],
    paths: &[[u32; 4]],
    paints: &[Vec4],
    cells: &[[u32; 2]],
    winding: &[i32],
    items: &mut [Item],
    counters: &mut [u32],
) {
    for tile in 0..tiles(frame) {
        let column = tile % frame.tiles_x;
        let row = frame.first_row + tile / frame.tiles_x;
        let cell_of = |path: u32| cell_in(path_cells[path as usize], column, row, cells, winding);
        let count = (0..frame.paths).filter(|&path| cell_of(path) != NONE).count() as u32;
        let base = tiles(frame) + counters[counter::ITEMS];
        counters[counter::ITEMS] += count;
        let batches = (count.max(1) - 1) / BATCH;
        let first_batch = counters[counter::BATCHES];
        counters[counter::BATCHES] += batches;
        let mut header = Item::default();
        if base + count <= frame.item_capacity && first_batch + batches <= frame.batch_capacity {
            header.cell = base;
            header.first_ref = count;
            header.refs = first_batch;
        }
        items[tile as usize] = header;
        let mut next = base;
        for path in 0..frame.paths {
            let cell = cell_of(path);
            if cell == NONE || next >= frame.item_capacity {
                continue;
            }
            let [fill, even_odd, group, _] = paths[path as usize];
            let layer_opacity = paints[(frame.fills + group) as usize][0];
            let layer = if layer_opacity < 1.0 { group } else { NONE };
            let [refs, first_ref] = cells[cell as usize];
            let rgba = paints[fill as usize];
            items[next as usize] = Item { cell, first_ref, refs, even_odd, rgba, layer, layer_opacity, path };
            next += 1;
        }
    }
}
