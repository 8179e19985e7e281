//! The shaders of the rasterizer and what each is bound to.
//!
//! Output: sources and binding tables. Invariants: binding 0 is the [`super::constants::Frame`], the others are storage buffers
//! in the order of the table; a test reads the shaders and holds them to it. Cost: none.

use super::constants;
use crate::gpu::Shader;

/// One stage: a shader and the buffers behind its bindings 1, 2, ...
#[derive(Clone, Copy, Debug)]
pub(in crate::raster) struct Stage {
    pub shader: Shader,
    pub buffers: &'static [&'static str],
}

/// Stages of the way there, in order.
pub(super) const FORWARD: [Stage; 7] = [FLATTEN, CELLS, BIN, BACKDROP, PLACE, TILE_LISTS, FINE_FORWARD];
/// Stages of the way back for one strip, in order.
pub(super) const BACKWARD: [Stage; 3] = [FINE_BACKWARD, REDUCE_CURVES, REDUCE_PATHS];
/// Stages that end the way back, once for all strips.
pub(super) const GATHER: [Stage; 2] = [GATHER_POINTS, GATHER_PAINTS];

macro_rules! stage {
    ($stem:literal, [$($buffer:literal),*], [$($part:literal),*]) => {
        Stage {
            shader: Shader {
                name: $stem,
                source: || {
                    let mut text = constants::wgsl();
                    $(text += include_str!(concat!("../../../shaders/", $part, ".wgsl"));)*
                    text + include_str!(concat!("../../../shaders/", $stem, ".wgsl"))
                },
            },
            buffers: &[$($buffer),*],
        }
    };
}

pub(super) const FLATTEN: Stage =
    stage!("flatten", ["points", "curves", "bounds", "lines", "curve_lines", "counters"], ["common"]);
pub(super) const CELLS: Stage = stage!("cells", ["bounds", "path_cells", "counters"], ["common"]);
pub(super) const BIN: Stage =
    stage!("bin", ["lines", "curves", "path_cells", "counters", "cells", "winding", "refs"], ["common"]);
pub(super) const BACKDROP: Stage = stage!("backdrop", ["path_cells", "cells", "winding", "counters"], ["common"]);
pub(super) const PLACE: Stage = stage!("place", ["lines", "refs", "cells", "counters", "cell_lines"], ["common"]);
pub(super) const TILE_LISTS: Stage =
    stage!("tile_lists", ["path_cells", "paths", "paints", "cells", "winding", "items", "counters"], ["common"]);
pub(super) const FINE_FORWARD: Stage =
    stage!("fine_forward", ["items", "winding", "cell_lines", "lines", "checkpoints", "image"], ["common", "tile"]);
pub(super) const FINE_BACKWARD: Stage = stage!(
    "fine_backward",
    ["items", "winding", "cell_lines", "lines", "checkpoints", "image_grad", "moments", "cell_grads"],
    ["common", "tile"]
);
pub(super) const REDUCE_CURVES: Stage =
    stage!("reduce_curves", ["curve_lines", "lines", "moments", "curve_grads"], ["common"]);
pub(super) const GATHER_POINTS: Stage = stage!("gather_points", ["curves", "curve_grads", "point_grads"], ["common"]);
pub(super) const REDUCE_PATHS: Stage = stage!("reduce_paths", ["path_cells", "cell_grads", "path_grads"], ["common"]);
pub(super) const GATHER_PAINTS: Stage =
    stage!("gather_paints", ["paint_paths", "path_grads", "paint_grads"], ["common"]);

/// Every stage, in the order of an iteration.
pub(in crate::raster) fn all() -> impl Iterator<Item = Stage> {
    FORWARD.into_iter().chain(BACKWARD).chain(GATHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validated(stage: &Stage) -> naga::Module {
        let source = (stage.shader.source)();
        let module = naga::front::wgsl::parse_str(&source)
            .unwrap_or_else(|error| panic!("{}", error.emit_to_string_with_path(&source, stage.shader.name)));
        let (flags, capabilities) = (naga::valid::ValidationFlags::all(), naga::valid::Capabilities::empty());
        naga::valid::Validator::new(flags, capabilities)
            .validate(&module)
            .unwrap_or_else(|error| panic!("{}", error.emit_to_string_with_path(&source, stage.shader.name)));
        module
    }

    #[test]
    fn every_shader_is_valid_and_bound_as_its_table_says() {
        for stage in all() {
            let module = validated(&stage);
            let mut bound = module
                .global_variables
                .iter()
                .filter_map(|(_, variable)| Some((variable.binding?.binding, variable.name.clone()?)))
                .collect::<Vec<_>>();
            bound.sort();
            let names = std::iter::once("frame").chain(stage.buffers.iter().copied());
            let expected = (0..).zip(names.map(str::to_owned)).collect::<Vec<(u32, String)>>();
            assert_eq!(bound, expected, "bindings of {}", stage.shader.name);
            assert!(stage.buffers.len() <= 8, "{} asks for more buffers than WebGPU promises", stage.shader.name);
        }
    }

    #[test]
    fn no_workgroup_asks_for_more_memory_than_webgpu_promises() {
        for stage in all() {
            let module = validated(&stage);
            let mut layouter = naga::proc::Layouter::default();
            layouter.update(module.to_ctx()).unwrap();
            let bytes = module
                .global_variables
                .iter()
                .filter(|(_, variable)| variable.space == naga::AddressSpace::WorkGroup)
                .map(|(_, variable)| layouter[variable.ty].size)
                .sum::<u32>();
            assert!(bytes <= 16_384, "{} uses {bytes} bytes a workgroup", stage.shader.name);
        }
    }
}
