//! Look: exposure, contrast, saturation, hue turn and two tints, the numbers a colourist would turn.
//!
//! Input: a colour in `OKLab`. Output: L' = e k (L - m) + e m and ab' = s R(turn) ab + t + u (L - m). Invariants: an affine
//! map, so looks can be mixed and written as a table. Determinism: see [`crate::image::color`]. Cost: a dozen operations.

use crate::image::color;
use serde::{Deserialize, Serialize};

/// A global look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Factor of the lightness, in stops of two; 0 leaves it.
    pub exposure: f32,
    /// Factor of the lightness's distance from the pivot, in stops of two; 0 leaves it.
    pub contrast: f32,
    /// Factor of the chroma; 1 leaves it, 0 is grey.
    pub saturation: f32,
    /// Turn of the hue, in full turns.
    pub hue_turn: f32,
    /// Added to green-red and blue-yellow.
    pub tint: [f32; 2],
    /// Added to green-red and blue-yellow for every 1 of lightness above the pivot.
    pub tint_by_lightness: [f32; 2],
    /// Lightness that contrast and the second tint turn about: the mean of what is graded.
    pub pivot: f32,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            exposure: 0.0,
            contrast: 0.0,
            saturation: 1.0,
            hue_turn: 0.0,
            tint: [0.0; 2],
            tint_by_lightness: [0.0; 2],
            pivot: 0.5,
        }
    }
}

/// Numbers of a look that a search turns.
pub(super) const KNOBS: usize = 8;

impl Look {
    /// The look that changes nothing, about `pivot`.
    pub fn neutral(pivot: f32) -> Self {
        Self { pivot, ..Self::default() }
    }

    /// Whether nothing changes.
    pub fn is_neutral(&self) -> bool {
        *self == Self::neutral(self.pivot)
    }

    /// The numbers a search turns, in the order of the fields; the pivot stays.
    pub fn knobs(&self) -> [f32; KNOBS] {
        let ([a, b], [c, d]) = (self.tint, self.tint_by_lightness);
        [self.exposure, self.contrast, self.saturation, self.hue_turn, a, b, c, d]
    }

    /// The look of these knobs.
    pub fn of_knobs([exposure, contrast, saturation, hue_turn, a, b, c, d]: [f32; KNOBS], pivot: f32) -> Self {
        let saturation = saturation.max(0.0);
        Self { exposure, contrast, saturation, hue_turn, tint: [a, b], tint_by_lightness: [c, d], pivot }
    }

    /// The look as a matrix of three rows with the constant last.
    pub fn affine(&self) -> [[f32; 4]; 3] {
        if self.is_neutral() {
            return [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]];
        }
        let gain = color::exp2(self.exposure);
        let slope = gain * color::exp2(self.contrast);
        let [cos, sin] = color::cos_sin_of_turns(self.hue_turn).map(|part| part * self.saturation);
        let ([a, b], [c, d]) = (self.tint, self.tint_by_lightness);
        [
            [slope, 0.0, 0.0, (gain - slope) * self.pivot],
            [c, cos, -sin, a - c * self.pivot],
            [d, sin, cos, b - d * self.pivot],
        ]
    }

    /// The look of `oklab`.
    pub fn apply(&self, oklab: [f32; 3]) -> [f32; 3] {
        applied(&self.affine(), oklab)
    }
}

/// An affine map of a colour.
pub(super) fn applied(rows: &[[f32; 4]; 3], [l, a, b]: [f32; 3]) -> [f32; 3] {
    rows.map(|[by_l, by_a, by_b, constant]| by_l * l + by_a * a + by_b * b + constant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_knob_does_what_it_is_called() {
        let color = [0.7, 0.1, -0.05];
        let look = |change: fn(&mut Look)| {
            let mut look = Look::neutral(0.5);
            change(&mut look);
            look.apply(color)
        };
        assert!((look(|look| look.exposure = -1.0)[0] - 0.35).abs() < 1e-5, "one stop down halves the lightness");
        assert!((look(|look| look.contrast = 1.0)[0] - 0.9).abs() < 1e-5, "one stop of contrast doubles the distance");
        assert_eq!(look(|look| look.saturation = 0.0)[1..], [0.0, 0.0], "no chroma");
        let half = look(|look| look.hue_turn = 0.5);
        assert!((half[1] + 0.1).abs() < 1e-4 && (half[2] - 0.05).abs() < 1e-4, "half a turn: {half:?}");
        assert!((look(|look| look.tint_by_lightness = [0.0, 1.0])[2] - 0.15).abs() < 1e-5, "tint above the pivot");
        let knobs = look_with_every_knob().knobs();
        assert_eq!(Look::of_knobs(knobs, 0.4), look_with_every_knob(), "there and back");
    }

    fn look_with_every_knob() -> Look {
        Look {
            exposure: 0.1,
            contrast: 0.2,
            saturation: 0.3,
            hue_turn: 0.4,
            tint: [0.5, 0.6],
            tint_by_lightness: [0.7, 0.8],
            pivot: 0.4,
        }
    }
}
