//! Handles of a rectangle in the viewer: where they sit, which one is under the pen, what moving one does.
//!
//! Input: rectangles and pen positions in canonical pixels (origin at the bottom left, full scale); the size of a screen
//! pixel in canonical pixels. Output: handles and rectangles. Invariants: a rectangle is finite and no side is negative;
//! a moved one is at least [`SMALLEST_PX`] wide and high; numbers that are not finite move nothing. Determinism: pure
//! functions. Cost: nine comparisons.

/// Half a side of a drawn handle in screen pixels.
pub(super) const HALF_HANDLE_SCREEN_PX: f64 = 3.5;
/// How far beside a handle's middle the pen may be on either axis, in screen pixels: more than what is drawn.
const REACH_SCREEN_PX: f64 = 6.0;
/// Shortest side that a handle can make, in canonical pixels.
const SMALLEST_PX: f64 = 1.0;
/// Corners and sides stay within this, which is the range of the parameters.
const FARTHEST_PX: f64 = 1e6;

/// A rectangle in canonical pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rectangle {
    /// Bottom left.
    pub corner: [f64; 2],
    /// Width and height, never negative.
    pub size: [f64; 2],
}

/// Where along an axis a handle sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Left or bottom.
    Low,
    /// Half-way.
    Middle,
    /// Right or top.
    High,
}

/// One of nine places of a rectangle, along x and along y.
pub(super) type Handle = [Side; 2];

const CENTRE: Handle = [Side::Middle, Side::Middle];

/// Corners before edges before the centre: where they lie on each other, a corner can still make the rectangle larger.
pub(super) const HANDLES: [Handle; 9] = {
    use Side::{High, Low, Middle};
    [
        [High, High],
        [Low, High],
        [Low, Low],
        [High, Low],
        [Middle, High],
        [Low, Middle],
        [Middle, Low],
        [High, Middle],
        CENTRE,
    ]
};

impl Rectangle {
    /// A host's corner and size: negative sizes are turned over, distances cut to the range; none for numbers that are
    /// not finite.
    pub(super) fn new(corner: [f64; 2], size: [f64; 2]) -> Option<Self> {
        if !corner.iter().chain(&size).all(|number| number.is_finite()) {
            return None;
        }
        let [(x, width), (y, height)] = [0, 1].map(|axis| {
            let (low, length) = (corner[axis].min(corner[axis] + size[axis]), size[axis].abs());
            (low.clamp(-FARTHEST_PX, FARTHEST_PX), length.min(FARTHEST_PX))
        });
        Some(Self { corner: [x, y], size: [width, height] })
    }

    /// Where `handle` sits.
    pub(super) fn at(&self, handle: Handle) -> [f64; 2] {
        [0, 1].map(|axis| {
            let share = match handle[axis] {
                Side::Low => 0.0,
                Side::Middle => 0.5,
                Side::High => 1.0,
            };
            self.corner[axis] + self.size[axis] * share
        })
    }

    /// The handle under `pen`, the nearest where several are.
    pub(super) fn hit(&self, pen: [f64; 2], screen_px: [f64; 2]) -> Option<Handle> {
        let near = |handle: Handle| {
            let at = self.at(handle);
            let [x, y] = [0, 1].map(|axis| ((pen[axis] - at[axis]) / screen_px[axis]).abs());
            // Not `max` alone: it passes over NaN.
            (x <= REACH_SCREEN_PX && y <= REACH_SCREEN_PX).then(|| (handle, x.max(y)))
        };
        let nearest = HANDLES.into_iter().filter_map(near).min_by(|a, b| a.1.total_cmp(&b.1));
        nearest.map(|(handle, _)| handle)
    }

