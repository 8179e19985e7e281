//! Pixel derivatives to control points: a line integral along every edge.
//!
//! Input: lines in a band and dL/darea of each pixel. Output: dL/d(control point) of each cubic in the band.
//! Invariants: what lies outside the canvas has no derivative; horizontal lines have one. Determinism: pixels in
//! line order, lines in stored order. Cost: about ten multiplications a crossed pixel, sixty a line.
//!
//! Moving a line by δx(u) sweeps the area ∫ (-Δy, Δx)·δx(u) du, so with the piece `[u0, u1]` of the line inside
//! pixel p, the moments `M_k = Σ_p g(p) (u1^(k+1) - u0^(k+1)) / (k+1)`, k = 0..3, hold all that the line can tell
//! (Reynolds transport theorem on the exact area). They are exact for the curve itself: line `part` of `parts`
//! stands for t = (part + u) / parts, so the moments in t and the Bernstein basis give the four control points
//! their shares, where a chain rule through the line's end points would give the inner ones nothing.

use super::flatten::Line;
use super::real::Real;

/// dL/darea of one band, with a column of zeros at the right.
pub(super) struct AreaGrad<'a, T> {
    /// Rows of `stride` values.
    pub values: &'a [T],
    /// Values a row.
    pub stride: usize,
    /// Columns of the canvas.
    pub width: T,
    /// Rows of the band.
    pub rows: T,
    /// First row of the band in the picture.
    pub top: T,
}

/// dL/d(control points) of one cubic in one band, in raster pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct CurveGrad<T> {
    /// The cubic.
    pub curve: u32,
    /// Its four control points.
    pub points: [[T; 2]; 4],
}

/// Sums of lines of one cubic: Σ moments in t, times -Δy and Δx.
struct CurveSums<T> {
    curve: u32,
    x: [T; 4],
    y: [T; 4],
}

/// Appends the derivative of every cubic of `lines` to `out`, in the order of the lines.
pub(super) fn push_curve_grads<T: Real>(lines: &[Line<T>], grad: &AreaGrad<'_, T>, out: &mut Vec<CurveGrad<T>>) {
    let Some(first) = lines.first() else { return };
    let empty = |curve| CurveSums { curve, x: [T::ZERO; 4], y: [T::ZERO; 4] };
    let mut sums = empty(first.curve);
    for line in lines {
        if line.curve != sums.curve {
            out.push(sums.into_points());
            sums = empty(line.curve);
        }
        let moments = curve_moments(grad.line_moments(line), line);
        let (dx, dy) = (line.to[0] - line.from[0], line.to[1] - line.from[1]);
        for k in 0..4 {
            sums.x[k] -= moments[k] * dy;
            sums.y[k] += moments[k] * dx;
        }
    }
    out.push(sums.into_points());
}

impl<T: Real> CurveSums<T> {
    /// Power basis to Bernstein basis.
    fn into_points(self) -> CurveGrad<T> {
        let three = T::from_f64(3.0);
        let bernstein = |[t0, t1, t2, t3]: [T; 4]| {
            [t0 - t3 - three * (t1 - t2), three * (t1 + t3 - t2 - t2), three * (t2 - t3), t3]
        };
        let (x, y) = (bernstein(self.x), bernstein(self.y));
        CurveGrad { curve: self.curve, points: [[x[0], y[0]], [x[1], y[1]], [x[2], y[2]], [x[3], y[3]]] }
    }
}

/// Moments in the line's own parameter to moments in the cubic's, by the binomial theorem.
#[inline(always)]
fn curve_moments<T: Real>([m0, m1, m2, m3]: [T; 4], line: &Line<T>) -> [T; 4] {
    if line.parts == 1 {
        return [m0, m1, m2, m3];
    }
    let h = T::ONE / T::from_index(line.parts.into());
    let s = T::from_index(line.part.into()) * h;
    let (two, three) = (T::from_f64(2.0), T::from_f64(3.0));
    let (n1, n2, n3) = (h * m1, h * h * m2, h * h * h * m3);
    [m0, s * m0 + n1, s * (s * m0 + two * n1) + n2, s * (s * (s * m0 + three * n1) + three * n2) + n3]
}

