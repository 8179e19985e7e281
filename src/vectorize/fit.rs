//! Smooth closed cubics from pixel outlines.
//!
//! Input: a closed outline on the pixel lattice. Output: a closed chain of cubics, `3 n` points. Invariants: at least
//! two cubics; all numbers finite; the curve stays within the tolerance of the smoothed outline. Determinism: pure.
//! Cost: about linear in outline length (Schneider's fit in blocks, "An algorithm for automatically fitting digitized
//! curves", Graphics Gems 1990, as built in `visioncortex`).
//!
//! The outline is first turned into the middles of its unit edges: this removes the staircase without the outward
//! bias that keeping only outer corners has. Corners between two straight runs keep their lattice point, so that
//! rectangles stay rectangles.

use visioncortex::{PointF64, SubdivideSmooth};

use super::outline::Outline;
use super::settings::Tuning;

/// Straight runs of at least this many pixels on both sides make a lattice corner.
const CORNER_RUN: usize = 3;
/// Longer runs are straight edges, not part of a slope.
const LONGEST_SLOPE_RUN: usize = 12;
/// Knots to each side over which a turn is measured.
const TURN_REACH: usize = 3;
/// Weights of Taubin's smoothing, which shrinks nothing ("Curve and surface smoothing without shrinkage", 1995).
const SMOOTHING: [f64; 6] = [0.5, -0.53, 0.5, -0.53, 0.5, -0.53];

#[derive(Clone, Copy, Debug, PartialEq)]
struct Knot {
    at: PointF64,
    is_corner: bool,
}

/// The closed chain of cubics for `outline`.
pub(super) fn fit(outline: &Outline, tuning: &Tuning) -> Vec<[f32; 2]> {
    let mut knots = knots(outline);
    smooth(&mut knots);
    mark_turns(&mut knots, tuning.corner_cosine);
    let cuts = cuts(&knots);
    let mut points = Vec::new();
    for (index, &from) in cuts.iter().enumerate() {
        let to = cuts.get(index + 1).copied().unwrap_or(cuts.first().map_or(0, |&first| first + knots.len()));
        let piece: Vec<PointF64> =
            (from..=to).filter_map(|at| knots.get(at % knots.len())).map(|knot| knot.at).collect();
        fit_piece(&piece, tuning.tolerance, &mut points);
    }
    points
}

/// Middles of the unit edges, and lattice corners between long runs. The runs of a digitised slope give one knot
/// each: the middles of its runs and steps lie on the line itself, however shallow it is.
fn knots(outline: &Outline) -> Vec<Knot> {
    let runs = runs(outline);
    let is_pixel = outline.len() <= 4;
    let mut knots = Vec::with_capacity(outline.len());
    let before = runs.iter().cycle().skip(runs.len().saturating_sub(1));
    let after = runs.iter().cycle().skip(1);
    for ((run, before), after) in runs.iter().zip(before).zip(after) {
        let [x, y] = run.start.map(f64::from);
        if is_pixel || (run.length >= CORNER_RUN && before.length >= CORNER_RUN) {
            knots.push(Knot { at: PointF64 { x, y }, is_corner: true });
        }
        let [dx, dy] = run.heading.map(f64::from);
        let mut push = |at: f64| knots.push(Knot { at: PointF64 { x: x + at * dx, y: y + at * dy }, is_corner: false });
        let is_slope = before.heading == after.heading
            && before.length == 1
            && after.length == 1
            && run.length <= LONGEST_SLOPE_RUN;
        if is_slope {
            push(0.5 * run.length as f64);
        } else {
            (0..run.length).for_each(|step| push(step as f64 + 0.5));
        }
    }
    knots
}

/// A straight stretch of an outline.
struct Run {
    start: [i32; 2],
    heading: [i32; 2],
    length: usize,
}

fn runs(outline: &Outline) -> Vec<Run> {
    let count = outline.len();
    let at = |index: usize| outline.get(index % count.max(1)).copied().unwrap_or_default();
    let heading = |index: usize| {
        let ([xa, ya], [xb, yb]) = (at(index), at(index + 1));
        [xb - xa, yb - ya]
    };
    let first = (0..count).find(|&index| heading(index + count - 1) != heading(index)).unwrap_or(0);
    let mut runs: Vec<Run> = Vec::new();
    for index in first..first + count {
        match runs.last_mut() {
            Some(run) if run.heading == heading(index) => run.length += 1,
            _ => runs.push(Run { start: at(index), heading: heading(index), length: 1 }),
        }
    }
    runs
}