    /// The rectangle after its `handle` was moved by `way`. Corners and edges may be pulled over the opposite side; the
    /// centre takes all along.
    pub(super) fn moved(&self, handle: Handle, way: [f64; 2]) -> Self {
        if !way.iter().all(|step| step.is_finite()) {
            return *self;
        }
        let [(x, width), (y, height)] = [0, 1].map(|axis| {
            let (low, length, step) = (self.corner[axis], self.size[axis], way[axis]);
            match handle[axis] {
                Side::Middle if handle == CENTRE => ((low + step).clamp(-FARTHEST_PX, FARTHEST_PX), length),
                Side::Middle => (low, length),
                Side::Low => span(low + length, low + step, -1.0),
                Side::High => span(low, low + length + step, 1.0),
            }
        });
        Self { corner: [x, y], size: [width, height] }
    }

    /// The rectangle `step` to the right and down, inside of what reaches from `low` to `high`; on an axis where that lacks the
    /// room, to the side that has more of it.
    pub(super) fn beside(&self, step: f64, low: [f64; 2], high: [f64; 2]) -> Self {
        let corner = [0, 1].map(|axis| {
            let at = self.corner[axis];
            let [below, above] =
                [at - low[axis], high[axis] - at - self.size[axis]].map(|room| room.min(step).max(0.0));
            let is_above_better = if axis == 0 { above >= below } else { above > below };
            if is_above_better { at + above } else { at - below }
        });
        Self { corner, ..*self }
    }
}

/// Low end and length of the stretch from `fixed` to `moving`; `outward` is the way that it grows from nothing.
fn span(fixed: f64, moving: f64, outward: f64) -> (f64, f64) {
    let reach = moving - fixed;
    let length = reach.abs().clamp(SMALLEST_PX, FARTHEST_PX);
    let below = if reach == 0.0 { outward < 0.0 } else { reach < 0.0 };
    let low = if below { fixed - length } else { fixed };
    (low.clamp(-FARTHEST_PX, FARTHEST_PX), length)
}

#[cfg(test)]
mod tests {
    use super::Side::{High, Low, Middle};
    use super::*;

    const SCREEN_PX: [f64; 2] = [1.0, 1.0];

    fn rectangle() -> Rectangle {
        Rectangle::new([100.0, 50.0], [60.0, 40.0]).unwrap()
    }

    #[test]
    fn every_handle_is_hit_where_it_sits_and_within_reach() {
        for handle in HANDLES {
            let [x, y] = rectangle().at(handle);
            for (dx, dy) in [(0.0, 0.0), (6.0, -6.0), (-6.0, 0.0)] {
                assert_eq!(rectangle().hit([x + dx, y + dy], SCREEN_PX), Some(handle), "{handle:?} beside {dx}, {dy}");
            }
        }
        for beside in [[93.9, 50.0], [115.0, 60.0], [130.0, 83.0], [160.0, 96.1]] {
            assert_eq!(rectangle().hit(beside, SCREEN_PX), None, "{beside:?}");
        }
    }

    #[test]
    fn reach_is_measured_on_the_screen() {
        let pen = [160.0 + 11.0, 90.0];
        assert_eq!(rectangle().hit(pen, SCREEN_PX), None, "eleven screen pixels beside");
        assert_eq!(rectangle().hit(pen, [2.0, 2.0]), Some([High, High]), "five and a half at half the zoom");
        assert_eq!(rectangle().hit([101.0, 51.0], [0.1, 0.1]), None, "ten at ten times the zoom");
    }

    #[test]
    fn a_rectangle_without_size_is_taken_at_a_corner() {
        let nothing = Rectangle::new([5.0, 5.0], [0.0, 0.0]).unwrap();
        assert_eq!(nothing.hit([5.0, 5.0], SCREEN_PX), Some([High, High]));
        assert_eq!(nothing.moved([High, High], [7.0, 9.0]), Rectangle { corner: [5.0, 5.0], size: [7.0, 9.0] });
    }