impl<T: Real> AreaGrad<'_, T> {
    /// `M_0..M_3` of the part of `line` in this band.
    #[inline(always)]
    fn line_moments(&self, line: &Line<T>) -> [T; 4] {
        let [x0, y0] = [line.from[0], line.from[1] - self.top];
        let [x1, y1] = [line.to[0], line.to[1] - self.top];
        let (low_x, high_x, low_y, high_y) = (x0.least(x1), x0.most(x1), y0.least(y1), y0.most(y1));
        if low_x >= T::ZERO && low_y >= T::ZERO && high_x <= self.width && high_y <= self.rows {
            let whole = Piece { u: [T::ZERO, T::ONE], from: [x0, y0], to: [x1, y1] };
            return self.piece_moments([x0, y0], [x1 - x0, y1 - y0], &whole);
        }
        match self.clip([x0, y0], [x1, y1]) {
            Some(piece) => self.piece_moments([x0, y0], [x1 - x0, y1 - y0], &piece),
            None => [T::ZERO; 4],
        }
    }

    /// The part of a line inside the band's rectangle.
    fn clip(&self, from: [T; 2], to: [T; 2]) -> Option<Piece<T>> {
        let (mut u0, mut u1) = (T::ZERO, T::ONE);
        let sides = [self.width, self.rows];
        for axis in 0..2 {
            let delta = to[axis] - from[axis];
            if delta == T::ZERO {
                if from[axis] < T::ZERO || from[axis] > sides[axis] {
                    return None;
                }
                continue;
            }
            let (near, far) = (-from[axis] / delta, (sides[axis] - from[axis]) / delta);
            u0 = u0.most(near.least(far));
            u1 = u1.least(near.most(far));
        }
        if u0 >= u1 {
            return None;
        }
        let at = |u: T, axis: usize| (from[axis] + u * (to[axis] - from[axis])).within(T::ZERO, sides[axis]);
        Some(Piece { u: [u0, u1], from: [at(u0, 0), at(u0, 1)], to: [at(u1, 0), at(u1, 1)] })
    }

    /// Walks the pixels of a piece in line order. Summed by parts: each border between two pixels adds the
    /// difference of their derivatives times the powers of its u.
    #[inline(always)]
    fn piece_moments(&self, origin: [T; 2], delta: [T; 2], piece: &Piece<T>) -> [T; 4] {
        let (column, row) = (piece.from[0].index(), piece.from[1].index());
        let (last_column, last_row) = (piece.to[0].index(), piece.to[1].index());
        let mut at = row * self.stride + column;
        let mut g = self.at(at);
        let [start, end] = piece.u;
        let mut sums = scale(powers(start), -g);
        let steps = column.abs_diff(last_column) + row.abs_diff(last_row);
        if steps > 0 {
            let (mut next_x, step_x, every_x) = axis_steps(column, origin[0], delta[0]);
            let (mut next_y, step_y, every_y) = axis_steps(row, origin[1], delta[1]);
            let step_y = if step_y > 0 { self.stride } else { self.stride.wrapping_neg() };
            for _ in 0..steps {
                let u = next_x.least(next_y).within(start, end);
                if next_x < next_y {
                    next_x += every_x;
                    at = at.wrapping_add_signed(step_x);
                } else {
                    next_y += every_y;
                    at = at.wrapping_add(step_y);
                }
                let behind = g;
                g = self.at(at);
                sums = add(sums, scale(powers(u), behind - g));
            }
        }
        let [m0, m1, m2, m3] = add(sums, scale(powers(end), g));
        [m0, T::HALF * m1, T::from_f64(1.0 / 3.0) * m2, T::from_f64(0.25) * m3]
    }

    #[inline(always)]
    fn at(&self, index: usize) -> T {
        self.values.get(index).copied().unwrap_or(T::ZERO)
    }
}

/// Part of a line: parameters, and end points in band pixels.
struct Piece<T> {
    u: [T; 2],
    from: [T; 2],
    to: [T; 2],
}

/// u of the first grid line behind `cell` in the walking direction, the step, and u between two grid lines.
#[inline(always)]
fn axis_steps<T: Real>(cell: usize, origin: T, delta: T) -> (T, isize, T) {
    if delta == T::ZERO {
        return (T::from_f64(f64::INFINITY), 1, T::ZERO);
    }
    let per_px = T::ONE / delta;
    let (border, step) = if delta > T::ZERO { (cell + 1, 1) } else { (cell, -1) };
    ((T::from_index(border) - origin) * per_px, step, per_px.abs())
}

#[inline(always)]
fn powers<T: Real>(u: T) -> [T; 4] {
    let square = u * u;
    [u, square, square * u, square * square]
}

#[inline(always)]
fn scale<T: Real>([a, b, c, d]: [T; 4], by: T) -> [T; 4] {
    [a * by, b * by, c * by, d * by]
}

#[inline(always)]
fn add<T: Real>([a, b, c, d]: [T; 4], [e, f, g, h]: [T; 4]) -> [T; 4] {
    [a + e, b + f, c + g, d + h]
}