fn smooth(knots: &mut [Knot]) {
    let count = knots.len();
    for weight in SMOOTHING {
        let old: Vec<PointF64> = knots.iter().map(|knot| knot.at).collect();
        let at = |index: usize| old.get(index % count).copied().unwrap_or_default();
        for (index, knot) in knots.iter_mut().enumerate().filter(|(_, knot)| !knot.is_corner) {
            let middle = (at(index + count - 1) + at(index + 1)) * 0.5;
            knot.at = knot.at + (middle - knot.at) * weight;
        }
    }
}

/// Marks the sharpest point of every turn beyond the threshold.
fn mark_turns(knots: &mut [Knot], corner_cosine: f64) {
    let count = knots.len();
    if count < 4 * TURN_REACH {
        return;
    }
    let at = |index: usize| knots.get(index % count).map_or(PointF64::default(), |knot| knot.at);
    let cosines: Vec<f64> = (0..count)
        .map(|index| {
            let (before, after) = (at(index) - at(index + count - TURN_REACH), at(index + TURN_REACH) - at(index));
            let lengths = before.norm() * after.norm();
            if lengths > 0.0 { before.dot(after) / lengths } else { 1.0 }
        })
        .collect();
    for index in 0..count {
        let cosine = cosines.get(index).copied().unwrap_or(1.0);
        let around = (count - TURN_REACH..=count + TURN_REACH).map(|shift| (index + shift) % count);
        let is_sharpest = around.clone().all(|other| {
            let value = cosines.get(other).copied().unwrap_or(1.0);
            cosine < value || (cosine == value && index <= other)
        });
        let is_free = around.clone().all(|other| knots.get(other).is_some_and(|knot| !knot.is_corner));
        if cosine < corner_cosine
            && is_sharpest
            && is_free
            && let Some(knot) = knots.get_mut(index)
        {
            knot.is_corner = true;
        }
    }
}

/// Where the closed chain is cut into pieces: at corners, and at two far points when there are fewer than two.
fn cuts(knots: &[Knot]) -> Vec<usize> {
    let mut cuts: Vec<usize> =
        (0..knots.len()).filter(|&at| knots.get(at).is_some_and(|knot| knot.is_corner)).collect();
    let farthest_from = |from: PointF64| {
        let mut best = (0, -1.0);
        for (index, knot) in knots.iter().enumerate() {
            let distance = (knot.at - from).norm();
            if distance > best.1 {
                best = (index, distance);
            }
        }
        best.0
    };
    if cuts.is_empty() {
        let center = knots.first().map_or(PointF64::default(), |knot| knot.at);
        cuts.push(farthest_from(center));
    }
    if let &[only] = cuts.as_slice() {
        let far = farthest_from(knots.get(only).map_or(PointF64::default(), |knot| knot.at));
        cuts.push(if far == only { (only + knots.len() / 2) % knots.len() } else { far });
        cuts.sort_unstable();
    }
    cuts
}

/// Fits one open piece and appends it without its last point, which the next piece begins with.
fn fit_piece(piece: &[PointF64], tolerance: f64, points: &mut Vec<[f32; 2]>) {
    let (Some(&first), Some(&last)) = (piece.first(), piece.last()) else { return };
    let mut push = |point: PointF64| points.push([point.x as f32, point.y as f32]);
    if is_straight(piece, first, last, tolerance) {
        let step = (last - first) * (1.0 / 3.0);
        push(first);
        push(first + step);
        push(first + step + step);
        return;
    }
    for curve in SubdivideSmooth::fit_points_with_beziers(piece, tolerance) {
        let [start, mut near, mut far, end] = curve;
        let reach = (end - start).norm() + tolerance;
        let is_tame = |handle: PointF64, anchor: PointF64| (handle - anchor).norm() <= reach;
        if !is_tame(near, start) || !is_tame(far, end) {
            let step = (end - start) * (1.0 / 3.0);
            (near, far) = (start + step, end - step);
        }
        push(start);
        push(near);
        push(far);
    }
}

