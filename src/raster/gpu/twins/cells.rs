//! The tiles that each path may touch: twin of `shaders/cells.wgsl`.
//!
//! Input: bounds of paths, grown from 0. Output: their tiles and where their cells begin. Invariants: a path whose cells do not
//! fit is counted and has none. Determinism: cells lie in the order of the paths. Cost: one pass over the paths.

use super::super::constants::{Frame, counter};
use super::common::PathCells;

/// Bindings 1, 2, ... of the shader.
pub(super) const BUFFERS: &[&str] = &["bounds", "path_cells", "counters"];

pub(super) fn run(frame: &Frame, bounds: &[[u32; 4]], path_cells: &mut [PathCells], counters: &mut [u32]) {
    for path in 0..frame.paths as usize {
        let mut cells = PathCells::default();
        let grown = bounds[path];
        if grown[0] > 0 && grown[1] > 0 && grown[2] > 0 {
            cells.column = frame.tiles_x - grown[0];
            cells.columns = grown[1] - cells.column;
            cells.row = frame.end_row - grown[2];
            cells.rows = grown[3] - cells.row;
        }
        let end = counters[counter::CELLS] + cells.count();
        cells.first_cell = counters[counter::CELLS];
        counters[counter::CELLS] = end;
        if end > frame.cell_capacity {
            cells = PathCells::default();
        }
        path_cells[path] = cells;
    }
}