    #[test]
    fn moving_a_handle_moves_its_own_sides() {
        let cases = [
            ([High, High], [105.0, 57.0], [100.0, 50.0], [165.0, 97.0]),
            ([Low, Low], [5.0, 7.0], [105.0, 57.0], [55.0, 33.0]),
            ([Low, High], [-5.0, 7.0], [95.0, 50.0], [65.0, 47.0]),
            ([Middle, High], [105.0, 7.0], [100.0, 50.0], [60.0, 47.0]),
            ([Low, Middle], [5.0, 107.0], [105.0, 50.0], [55.0, 40.0]),
            ([Middle, Middle], [-105.0, 7.0], [-5.0, 57.0], [60.0, 40.0]),
        ];
        for (handle, way, corner, size) in cases {
            assert_eq!(rectangle().moved(handle, way), Rectangle { corner, size }, "{handle:?} by {way:?}");
        }
    }

    #[test]
    fn a_side_pulled_over_the_opposite_one_turns_the_rectangle_over() {
        let turned = rectangle().moved([High, Middle], [-90.0, 0.0]);
        assert_eq!(turned, Rectangle { corner: [70.0, 50.0], size: [30.0, 40.0] });
        let turned = rectangle().moved([Low, Low], [80.0, 100.0]);
        assert_eq!(turned, Rectangle { corner: [160.0, 90.0], size: [20.0, 60.0] });
    }

    #[test]
    fn a_side_on_the_opposite_one_leaves_a_pixel_on_the_side_that_it_came_from() {
        let flat = rectangle().moved([High, Middle], [-60.0, 0.0]);
        assert_eq!(flat, Rectangle { corner: [100.0, 50.0], size: [1.0, 40.0] });
        let flat = rectangle().moved([Low, Middle], [60.0, 0.0]);
        assert_eq!(flat, Rectangle { corner: [159.0, 50.0], size: [1.0, 40.0] });
    }

    #[test]
    fn a_copy_lies_beside_its_original_and_stays_within() {
        let beside = |corner, size| Rectangle { corner, size }.beside(2.0, [0.0, 0.0], [100.0, 50.0]).corner;
        assert_eq!(beside([10.0, 10.0], [20.0, 20.0]), [12.0, 8.0], "right and down");
        assert_eq!(beside([80.0, 0.0], [20.0, 20.0]), [78.0, 2.0], "left and up from the lower right corner");
        assert_eq!(beside([1.0, 0.5], [98.5, 49.5]), [0.0, 0.0], "as far as there is room");
        assert_eq!(beside([0.0, 0.0], [100.0, 50.0]), [0.0, 0.0], "no room at all");
        assert_eq!(beside([-30.0, 60.0], [200.0, 5.0]), [-30.0, 58.0], "beyond the picture it comes nearer");
    }

    #[test]
    fn sizes_of_a_host_may_be_negative() {
        let turned = Rectangle::new([10.0, 10.0], [-4.0, 6.0]).unwrap();
        assert_eq!(turned, Rectangle { corner: [6.0, 10.0], size: [4.0, 6.0] });
    }

    #[test]
    fn no_number_makes_a_rectangle_that_a_parameter_cannot_hold() {
        let wild = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 1e9, 0.0, -0.0, 5e-324];
        for x in wild {
            for y in wild {
                assert_eq!(Rectangle::new([x, 0.0], [y, 1.0]).is_some(), x.is_finite() && y.is_finite(), "{x}, {y}");
                for handle in HANDLES {
                    let moved = rectangle().moved(handle, [x, y]);
                    assert!(moved.corner.iter().all(|at| at.abs() <= FARTHEST_PX), "{handle:?} by {x}, {y}: {moved:?}");
                    let holds = |length: &f64| (SMALLEST_PX..=FARTHEST_PX).contains(length);
                    assert!(moved.size.iter().all(holds), "{handle:?} by {x}, {y}: {moved:?}");
                }
                assert_eq!(rectangle().hit([x, y], SCREEN_PX), None, "{x}, {y}");
            }
        }
        assert_eq!(rectangle().hit([f64::NAN, 50.0], SCREEN_PX), None, "half a position");
    }
}