fn is_straight(piece: &[PointF64], first: PointF64, last: PointF64, tolerance: f64) -> bool {
    let chord = last - first;
    let length = chord.norm();
    if length == 0.0 {
        return false;
    }
    let limit = 0.5 * tolerance * length;
    piece.iter().all(|&point| {
        let offset = point - first;
        (offset.x * chord.y - offset.y * chord.x).abs() <= limit
    })
}

#[cfg(test)]
mod tests {
    use super::super::settings::Settings;
    use super::*;

    fn rectangle(width: i32, height: i32) -> Outline {
        let mut outline = Vec::new();
        outline.extend((0..width).map(|x| [x, 0]));
        outline.extend((0..height).map(|y| [width, y]));
        outline.extend((0..width).map(|x| [width - x, height]));
        outline.extend((0..height).map(|y| [0, height - y]));
        outline
    }

    /// The outline of the pixels whose centres satisfy `is_inside`, by tracing a label map.
    fn outline_of(size: usize, is_inside: impl Fn(f64, f64) -> bool) -> Outline {
        use super::super::outline::trace;
        use super::super::regions::{Colors, connected};
        let label = |i: usize| u16::from(is_inside((i % size) as f64 + 0.5, (i / size) as f64 + 0.5));
        let labels: Vec<u16> = (0..size * size).map(label).collect();
        let colors = vec![[0.5; 3]; labels.len()];
        let regions = connected(&labels, size, &Colors { lab: &colors, rgb: &colors });
        trace(&regions, 0, [true; 4], false).pop().unwrap().outlines.remove(0)
    }

    fn flatten(points: &[[f32; 2]]) -> Vec<[f64; 2]> {
        let p = |i: usize| points[i % points.len()].map(f64::from);
        let mut line = Vec::new();
        for segment in 0..points.len() / 3 {
            for step in 0..16 {
                let t = f64::from(step) / 16.0;
                let s = 1.0 - t;
                let weights = [s * s * s, 3.0 * s * s * t, 3.0 * s * t * t, t * t * t];
                let at = |axis: usize| (0..4).map(|k| weights[k] * p(3 * segment + k)[axis]).sum();
                line.push([at(0), at(1)]);
            }
        }
        line
    }

    #[test]
    fn a_rectangle_stays_four_straight_lines() {
        let points = fit(&rectangle(20, 9), &Settings::photo().tuning());
        let anchors: Vec<[f32; 2]> = points.iter().step_by(3).copied().collect();
        assert_eq!(anchors, [[0.0, 0.0], [20.0, 0.0], [20.0, 9.0], [0.0, 9.0]], "corners are exact");
    }

    #[test]
    fn a_disc_is_round_with_few_curves() {
        let (center, radius) = (20.0, 13.3);
        let outline = outline_of(40, |x, y| (x - center).hypot(y - center) < radius);
        let points = fit(&outline, &Settings::photo().tuning());
        assert!(points.len() / 3 <= 12, "{} curves", points.len() / 3);
        for [x, y] in flatten(&points) {
            let error = (x - center).hypot(y - center) - radius;
            assert!(error.abs() < 0.75, "({x}, {y}) is {error} px off the circle");
        }
    }

    #[test]
    fn a_slanted_edge_loses_its_staircase() {
        let outline = outline_of(60, |x, y| (10.0..50.0).contains(&x) && y > 20.0 + 0.3 * x && y < 55.0);
        let points = fit(&outline, &Settings::photo().tuning());
        let on_slope = |&[x, y]: &[f64; 2]| (15.0..45.0).contains(&x) && y < 45.0;
        for [x, y] in flatten(&points).into_iter().filter(|point| on_slope(point)) {
            let error = y - (20.0 + 0.3 * x);
            assert!(error.abs() < 0.6, "({x}, {y}) is {error} px off the line");
        }
    }

    #[test]
    fn a_single_pixel_keeps_its_area() {
        let points = fit(&rectangle(1, 1), &Settings::photo().tuning());
        assert_eq!(points.len(), 12, "four lines");
    }
}
