//! Cubics to lines within the tolerance: twin of `shaders/flatten.wgsl`.
//!
//! Input: control points. Output: lines, the tiles that each path must hold, and how much room is taken. Invariants: a cubic
//! whose lines do not fit is counted and left out. Determinism: lines lie in the order of the cubics, as if the workgroups of
//! the shader ended one after the other. Cost: two walks along each cubic.

use super::super::constants::{Frame, TRAINED_POINTS, counter};
use super::common::{Line, columns_in_row, rows_between};
use super::vector::{Vec2, vec2};
use crate::raster::flatten::{FAR_PX, MAX_PARTS};

/// Bindings 1, 2, ... of the shader.
pub(super) const BUFFERS: &[&str] = &["points", "curves", "bounds", "lines", "curve_lines", "counters"];

fn raster_from_canvas(point: Vec2, frame: &Frame) -> Vec2 {
    let [x, y] = frame.scale;
    let far = FAR_PX as f32;
    (point * vec2(x, y)).clamp(vec2(-far, -far), vec2(far, far))
}

fn is_finite(point: Vec2) -> bool {
    point.x().is_finite() && point.y().is_finite()
}

#[derive(Clone, Copy, Default)]
struct Cubic {
    c0: Vec2,
    c1: Vec2,
    c2: Vec2,
    c3: Vec2,
    end: Vec2,
}

fn cubic_at(cubic: &Cubic, part: u32, parts: u32) -> Vec2 {
    if part == parts {
        return cubic.end;
    }
    let t = part as f32 * (1.0 / parts as f32);
    cubic.c0 + t * (cubic.c1 + t * (cubic.c2 + t * cubic.c3))
}

/// Into how many lines a cubic is cut, 0: none that matters (Wang 1984).
fn parts_of([p0, p1, p2, p3]: [Vec2; 4], frame: &Frame) -> u32 {
    let low = p0.min(p1).min(p2.min(p3));
    let high = p0.max(p1).max(p2.max(p3));
    if high.y() < 0.0 || low.y() >= frame.height as f32 || low.x() >= frame.width as f32 {
        return 0;
    }
    if high.x() <= 0.0 {
        return 1;
    }
    let bend_a = p0 - 2.0 * p1 + p2;
    let bend_b = p1 - 2.0 * p2 + p3;
    let largest = bend_a.dot(bend_a).max(bend_b.dot(bend_b));
    let parts_squared = 0.75 * largest.sqrt() / frame.tolerance_px;
    (parts_squared.sqrt().ceil() as u32).clamp(1, MAX_PARTS as u32)
}

/// Rows of tiles in which a line is drawn; none where it cannot change the picture.
fn rows_of(a: Vec2, b: Vec2, frame: &Frame) -> [i32; 2] {
    let (low, high) = (a.min(b), a.max(b));
    let outside = low.x() >= frame.width as f32 || high.y() < 0.0 || low.y() >= frame.height as f32;
    let flat = if frame.trained & TRAINED_POINTS != 0 { a == b } else { a.y() == b.y() };
    if outside || flat {
        return [0, 0];
    }
    rows_between(low.y(), high.y(), frame)
}

/// Tiles that a line touches in the picture's part of a row of tiles.
fn refs_in_row([first, last]: [i32; 2], frame: &Frame) -> u32 {
    (last.min(frame.tiles_x as i32 - 1) - first.max(0) + 1).max(0) as u32
}

/// Grows the path's tiles to hold a line; returns the number of tiles that it touches. All four bounds grow from 0.
fn include(bounds: &mut [u32; 4], a: Vec2, b: Vec2, rows: [i32; 2], frame: &Frame) -> u32 {
    let last_column = frame.tiles_x as i32 - 1;
    let (mut refs, mut low, mut high) = (0, last_column, -1);
    for row in rows[0]..rows[1] {
        let columns = columns_in_row(a, b, row, frame);
        low = low.min(columns[0].max(0));
        high = high.max(columns[1].min(last_column));
        refs += refs_in_row(columns, frame);
    }
    bounds[0] = bounds[0].max(frame.tiles_x - low as u32);
    bounds[1] = bounds[1].max(high.max(0) as u32 + 1);
    bounds[2] = bounds[2].max(frame.end_row - rows[0] as u32);
    bounds[3] = bounds[3].max(rows[1] as u32);
    refs
}

pub(super) fn run(
    frame: &Frame,
    points: &[Vec2],
    curves: &[[u32; 4]],
    bounds: &mut [[u32; 4]],
    lines: &mut [Line],
    curve_lines: &mut [[u32; 2]],
    counters: &mut [u32],
) {
    for curve in 0..frame.curves as usize {
        let [path, last_point, ..] = curves[curve];
        let raw = [points[3 * curve], points[3 * curve + 1], points[3 * curve + 2], points[last_point as usize]];
        let [p0, p1, p2, p3] = raw.map(|point| raster_from_canvas(point, frame));
        let bounds = &mut bounds[path as usize];
        let (mut cubic, mut parts) = (Cubic::default(), 0);
        if is_finite(raw[0]) && is_finite(raw[1]) && is_finite(raw[2]) {
            parts = parts_of([p0, p1, p2, p3], frame);
            let (c1, c2) = (3.0 * (p1 - p0), 3.0 * (p2 - p1 - (p1 - p0)));
            cubic = Cubic { c0: p0, c1, c2, c3: p3 - p0 - 3.0 * (p2 - p1), end: p3 };
        } else {
            counters[counter::BAD_PATH] = counters[counter::BAD_PATH].max(frame.paths - path);
        }
        // What reaches beyond the right border covers everything up to it.
        if p0.max(p1).max(p2.max(p3)).x() >= frame.width as f32 {
            bounds[1] = bounds[1].max(frame.tiles_x);
        }
        let mut needs = [0, 0];
        let mut a = p0;
        for part in 0..parts {
            let b = cubic_at(&cubic, part + 1, parts);
            let rows = rows_of(a, b, frame);
            if rows[0] < rows[1] {
                needs = [needs[0] + 1, needs[1] + include(bounds, a, b, rows, frame)];
            }
            a = b;
        }
        let next = [counters[counter::LINES], counters[counter::REFS]];
        let end = [next[0] + needs[0], next[1] + needs[1]];
        (counters[counter::LINES], counters[counter::REFS]) = (end[0], end[1]);
        if end[0] > frame.line_capacity || end[1] > frame.ref_capacity {
            curve_lines[curve] = [0, 0];
            continue;
        }
        curve_lines[curve] = [next[0], needs[0]];
        write_lines(frame, curve as u32, &cubic, parts, [next, end], lines);
    }
}

/// The second walk, now that the cubic has its place.
fn write_lines(
    frame: &Frame,
    curve: u32,
    cubic: &Cubic,
    parts: u32,
    [mut next, end]: [[u32; 2]; 2],
    lines: &mut [Line],
) {
    let mut a = cubic.c0;
    for part in 0..parts {
        let b = cubic_at(cubic, part + 1, parts);
        let rows = rows_of(a, b, frame);
        if rows[0] < rows[1] {
            let refs = (rows[0]..rows[1]).map(|row| refs_in_row(columns_in_row(a, b, row, frame), frame)).sum::<u32>();
            if next[0] < end[0] {
                let (part, held) = (part | (parts << 16), refs.min(end[1] - next[1]));
                lines[next[0] as usize] = Line { start: a, end: b, curve, part, first_ref: next[1], refs: held };
                next = [(next[0] + 1).min(end[0]), (next[1] + refs).min(end[1])];
            }
        }
        a = b;
    }
}
