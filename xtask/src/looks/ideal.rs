//! How much of a black shape is an ideal star, heart, triangle, cross, square or ring.
//!
//! Input: a picture. Output: the best intersection over union of its dark part with the ideal shape, over turns up to 36
//! degrees, six scales around equal area and small shifts: how a thing is drawn, not where. Cost: some 10 ms a call; rows of
//! the picture are bits of one number, rows of the ideal are spans.

use super::picture::Picture;
use std::f64::consts::{PI, TAU};

/// Side of the grid that shapes are compared on; a row fits into the bits of a `u128`.
const GRID: i32 = 96;
/// Radius of an ideal shape in sides of its square.
const RADIUS: f64 = 180.0 / 512.0;
/// Grid on which the area of an ideal shape is measured.
const FINE: i32 = 512;
const TURNS_DEG: std::ops::RangeInclusive<i32> = -6..=6;
const TURN_STEP_DEG: f64 = 6.0;
const SCALES: [f64; 6] = [0.85, 0.93, 1.0, 1.08, 1.18, 1.3];
const SHIFTS: [f64; 5] = [-4.0, -2.0, 0.0, 2.0, 4.0];

/// A shape with a name that everybody draws alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ideal {
    /// Five points.
    Star,
    /// Upright.
    Heart,
    /// Equal sides.
    Triangle,
    /// Equal arms.
    Cross,
    /// Equal sides.
    Square,
    /// A disc with a hole of six tenths.
    Ring,
}

/// The dark part of a picture.
struct Dark {
    rows: Vec<u128>,
    area: f64,
    centre: [f64; 2],
}

/// Part of a row of an ideal shape: from one column up to another.
struct Span {
    row: i32,
    from: i32,
    to: i32,
}

impl Ideal {
    /// Best intersection over union; 0 of a picture without anything dark.
    pub(crate) fn fit(self, picture: &Picture) -> f64 {
        let Some(dark) = Dark::of(picture) else { return 0.0 };
        let contours = self.contours();
        let share = area(&spans(&contours, 0.0, FINE)) / f64::from(FINE).powi(2);
        let equal = (dark.area / (share * f64::from(GRID).powi(2))).sqrt();
        let fits = TURNS_DEG.flat_map(|turn| {
            let turn = f64::from(turn) * TURN_STEP_DEG;
            SCALES.map(|scale| {
                let side = (f64::from(GRID) * scale * equal).round().max(8.0) as i32;
                dark.best_shift(&spans(&contours, turn, side))
            })
        });
        fits.fold(0.0, f64::max)
    }

    /// Which pixels of a square of this side it covers, row by row.
    pub(crate) fn mask(self, side: usize) -> Vec<bool> {
        let mut inside = vec![false; side * side];
        for Span { row, from, to } in spans(&self.contours(), 0.0, side as i32) {
            let first = row as usize * side;
            if let Some(covered) = inside.get_mut(first + from as usize..first + to as usize) {
                covered.fill(true);
            }
        }
        inside
    }

    /// Its contours, the radius being 1; what lies in two of them is a hole.
    fn contours(self) -> Vec<Vec<[f64; 2]>> {
        let round = |count: i32, radius: f64| around(count, |turn| [radius * turn.sin(), -radius * turn.cos()]);
        match self {
            Self::Star => {
                let corner = |index: i32| {
                    let (turn, radius) = (f64::from(index) * PI / 5.0, if index % 2 == 0 { 1.0 } else { 0.45 });
                    [radius * turn.sin(), -radius * turn.cos()]
                };
                vec![(0..10).map(corner).collect()]
            }
            Self::Heart => vec![around(200, |turn| {
                let cosines = 13.0 * turn.cos() - 5.0 * (2.0 * turn).cos() - 2.0 * (3.0 * turn).cos();
                [turn.sin().powi(3), -(cosines - (4.0 * turn).cos()) / 16.0]
            })],
            Self::Triangle => vec![round(3, 1.0)],
            Self::Cross => {
                let arm = 0.33;
                let quarter = [[-arm, -1.0], [arm, -1.0], [arm, -arm]];
                let turned = |point: [f64; 2], times: i32| (0..times).fold(point, |[x, y], _| [-y, x]);
                vec![(0..4).flat_map(|times| quarter.map(|point| turned(point, times))).collect()]
            }
            Self::Square => vec![vec![[-0.75, -0.75], [0.75, -0.75], [0.75, 0.75], [-0.75, 0.75]]],
            Self::Ring => vec![round(128, 1.0), round(128, 0.6)],
        }
    }
}

