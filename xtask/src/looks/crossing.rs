//! Whether an outline crosses itself.
//!
//! Input: a path. Output: the number of pairs of pieces that cross, within a contour or between two of them. Curves are
//! walked in lines that stay within a fiftieth of a pixel. Lines that only touch do not cross. Cost: a sweep from left to
//! right, some milliseconds for a thousand lines.

use super::outline::contours;
use kurbo::{BezPath, Line, PathEl, Point};

/// How far a line may lie from its curve.
const FLAT_PX: f64 = 0.02;
/// Steps that coordinates are rounded to, a tenth of what files hold: sums of relative coordinates that should meet miss
/// each other by less, and would cross there.
const STEPS_A_PX: f64 = 1e4;

/// Pairs of lines that cross.
pub(crate) fn crossings(path: &BezPath) -> usize {
    let mut lines = contours(path).iter().flat_map(|contour| closed(contour)).collect::<Vec<_>>();
    lines.sort_by(|a, b| left(*a).total_cmp(&left(*b)));
    let mut open = Vec::<Line>::new();
    let mut count = 0;
    for line in lines {
        let begins = left(line);
        open.retain(|other| other.p0.x.max(other.p1.x) > begins);
        count += open.iter().filter(|other| cross(line, **other)).count();
        open.push(line);
    }
    count
}

fn left(line: Line) -> f64 {
    line.p0.x.min(line.p1.x)
}

/// The lines around a contour.
fn closed(contour: &[PathEl]) -> Vec<Line> {
    let mut points = Vec::<Point>::new();
    let whole = |value: f64| (value * STEPS_A_PX).round();
    kurbo::flatten(contour.iter().copied(), FLAT_PX, |element| {
        points.extend(element.end_point().map(|point| Point::new(whole(point.x), whole(point.y))));
    });
    points.dedup();
    let next = points.iter().cycle().skip(1);
    points.iter().zip(next).map(|(from, to)| Line::new(*from, *to)).filter(|line| line.p0 != line.p1).collect()
}

/// Whether two lines cross in the inside of both.
fn cross(a: Line, b: Line) -> bool {
    let side = |line: Line, point: Point| (line.p1 - line.p0).cross(point - line.p0);
    let apart = |line: Line, other: Line| side(line, other.p0) * side(line, other.p1) < 0.0;
    apart(a, b) && apart(b, a)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(data: &str) -> usize {
        crossings(&BezPath::from_svg(data).unwrap())
    }

    #[test]
    fn a_bowtie_crosses_itself_and_a_square_does_not() {
        assert_eq!(of("M0 0L10 10L10 0L0 10z"), 1);
        assert_eq!(of("M0 0h10v10h-10z"), 0);
    }

    #[test]
    fn a_curve_with_a_loop_crosses_itself() {
        assert_eq!(of("M0 0C30 20 -20 20 10 0z"), 1);
    }

    #[test]
    fn a_hole_crosses_only_where_it_leaves_its_outline() {
        assert_eq!(of("M0 0h10v10h-10zM3 3h4v4h-4z"), 0);
        assert_eq!(of("M0 0h10v10h-10zM3 3h10v4h-10z"), 2);
    }

    #[test]
    fn an_outline_whose_ends_miss_each_other_by_a_rounding_error_does_not_cross() {
        // The last curve ends 1e-13 beside the first point, beyond the first line.
        assert_eq!(of("M0 0h10v10h-10l0.1 -0.1C0 9 -0.1 1 0.0000000000001 0.0000000000002z"), 0);
        assert_eq!(
            of(
                "M388.925 122.782c-.127 7.531-.168 15.009-.061 22.42l-30-9C370 130 380 122 388.9250000000002 122.7820000000001z"
            ),
            0
        );
    }

    #[test]
    fn corners_that_touch_do_not_cross() {
        assert_eq!(of("M0 0L5 5L10 0L10 10L5 5L0 10z"), 0);
    }
}
