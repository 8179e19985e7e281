//! Lines to the tiles they touch, and their winding to the tiles right of them: twin of `shaders/bin.wgsl`.
//!
//! Input: lines and the cells of their paths. Output: for each line and tile the cell and which of its lines; winding at the
//! left border of each row of pixels of a cell. Invariants: a line takes the slots that it was given and no more.
//! Determinism: windings are sums of integers. Cost: a step a line and tile, and 16 a row of tiles.

use super::super::constants::{Frame, NONE, TILE, counter};
use super::common::{
    Line, PathCells, columns_in_row, fixed_height, lines_fit, pixel_rows, rows_between, winding_in_row,
};

/// Bindings 1, 2, ... of the shader.
pub(super) const BUFFERS: &[&str] = &["lines", "curves", "path_cells", "counters", "cells", "winding", "refs"];

pub(super) fn run(
    frame: &Frame,
    lines: &[Line],
    curves: &[[u32; 4]],
    path_cells: &[PathCells],
    counters: &[u32],
    cells: &mut [[u32; 2]],
    winding: &mut [i32],
    refs: &mut [[u32; 2]],
) {
    if !lines_fit(frame, counters) {
        return;
    }
    for line in &lines[..counters[counter::LINES] as usize] {
        let held = path_cells[curves[line.curve as usize][0] as usize];
        let end = line.first_ref + line.refs;
        let mut slot = line.first_ref;
        let (from, to) = (line.start, line.end);
        let rows = rows_between(from.y().min(to.y()), from.y().max(to.y()), frame);
        let first_column = held.column as i32;
        let end_column = (held.column + held.columns) as i32;
        for row in rows[0].max(held.row as i32)..rows[1].min((held.row + held.rows) as i32) {
            let columns = columns_in_row(from, to, row, frame);
            let row_cell = held.first_cell as i32 + (row - held.row as i32) * held.columns as i32 - first_column;
            for column in columns[0].max(first_column)..=columns[1].min(end_column - 1) {
                if slot < end {
                    let cell = (row_cell + column) as usize;
                    refs[slot as usize] = [cell as u32, cells[cell][0]];
                    cells[cell][0] += 1;
                    slot += 1;
                }
            }
            let behind = (columns[1] + 1).max(first_column);
            if behind < end_column {
                let top = row as f32 * TILE as f32;
                let from_y = fixed_height(from.y(), top);
                let to_y = fixed_height(to.y(), top);
                let at = (row_cell + behind) as usize * TILE as usize;
                for y in pixel_rows(from_y, to_y) {
                    winding[at + y as usize] += winding_in_row(from_y, to_y, y);
                }
            }
        }
        refs[slot as usize..end as usize].fill([NONE, 0]);
    }
}
