//! dL/d(fill) from the paths that share it: twin of `shaders/gather_fills.wgsl`.
//!
//! Input: a derivative a path. Output: one a fill. Invariants: a fill that no path uses gets 0. Determinism: paths in order.
//! Cost: one pass over the paths.

use super::super::constants::Frame;
use super::vector::Vec4;

/// Bindings 1, 2, ... of the shader.
pub(super) const BUFFERS: &[&str] = &["fill_paths", "path_grads", "fill_grads"];

pub(super) fn run(frame: &Frame, fill_paths: &[u32], path_grads: &[Vec4], fill_grads: &mut [Vec4]) {
    let fills = frame.fills as usize;
    for fill in 0..fills {
        let mut sum = Vec4::ZERO;
        for at in fill_paths[fill]..fill_paths[fill + 1] {
            sum += path_grads[fill_paths[fills + 1 + at as usize] as usize];
        }
        fill_grads[fill] = sum;
    }
}
