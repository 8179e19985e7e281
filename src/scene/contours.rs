//! Builds closed cubic contours from drawing commands, as SVG and font outlines give them.
//!
//! Input: moves, lines, quadratic and cubic curves in one space. Output: contours as [`super::Scene`] stores them.
//! Invariants: every contour has `3 n > 0` points and ends at its first; lines are cubics with controls at thirds.
//! Cost: linear.

use lyon_geom::{CubicBezierSegment, point};

/// A closed chain of cubics: anchor, control, control, anchor, …
pub type Contour = Vec<[f32; 2]>;

/// The cubics of a closed contour, as geometry knows them.
pub fn segments_of(contour: &[[f32; 2]]) -> impl Iterator<Item = CubicBezierSegment<f32>> {
    let (cubics, _) = contour.as_chunks::<3>();
    let ends = cubics.iter().skip(1).chain(cubics.first()).map(|[start, ..]| *start);
    let place = |[x, y]: [f32; 2]| point(x, y);
    cubics.iter().zip(ends).map(move |(&[from, first, second], to)| CubicBezierSegment {
        from: place(from),
        ctrl1: place(first),
        ctrl2: place(second),
        to: place(to),
    })
}

/// Collects contours.
#[derive(Debug)]
pub struct Contours {
    done: Vec<Contour>,
    open: Contour,
    /// Gaps up to this, relative to the coordinates' magnitude or `extent`, are closed without a segment.
    slack: f32,
    extent: f32,
}

impl Contours {
    /// A builder for outlines about `extent` units large. A gap at the end of a contour below what a float of that
    /// size resolves is snapped shut, so that rounding in a file adds no segment.
    pub fn new(extent: f32) -> Self {
        Self { done: Vec::new(), open: Contour::new(), slack: 2.4e-7, extent }
    }

    /// Closes what is open and starts at `point`.
    pub fn move_to(&mut self, point: [f32; 2]) {
        self.finish();
        self.open.push(point);
    }

    /// A straight segment.
    pub fn line_to(&mut self, to: [f32; 2]) {
        let Some(&from) = self.open.last() else { return self.move_to(to) };
        let third = |share: f32| [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
        self.open.extend([third(1.0 / 3.0), third(2.0 / 3.0), to]);
    }

    /// A quadratic, raised to the cubic that draws the same curve.
    pub fn quad_to(&mut self, control: [f32; 2], to: [f32; 2]) {
        let Some(&from) = self.open.last() else { return self.move_to(to) };
        let raise = |end: [f32; 2]| {
            [end[0] + (control[0] - end[0]) * (2.0 / 3.0), end[1] + (control[1] - end[1]) * (2.0 / 3.0)]
        };
        self.open.extend([raise(from), raise(to), to]);
    }

    /// A cubic.
    pub fn cubic_to(&mut self, first: [f32; 2], second: [f32; 2], to: [f32; 2]) {
        if self.open.is_empty() {
            return self.move_to(to);
        }
        self.open.extend([first, second, to]);
    }

    /// Closes the contour; what follows without a move starts at its first point.
    pub fn close(&mut self) {
        let start = self.open.first().copied();
        self.finish();
        self.open.extend(start);
    }

    /// All contours, the last one closed. Contours without a segment are left out.
    pub fn into_contours(mut self) -> Vec<Contour> {
        self.finish();
        self.done
    }

    fn finish(&mut self) {
        if let ([first, _, .., last], true) = (self.open.as_slice(), self.open.len() >= 4) {
            let (first, last) = (*first, *last);
            let magnitude = self.extent.max(first[0].abs()).max(first[1].abs());
            let gap = (last[0] - first[0]).abs().max((last[1] - first[1]).abs());
            if gap > self.slack * magnitude {
                self.line_to(first);
            }
            self.open.pop();
            self.done.push(std::mem::take(&mut self.open));
        }
        self.open.clear();
    }
}
