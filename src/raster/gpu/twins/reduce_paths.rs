//! dL/d(fill, opacity) of each path from its cells: twin of `shaders/reduce_paths.wgsl`.
//!
//! Input: a derivative a cell. Output: one a path, added to those of earlier strips. Invariants: a path without cells has
//! none. Determinism: every 64th cell, then a tree, as the threads of the shader add. Cost: one pass over the cells.

use super::super::constants::{Frame, SMALL_GROUP};
use super::common::{PathCells, range};
use super::vector::Vec4;

/// Bindings 1, 2, ... of the shader.
pub(super) const BUFFERS: &[&str] = &["path_cells", "cell_grads", "path_grads"];

const THREADS: usize = SMALL_GROUP as usize;

pub(super) fn run(frame: &Frame, path_cells: &[PathCells], cell_grads: &[Vec4], path_grads: &mut [Vec4]) {
    for (path, held) in path_cells[..frame.paths as usize].iter().enumerate() {
        let mut fills = [Vec4::ZERO; THREADS];
        for (at, cell) in range(held.first_cell, held.count()).enumerate() {
            fills[at % THREADS] += cell_grads[cell];
        }
        let mut half = THREADS / 2;
        while half > 0 {
            for local in 0..half {
                fills[local] += fills[local + half];
            }
            half /= 2;
        }
        path_grads[path] += fills[0];
    }
}