fn around(count: i32, point: impl Fn(f64) -> [f64; 2]) -> Vec<[f64; 2]> {
    (0..count).map(|index| point(f64::from(index) * TAU / f64::from(count))).collect()
}

/// The parts of the rows of a square of this side whose middles lie inside, turned about its centre.
fn spans(contours: &[Vec<[f64; 2]>], turn_deg: f64, side: i32) -> Vec<Span> {
    let (sin, cos) = turn_deg.to_radians().sin_cos();
    let place =
        |[x, y]: [f64; 2]| [x * cos - y * sin, x * sin + y * cos].map(|value| f64::from(side) * (0.5 + RADIUS * value));
    let placed = contours.iter().map(|contour| contour.iter().map(|point| place(*point)).collect::<Vec<_>>());
    let placed = placed.collect::<Vec<_>>();
    let mut spans = Vec::new();
    for row in 0..side {
        let middle = f64::from(row) + 0.5;
        let mut cuts = placed.iter().flat_map(|contour| cuts(contour, middle)).collect::<Vec<_>>();
        cuts.sort_by(f64::total_cmp);
        for pair in cuts.chunks_exact(2) {
            let &[from, to] = pair else { continue };
            let column = |x: f64| (x - 0.5).ceil() as i32;
            if column(from) < column(to) {
                spans.push(Span { row, from: column(from), to: column(to) });
            }
        }
    }
    spans
}

/// A black shape on white paper of this side, from its corners in pixels.
pub(crate) fn black_on_white(corners: &[[f64; 2]], side: usize) -> Picture {
    let rows = (0..side).flat_map(|y| {
        let cuts = cuts(corners, y as f64 + 0.5);
        (0..side).map(move |x| {
            let outside = cuts.iter().filter(|cut| **cut <= x as f64 + 0.5).count().is_multiple_of(2);
            [f64::from(u8::from(outside)); 3]
        })
    });
    Picture { width: side, height: side, rgb: rows.collect() }
}

/// Where the outline crosses a row.
fn cuts(contour: &[[f64; 2]], y: f64) -> Vec<f64> {
    let next = contour.iter().cycle().skip(1);
    let cut = |(&[x0, y0], &[x1, y1]): (&[f64; 2], &[f64; 2])| {
        ((y0 <= y) != (y1 <= y)).then(|| x0 + (y - y0) / (y1 - y0) * (x1 - x0))
    };
    contour.iter().zip(next).filter_map(cut).collect()
}

fn area(spans: &[Span]) -> f64 {
    spans.iter().map(|span| f64::from(span.to - span.from)).sum()
}

impl Dark {
    fn of(picture: &Picture) -> Option<Self> {
        let (mut rows, mut area, [mut sum_x, mut sum_y]) = (Vec::new(), 0.0, [0.0; 2]);
        for y in 0..GRID {
            let mut bits = 0_u128;
            for x in 0..GRID {
                if brightness(picture, [x, y]) < 128.0 / 255.0 {
                    bits |= 1 << x;
                    area += 1.0;
                    sum_x += f64::from(x);
                    sum_y += f64::from(y);
                }
            }
            rows.push(bits);
        }
        (area > 0.0).then(|| Self { rows, area, centre: [sum_x / area, sum_y / area] })
    }

