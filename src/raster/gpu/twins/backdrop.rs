//! Windings from left to right, and room for each cell's lines: twin of `shaders/backdrop.wgsl`.
//!
//! Input: windings that lines add at one border, and the number of lines of each cell. Output: windings at every border, and the
//! first line of each cell. Invariants: cells of a path lie next to each other. Determinism: sums of integers, paths in order.
//! Cost: one pass over the cells.

use super::super::constants::{Frame, TILE, counter};
use super::common::{PathCells, range};

/// Bindings 1, 2, ... of the shader.
pub(super) const BUFFERS: &[&str] = &["path_cells", "cells", "winding", "counters"];

pub(super) fn run(
    frame: &Frame,
    path_cells: &[PathCells],
    cells: &mut [[u32; 2]],
    winding: &mut [i32],
    counters: &mut [u32],
) {
    for held in &path_cells[..frame.paths as usize] {
        for y in 0..held.rows * TILE {
            let mut sum = 0;
            for cell in range(held.first_cell + (y / TILE) * held.columns, held.columns) {
                let at = cell * TILE as usize + (y % TILE) as usize;
                sum += winding[at];
                winding[at] = sum;
            }
        }
        for cell in &mut cells[range(held.first_cell, held.count())] {
            cell[1] = counters[counter::PLACED];
            counters[counter::PLACED] += cell[0];
        }
    }
}
