//! The moments of a cubic's lines to its four control points: twin of `shaders/reduce_curves.wgsl`.
//!
//! Input: moments of lines in tiles. Output: four derivatives a cubic, in raster pixels, added to those of earlier strips.
//! Invariants: exact for the cubic that a line stands for. Determinism: lines in order, tiles of a line in order. Cost: one
//! pass over the slots of lines.

use super::super::constants::Frame;
use super::common::{Line, range};
use super::vector::{Vec2, Vec4, vec2, vec4};

/// Bindings 1, 2, ... of the shader.
pub(super) const BUFFERS: &[&str] = &["curve_lines", "lines", "moments", "curve_grads"];

/// Moments in the line's own parameter to moments in the cubic's, by the binomial theorem.
fn curve_moments(m: Vec4, part: u32, parts: u32) -> Vec4 {
    let h = 1.0 / parts as f32;
    let s = part as f32 * h;
    let n1 = h * m[1];
    let n2 = h * h * m[2];
    let n3 = h * h * h * m[3];
    vec4(m[0], s * m[0] + n1, s * (s * m[0] + 2.0 * n1) + n2, s * (s * (s * m[0] + 3.0 * n1) + 3.0 * n2) + n3)
}

/// Power basis to Bernstein basis.
fn bernstein(t: Vec4) -> Vec4 {
    vec4(t[0] - t[3] - 3.0 * (t[1] - t[2]), 3.0 * (t[1] + t[3] - 2.0 * t[2]), 3.0 * (t[2] - t[3]), t[3])
}

pub(super) fn run(frame: &Frame, curve_lines: &[[u32; 2]], lines: &[Line], moments: &[Vec4], curve_grads: &mut [Vec2]) {
    for curve in 0..frame.curves as usize {
        let (mut x, mut y) = (Vec4::ZERO, Vec4::ZERO);
        let [first, count] = curve_lines[curve];
        for line in &lines[range(first, count)] {
            let slots = &moments[range(line.first_ref, line.refs)];
            let sum = slots.iter().fold(Vec4::ZERO, |sum, &moment| sum + moment);
            let moment = curve_moments(sum, line.part & 0xffff, line.part >> 16);
            let delta = line.end - line.start;
            x -= moment * delta.y();
            y += moment * delta.x();
        }
        let (x, y) = (bernstein(x), bernstein(y));
        for point in 0..4 {
            curve_grads[4 * curve + point] += vec2(x[point], y[point]);
        }
    }
}
