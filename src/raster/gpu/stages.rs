//! The shaders of the rasterizer and what each is bound to.
//!
//! Output: sources and binding tables. Invariants: binding 0 is the [`super::constants::Frame`], the others are storage buffers
//! in the order of the table; a test reads the shaders and holds them to it. Cost: none.

use super::constants;
use crate::gpu::{Stage, stage};

/// Stages of the way there, in order.
pub(super) const FORWARD: [Stage; 7] = [FLATTEN, CELLS, BIN, BACKDROP, PLACE, TILE_LISTS, FINE_FORWARD];
/// Stages of the way back for one strip, in order.
pub(super) const BACKWARD: [Stage; 3] = [FINE_BACKWARD, REDUCE_CURVES, REDUCE_PATHS];
/// Stages that end the way back, once for all strips.
pub(super) const GATHER: [Stage; 2] = [GATHER_POINTS, GATHER_PAINTS];

pub(super) const FLATTEN: Stage = stage!(
    "flatten",
    ["points", "curves", "bounds", "lines", "curve_lines", "counters"],
    ["common", "prefix"],
    constants::wgsl
);
pub(super) const CELLS: Stage =
    stage!("cells", ["bounds", "path_cells", "counters"], ["common", "prefix"], constants::wgsl);
pub(super) const BIN: Stage = stage!(
    "bin",
    ["lines", "curves", "path_cells", "counters", "cells", "winding", "refs"],
    ["common"],
    constants::wgsl
);
pub(super) const BACKDROP: Stage =
    stage!("backdrop", ["path_cells", "cells", "winding", "counters"], ["common"], constants::wgsl);
pub(super) const PLACE: Stage =
    stage!("place", ["lines", "refs", "cells", "counters", "cell_lines"], ["common"], constants::wgsl);
pub(super) const TILE_LISTS: Stage = stage!(
    "tile_lists",
    ["path_cells", "paths", "paints", "cells", "winding", "items", "counters"],
    ["common", "prefix"],
    constants::wgsl
);
pub(super) const FINE_FORWARD: Stage = stage!(
    "fine_forward",
    ["items", "winding", "cell_lines", "lines", "checkpoints", "image"],
    ["common", "tile"],
    constants::wgsl
);
pub(super) const FINE_BACKWARD: Stage = stage!(
    "fine_backward",
    ["items", "winding", "cell_lines", "lines", "checkpoints", "image_grad", "moments", "cell_grads"],
    ["common", "tile"],
    constants::wgsl
);
pub(super) const REDUCE_CURVES: Stage =
    stage!("reduce_curves", ["curve_lines", "lines", "moments", "curve_grads"], ["common"], constants::wgsl);
pub(super) const GATHER_POINTS: Stage =
    stage!("gather_points", ["curves", "curve_grads", "point_grads"], ["common"], constants::wgsl);
pub(super) const REDUCE_PATHS: Stage =
    stage!("reduce_paths", ["path_cells", "cell_grads", "path_grads"], ["common"], constants::wgsl);
pub(super) const GATHER_PAINTS: Stage =
    stage!("gather_fills", ["fill_paths", "path_grads", "fill_grads"], ["common"], constants::wgsl);

/// Every stage, in the order of an iteration.
#[cfg(test)]
pub(in crate::raster) fn all() -> impl Iterator<Item = Stage> {
    FORWARD.into_iter().chain(BACKWARD).chain(GATHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shader_is_valid_bound_as_its_table_says_and_within_what_webgpu_promises() {
        crate::gpu::assert_sound(&all().collect::<Vec<_>>());
    }
}
