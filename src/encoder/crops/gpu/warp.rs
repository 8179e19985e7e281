//! A perspective as the card takes it: in single precision, yet as exact as in double.
//!
//! Input: a [`Perspective`]. Output: its [`Warp`] and [`Tile`]s. Formulas: with U = N / D a homography's value at a place,
//! U at a place d further is U + A d / (1 + s d), where A = (N' - U D') / D and s = D' / D; its inverse, counted from the same
//! two places, is B e / (1 + t e) with B = 1 / A and t = -s B (Sherman and Morrison). Counted from the middle of 16 pixels,
//! the numbers are small enough for single precision to be right to some 1e-6 of a pixel. Cost: some hundred operations a tile.

use super::super::perspective::{Edge, Perspective};
use super::stages::{EDGE_FILL, EDGE_REPEAT, FAR_PX, LEAST_NEARNESS, Tile, WARP_TILE, Warp};

/// Added around what samples reach, source pixels; more than rounding.
const SLACK_PX: f64 = 0.25;

/// A homography counted from one place.
struct Local {
    /// The place's image, pixel centres at halves.
    value: [f64; 2],
    nearness: f64,
    /// A, row by row.
    slope: [[f64; 2]; 2],
    /// s.
    slope_d: [f64; 2],
}

impl Local {
    fn new(coefficients: [f64; 8], [x, y]: [f64; 2]) -> Self {
        let [a, b, c, d, e, f, g, h] = coefficients;
        let nearness = g * x + h * y + 1.0;
        let value = [(a * x + b * y + c) / nearness, (d * x + e * y + f) / nearness];
        let [u, v] = value;
        let slope = [[a - u * g, b - u * h], [d - v * g, e - v * h]].map(|row| row.map(|value| value / nearness));
        Self { value, nearness, slope, slope_d: [g, h].map(|value| value / nearness) }
    }
}

fn single(values: [f64; 2]) -> [f32; 2] {
    values.map(|value| value as f32)
}

fn corners([x0, y0]: [f64; 2], [x1, y1]: [f64; 2]) -> [[f64; 2]; 4] {
    [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
}

/// What the quadrangle of `at` shows of the source, pixel centres at whole numbers; all of it if a horizon crosses it.
fn reach(at: &[Local; 4], nearness: f64) -> ([f64; 2], [f64; 2]) {
    let (mut least, mut most) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    for corner in at {
        if corner.nearness.is_nan() || corner.nearness / nearness < LEAST_NEARNESS {
            return ([-FAR_PX; 2], [FAR_PX; 2]);
        }
        for ((least, most), value) in least.iter_mut().zip(&mut most).zip(corner.value) {
            (*least, *most) = (least.min(value - 0.5 - SLACK_PX), most.max(value - 0.5 + SLACK_PX));
        }
    }
    (least.map(|value| value.max(-FAR_PX)), most.map(|value| value.min(FAR_PX)))
}

/// The warp of the plane at `source` into the one at `result`; its tiles are appended to `tiles`.
pub(super) fn warp_of(perspective: &Perspective, source: u32, result: u32, tiles: &mut Vec<Tile>) -> Warp {
    let (coefficients, to) = (perspective.coefficients, perspective.to);
    let local = |place| Local::new(coefficients, place);
    let first_tile = tiles.len() as u32;
    let starts = || (0..to).step_by(WARP_TILE as usize);
    for y in starts() {
        tiles.extend(starts().map(|x| tile_of(perspective, [x, y].map(|start| start as f64))));
    }
    let centre = [0.5 * to as f64; 2];
    let middle = local(centre);
    let (least, most) = reach(&corners([0.0; 2], [to as f64; 2]).map(local), middle.nearness);
    let [[a, b], [c, d]] = middle.slope;
    let determinant = a * d - b * c;
    let inverse = [[d, -b], [-c, a]].map(|row| row.map(|value| value / determinant));
    let [[k, l], [m, n]] = inverse;
    let [g, h] = middle.slope_d;
    let slope = [-(g * k + h * m), -(g * l + h * n)];
    let usable = inverse.as_flattened().iter().chain(&slope).all(|value| value.is_finite() && value.abs() < FAR_PX);
    let bounded = least.iter().chain(&most).all(|value| value.abs() < FAR_PX);
    Warp {
        source,
        source_width: perspective.from_width as u32,
        source_height: perspective.from_height as u32,
        result,
        to: to as u32,
        samples: perspective.samples as u32,
        edge: if perspective.edge == Edge::Repeat { EDGE_REPEAT } else { EDGE_FILL },
        tiles: first_tile,
        tiles_x: (to as u32).div_ceil(WARP_TILE),
        scan_all: u32::from(!(usable && bounded)),
        padding: [0; 2],
        source_centre: single(middle.value.map(|value| value - 0.5)),
        centre: single(centre),
        inverse: [k, l, m, n].map(|value| value as f32),
        slope: single(slope),
        more_padding: [0.0; 2],
        least: single(least),
        most: single(most),
    }
}

fn tile_of(perspective: &Perspective, start: [f64; 2]) -> Tile {
    let end = start.map(|at| (at + f64::from(WARP_TILE)).min(perspective.to as f64));
    let [x, y] = start;
    let [x1, y1] = end;
    let middle = [0.5 * (x + x1), 0.5 * (y + y1)];
    let places = corners(start, end);
    let at = places.map(|place| Local::new(perspective.coefficients, place));
    let size = |local: &Local| local.nearness.abs();
    let largest = at.iter().map(size).fold(0.0, f64::max);
    // Near a horizon the middle may lie on it; there the corner that is farthest from it serves.
    let from_middle = (middle, Local::new(perspective.coefficients, middle));
    let (least, most) = reach(&at, from_middle.1.nearness);
    let mut candidates = std::iter::once(from_middle).chain(places.into_iter().zip(at));
    let found = candidates.find(|(_, local)| size(local) >= 0.9 * largest);
    let (place, local) = found.unwrap_or_else(|| (middle, Local::new(perspective.coefficients, middle)));
    let value = local.value.map(|value| (value - 0.5).clamp(-FAR_PX, FAR_PX));
    let [slope_u, slope_v] = local.slope.map(single);
    Tile {
        cell: value.map(|value| value.floor() as i32),
        part: single(value.map(|value| value - value.floor())),
        place: single(place),
        slope_u,
        slope_v,
        slope_d: single(local.slope_d),
        least: single(least),
        most: single(most),
    }
}
