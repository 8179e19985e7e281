//! dL/d(fill) from the paths that share it, and dL/d(opacity) of groups: twin of `shaders/gather_paints.wgsl`.
//!
//! Input: two derivatives a path. Output: one a fill, then one a group. Invariants: a fill that no path uses gets 0.
//! Determinism: paths in order. Cost: one pass over the paths.

use super::super::constants::Frame;
use super::vector::Vec4;

/// Bindings 1, 2, ... of the shader.
pub(super) const BUFFERS: &[&str] = &["paint_paths", "path_grads", "paint_grads"];

pub(super) fn run(frame: &Frame, paint_paths: &[u32], path_grads: &[Vec4], paint_grads: &mut [Vec4]) {
    let paints = (frame.fills + frame.groups) as usize;
    for paint in 0..paints {
        let part = usize::from(paint >= frame.fills as usize);
        let mut sum = Vec4::ZERO;
        for at in paint_paths[paint]..paint_paths[paint + 1] {
            let path = paint_paths[paints + 1 + at as usize];
            sum += path_grads[2 * path as usize + part];
        }
        paint_grads[paint] = sum;
    }
}
