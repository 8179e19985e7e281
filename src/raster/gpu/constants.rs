//! The constants that shaders and host share, from one source.
//!
//! Output: WGSL text, and the layouts of the structs that the host fills. Invariants: a struct here has the fields of its
//! namesake in `shaders/common.wgsl`, in its order and padding. Cost: none.

use crate::gpu;
use crate::raster::flatten::{FAR_PX, MAX_PARTS};

/// Side of a tile in pixels.
pub(in crate::raster) const TILE: u32 = 16;
/// Items that a tile draws at once.
pub(in crate::raster) const BATCH: u32 = 8;
/// Threads of a workgroup: a tile's pixels, and what WebGPU allows.
pub(in crate::raster) const GROUP: u32 = TILE * TILE;
/// Threads of a workgroup that serves one path.
pub(in crate::raster) const SMALL_GROUP: u32 = 64;
/// Bits of a winding area behind the point: 2047 windings fit in front of it.
pub(in crate::raster) const FIXED_BITS: u32 = 20;
/// No index.
pub(in crate::raster) const NONE: u32 = u32::MAX;
/// Bits of [`Frame::trained`].
pub(in crate::raster) const TRAINED_POINTS: u32 = 1;
/// See [`TRAINED_POINTS`].
pub(in crate::raster) const TRAINED_OPACITY: u32 = 2;
/// As `Real::SNAP` for f32.
const SNAP: f32 = 1e-5;

/// Places in the buffer of counters.
pub(in crate::raster) mod counter {
    /// Lines.
    pub(in crate::raster) const LINES: usize = 0;
    /// Lines in tiles.
    pub(in crate::raster) const REFS: usize = 1;
    /// Tiles of paths.
    pub(in crate::raster) const CELLS: usize = 2;
    /// Paths in tiles that cover something.
    pub(in crate::raster) const ITEMS: usize = 3;
    /// Batches of items behind the first of their tile.
    pub(in crate::raster) const BATCHES: usize = 4;
    /// Lines in tiles that found their place.
    pub(in crate::raster) const PLACED: usize = 5;
    /// Number of paths minus the first path with a coordinate that is not finite; 0: none.
    pub(in crate::raster) const BAD_PATH: usize = 6;
    /// Number of counters that the twins keep; a card's buffer is longer.
    #[cfg(test)]
    pub(in crate::raster) const COUNT: usize = 7;
}

/// As `Frame` in `shaders/common.wgsl`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub(in crate::raster) struct Frame {
    pub background: [f32; 4],
    pub scale: [f32; 2],
    pub tolerance_px: f32,
    pub trained: u32,
    pub width: u32,
    pub height: u32,
    pub tiles_x: u32,
    pub first_row: u32,
    pub end_row: u32,
    pub curves: u32,
    pub paths: u32,
    pub fills: u32,
    pub points: u32,
    pub line_capacity: u32,
    pub ref_capacity: u32,
    pub cell_capacity: u32,
    pub item_capacity: u32,
    pub batch_capacity: u32,
    pub checkpoint_stride: u32,
    pub unused: u32,
}

/// Bytes of the structs that only shaders fill.
pub(in crate::raster) mod bytes {
    /// `Line`.
    pub(in crate::raster) const LINE: u64 = 32;
    /// `PathCells`.
    pub(in crate::raster) const PATH_CELLS: u64 = 20;
    /// `Item`.
    pub(in crate::raster) const ITEM: u64 = 48;
}

/// The constants as WGSL.
pub(in crate::raster) fn wgsl() -> String {
    let unsigned = [
        ("TILE", TILE),
        ("BATCH", BATCH),
        ("GROUP", GROUP),
        ("SMALL_GROUP", SMALL_GROUP),
        ("AREAS", BATCH * GROUP),
        ("FIXED_BITS", FIXED_BITS),
        ("NONE", NONE),
        ("MAX_PARTS", MAX_PARTS as u32),
        ("TRAINED_POINTS", TRAINED_POINTS),
        ("TRAINED_OPACITY", TRAINED_OPACITY),
        ("LINES", counter::LINES as u32),
        ("REFS", counter::REFS as u32),
        ("CELLS", counter::CELLS as u32),
        ("ITEMS", counter::ITEMS as u32),
        ("BATCHES", counter::BATCHES as u32),
        ("PLACED", counter::PLACED as u32),
        ("BAD_PATH", counter::BAD_PATH as u32),
    ];
    let floats = [("FIXED", f64::from(1u32 << FIXED_BITS)), ("FAR_PX", FAR_PX), ("SNAP", f64::from(SNAP))];
    gpu::constants(&unsigned, &floats)
}
