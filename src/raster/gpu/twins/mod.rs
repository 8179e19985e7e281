//! A twin on the CPU for every shader of the rasterizer: the same algorithm, to be read beside it and tested without a card.
//!
//! Input, output: `<stem>.rs` holds `run`, which takes the frame and the buffers of `shaders/<stem>.wgsl` in binding order.
//! Invariants: a twin computes in f32 and i32 what its shader computes, operation by operation, but a shader's compiler may
//! contract a product and a sum; workgroups are loops, a barrier is the end of a loop, and room taken from a counter is a running
//! sum. Determinism: one thread. Cost: only tests and readers use them.
#![allow(clippy::too_many_arguments, reason = "a twin takes as many buffers as its shader is bound to")]
#![allow(clippy::needless_range_loop, reason = "the index is the shader's thread and goes to several buffers")]

mod backdrop;
mod bin;
mod cells;
mod chain;
mod common;
mod fine_backward;
mod fine_forward;
mod flatten;
mod gather_fills;
mod gather_points;
mod place;
mod reduce_curves;
mod reduce_paths;
#[path = "../../../../tests/gpu/scenes.rs"]
mod scenes;
mod tests;
mod tile;
mod tile_lists;
mod vector;

/// What a test must know of a twin.
struct Twin {
    stem: &'static str,
    /// The names of its buffers, in order.
    buffers: &'static [&'static str],
    source: &'static str,
}

macro_rules! twins {
    ($($stem:ident),* $(,)?) => {
        [$(Twin {
            stem: stringify!($stem),
            buffers: $stem::BUFFERS,
            source: include_str!(concat!(stringify!($stem), ".rs")),
        }),*]
    };
}

/// Every twin.
const TWINS: [Twin; 12] = twins![
    flatten,
    cells,
    bin,
    backdrop,
    place,
    tile_lists,
    fine_forward,
    fine_backward,
    reduce_curves,
    reduce_paths,
    gather_points,
    gather_fills,
];
