//! The shaders of the crops, what each is bound to, and the tables that they share with the host.
//!
//! Output: sources, binding tables, layouts. Invariants: a struct here has the fields of its namesake in
//! `shaders/crop_common.wgsl`, in its order and padding. Cost: none.

use crate::gpu::{self, GROUP, Stage, stage};

/// Neighbouring results that one thread of a resize makes: the parts of a vec4.
pub(super) const BLOCK: usize = 4;
/// Side of a [`Tile`] in output pixels.
pub(super) const WARP_TILE: u32 = 16;
/// Value of [`Resize::along`]: each result row is a sum of source rows.
pub(super) const ALONG_ROWS: u32 = 0;
/// Value of [`Resize::along`]: each result column is a sum of source columns.
pub(super) const ALONG_COLUMNS: u32 = 1;
/// Value of [`Warp::edge`]: the border pixel goes on.
pub(super) const EDGE_REPEAT: u32 = 0;
/// Value of [`Warp::edge`]: the fill colour goes on.
pub(super) const EDGE_FILL: u32 = 1;
/// Farther from a plane nothing is told apart.
pub(super) const FAR_PX: f64 = 4_194_304.0;
/// Where a warp's denominator falls below this part of that at its centre, its inverse is not used.
pub(super) const LEAST_NEARNESS: f64 = 0.05;

/// See `shaders/crop_common.wgsl`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct Frame {
    pub mean: [f32; 4],
    pub deviation: [f32; 4],
    pub width: u32,
    pub height: u32,
    pub side: u32,
    pub groups_per_job: u32,
    pub first_job: u32,
    pub jobs: u32,
    pub adds: u32,
    pub padding: u32,
}

/// See `shaders/crop_common.wgsl`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct Resize {
    pub source: u32,
    pub source_width: u32,
    pub result: u32,
    pub columns: u32,
    pub rows: u32,
    pub runs: u32,
    pub along: u32,
    pub padding: u32,
    pub fill: [f32; 4],
}

/// See `shaders/crop_common.wgsl`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct Window {
    pub lines: u32,
    pub span: u32,
    pub left: u32,
    pub top: u32,
    pub right: u32,
    pub bottom: u32,
    pub runs: u32,
    pub square: u32,
}

/// See `shaders/crop_common.wgsl`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct Warp {
    pub source: u32,
    pub source_width: u32,
    pub source_height: u32,
    pub result: u32,
    pub to: u32,
    pub samples: u32,
    pub edge: u32,
    pub tiles: u32,
    pub tiles_x: u32,
    pub scan_all: u32,
    pub padding: [u32; 2],
    pub source_centre: [f32; 2],
    pub centre: [f32; 2],
    pub inverse: [f32; 4],
    pub slope: [f32; 2],
    pub more_padding: [f32; 2],
    pub least: [f32; 2],
    pub most: [f32; 2],
}

/// See `shaders/crop_common.wgsl`.
#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct Tile {
    pub cell: [i32; 2],
    pub part: [f32; 2],
    pub place: [f32; 2],
    pub slope_u: [f32; 2],
    pub slope_v: [f32; 2],
    pub slope_d: [f32; 2],
    pub least: [f32; 2],
    pub most: [f32; 2],
}

fn constants() -> String {
    let unsigned = [
        ("GROUP", GROUP),
        ("BLOCK", BLOCK as u32),
        ("WARP_TILE", WARP_TILE),
        ("ALONG_ROWS", ALONG_ROWS),
        ("ALONG_COLUMNS", ALONG_COLUMNS),
        ("EDGE_REPEAT", EDGE_REPEAT),
        ("EDGE_FILL", EDGE_FILL),
    ];
    gpu::constants(&unsigned, &[("FAR_PX", FAR_PX), ("LEAST_NEARNESS", LEAST_NEARNESS)])
}

pub(super) const RESIZE: Stage =
    stage!("crop_resize", ["resizes", "runs", "weights", "source", "result"], ["crop_common"], constants);
pub(super) const WARP: Stage = stage!("crop_warp", ["warps", "tiles", "fills", "planes"], ["crop_common"], constants);
pub(super) const UNWARP: Stage = stage!("crop_unwarp", ["warps", "tiles", "planes"], ["crop_common"], constants);
pub(super) const NORMALISE: Stage =
    stage!("crop_normalise", ["windows", "planes", "crops"], ["crop_common"], constants);
pub(super) const DENORMALISE: Stage =
    stage!("crop_denormalise", ["windows", "d_crops", "planes"], ["crop_common"], constants);
pub(super) const SUM: Stage =
    stage!("crop_sum", ["windows", "runs", "weights", "lines", "image_grad"], ["crop_common"], constants);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shader_is_valid_bound_as_its_table_says_and_within_what_webgpu_promises() {
        crate::gpu::assert_sound(&[RESIZE, WARP, UNWARP, NORMALISE, DENORMALISE, SUM]);
    }
}
