//! dL/d(control point) from the cubics it belongs to: twin of `shaders/gather_points.wgsl`.
//!
//! Input: four derivatives a cubic, in raster pixels. Output: one a control point, in canvas pixels. Invariants: cubic c begins
//! at point 3c. Determinism: the cubic that begins at a point, then the one that ends there. Cost: one pass over the points.

use super::super::constants::Frame;
use super::vector::{Vec2, Vector};

/// Bindings 1, 2, ... of the shader.
pub(super) const BUFFERS: &[&str] = &["curves", "curve_grads", "point_grads"];

pub(super) fn run(frame: &Frame, curves: &[[u32; 4]], curve_grads: &[Vec2], point_grads: &mut [Vec2]) {
    for point in 0..frame.points as usize {
        let curve = point / 3;
        let which = point % 3;
        let mut grad = curve_grads[4 * curve + which];
        if which == 0 {
            grad += curve_grads[4 * curves[curve][2] as usize + 3];
        }
        point_grads[point] = grad * Vector(frame.scale);
    }
}
