//! Each cell's lines next to each other: twin of `shaders/place.wgsl`.
//!
//! Input: for each line and tile the cell and which of its lines. Output: for each of a cell's lines the line, and the slot that
//! its moments go to. Invariants: no place is written twice. Determinism: here the lines of a cell are in order; on a card they
//! are not, and nothing depends on it. Cost: a step a line and tile.

use super::super::constants::{Frame, NONE, counter};
use super::common::{Line, lines_fit, range};

/// Bindings 1, 2, ... of the shader.
pub(super) const BUFFERS: &[&str] = &["lines", "refs", "cells", "counters", "cell_lines"];

pub(super) fn run(
    frame: &Frame,
    lines: &[Line],
    refs: &[[u32; 2]],
    cells: &[[u32; 2]],
    counters: &[u32],
    cell_lines: &mut [[u32; 2]],
) {
    if !lines_fit(frame, counters) {
        return;
    }
    for index in 0..counters[counter::LINES] {
        let line = lines[index as usize];
        for slot in range(line.first_ref, line.refs) {
            let [cell, at] = refs[slot];
            if cell != NONE {
                cell_lines[(cells[cell as usize][1] + at) as usize] = [index, slot as u32];
            }
        }
    }
}