    /// Best intersection over union with the ideal laid on the centre and a little beside it.
    fn best_shift(&self, spans: &[Span]) -> f64 {
        let all = area(spans);
        if all <= 0.0 {
            return 0.0;
        }
        let of_span = |span: &Span| {
            let (from, to) = (f64::from(span.from), f64::from(span.to));
            [(to - from) * (from + to - 1.0) / 2.0, (to - from) * f64::from(span.row)]
        };
        let sum = spans.iter().map(of_span).fold([0.0; 2], |[x, y], [dx, dy]| [x + dx, y + dy]);
        let ([centre_x, centre_y], [sum_x, sum_y]) = (self.centre, sum);
        let (x, y) = (centre_x - sum_x / all, centre_y - sum_y / all);
        let shifts = SHIFTS.iter().flat_map(|dy| SHIFTS.iter().map(move |dx| (x + dx, y + dy)));
        let fits = shifts.map(|(x, y)| {
            let both = f64::from(self.shared(spans, x.round() as i32, y.round() as i32));
            both / (all + self.area - both)
        });
        fits.fold(0.0, f64::max)
    }

    /// Dark cells of the grid under spans that are moved by so many columns and rows.
    fn shared(&self, spans: &[Span], columns: i32, rows: i32) -> u32 {
        let of = |span: &Span| {
            let row = usize::try_from(span.row + rows).ok().and_then(|row| self.rows.get(row)).copied().unwrap_or(0);
            (row & below(span.to + columns) & !below(span.from + columns)).count_ones()
        };
        spans.iter().map(of).sum()
    }
}

/// The bits of all columns before this one.
fn below(column: i32) -> u128 {
    (1 << column.clamp(0, GRID)) - 1
}

/// Mean brightness of a picture's pixels under a cell of the grid, by the weights of television.
fn brightness(picture: &Picture, [x, y]: [i32; 2]) -> f64 {
    let pixels = |cell: i32, length: usize| {
        let edge = |cell: i32| (f64::from(cell) * length as f64 / f64::from(GRID)).round() as usize;
        edge(cell)..edge(cell + 1).max(edge(cell) + 1)
    };
    let (columns, rows) = (pixels(x, picture.width), pixels(y, picture.height));
    let count = columns.len() * rows.len();
    let levels = rows.flat_map(|y| columns.clone().map(move |x| picture.at(x, y)));
    levels.map(|[r, g, b]| 0.299 * r + 0.587 * g + 0.114 * b).sum::<f64>() / count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Ideal; 6] = [Ideal::Star, Ideal::Heart, Ideal::Triangle, Ideal::Cross, Ideal::Square, Ideal::Ring];

    /// Black on white, a little turned and out of the middle.
    fn drawn(ideal: Ideal) -> Picture {
        let side = 512_usize;
        let mut rgb = vec![[1.0; 3]; side * side];
        for span in spans(&ideal.contours(), 12.0, 512) {
            for column in span.from..span.to {
                rgb[(span.row as usize + 20) * side + column as usize - 15] = [0.0; 3];
            }
        }
        Picture { width: side, height: side, rgb }
    }

    #[test]
    fn an_ideal_shape_fits_itself_and_others_less() {
        for ideal in ALL {
            let picture = drawn(ideal);
            let own = ideal.fit(&picture);
            assert!(own > 0.95, "{ideal:?} fits itself by {own}");
            for other in ALL.into_iter().filter(|other| *other != ideal) {
                assert!(other.fit(&picture) < own - 0.1, "{ideal:?} is taken for {other:?}");
            }
        }
    }

    #[test]
    fn white_paper_is_no_shape() {
        let paper = Picture { width: 96, height: 96, rgb: vec![[1.0; 3]; 96 * 96] };
        assert_eq!(Ideal::Star.fit(&paper), 0.0);
    }
}
