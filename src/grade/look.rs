//! Look: exposure, contrast, saturation, hue turn and two tints, the numbers a colourist would turn.
//!
//! Input: a colour in `OKLab`. Output: T' = e k (T - m) + e m and ab' = s R(turn) ab + d (t + u (L - m)). T is the lightness with a
//! toe, (L^3 + c)^(1/3): near black a cube root makes a large step of one level of an 8-bit picture, and a look that lifts the
//! shadows would show it as a band. d rises from 0 at black to 1 at [`DARK`], for the same reason. Invariants: a function of
//! the colour alone, so looks can be written as a table; a neutral one changes no bit. Determinism: see [`crate::image::color`]. Cost: a dozen operations.

use crate::image::color;
use serde::{Deserialize, Serialize};

/// A global look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Factor of the toed lightness, in stops of two; 0 leaves it.
    pub exposure: f32,
    /// Factor of its distance from the pivot, in stops of two; 0 leaves it.
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

    /// Whether nothing but grey is left.
    pub fn is_grey(&self) -> bool {
        self.saturation == 0.0 && self.tint == [0.0; 2] && self.tint_by_lightness == [0.0; 2]
    }

    /// The look `part` of the way from neutral.
    pub fn scaled(&self, part: f32) -> Self {
        let (neutral, knobs) = (Self::default().knobs(), self.knobs());
        let knobs = std::array::from_fn(|knob| neutral[knob] + part * (knobs[knob] - neutral[knob]));
        Self::of_knobs(knobs, self.pivot)
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

    /// The look ready for many colours.
    pub fn prepared(&self) -> Prepared {
        let gain = color::exp2(self.exposure);
        let slope = gain * color::exp2(self.contrast);
        let turn = color::cos_sin_of_turns(self.hue_turn).map(|part| part * self.saturation);
        let constant = (gain - slope) * toed(self.pivot);
        Prepared { look: *self, is_neutral: self.is_neutral(), slope, constant, turn }
    }

    /// The look of `oklab`.
    pub fn apply(&self, oklab: [f32; 3]) -> [f32; 3] {
        self.prepared().apply(oklab)
    }
}

/// A look with its powers and angles worked out.
#[derive(Clone, Copy, Debug)]
pub struct Prepared {
    look: Look,
    is_neutral: bool,
    slope: f32,
    constant: f32,
    turn: [f32; 2],
}

/// Lightness from which a tint counts whole.
const DARK: f32 = 0.45;
/// Lightness below which the toe bends.
const TOE: f32 = 0.12;

/// A lightness with a toe: 0 at black, 1 at white.
#[inline]
fn toed(lightness: f32) -> f32 {
    let white = color::cube_root(1.0 + TOE * TOE * TOE) - TOE;
    (color::cube_root(lightness * lightness * lightness + TOE * TOE * TOE) - TOE) / white
}

/// The lightness of a toed one.
#[inline]
fn untoed(toed: f32) -> f32 {
    let white = color::cube_root(1.0 + TOE * TOE * TOE) - TOE;
    let root = toed * white + TOE;
    color::cube_root(root * root * root - TOE * TOE * TOE)
}

impl Prepared {
    /// The look of `oklab`.
    #[inline]
    pub fn apply(&self, [l, a, b]: [f32; 3]) -> [f32; 3] {
        if self.is_neutral {
            return [l, a, b];
        }
        let Look { tint, tint_by_lightness, pivot, .. } = self.look;
        let lightness = untoed(self.slope * toed(l) + self.constant);
        let depth = (lightness / DARK).clamp(0.0, 1.0);
        let [tint_a, tint_b] = [0, 1].map(|axis: usize| depth * (tint[axis] + tint_by_lightness[axis] * (l - pivot)));
        let [cos, sin] = self.turn;
        [lightness, cos * a - sin * b + tint_a, sin * a + cos * b + tint_b]
    }
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
        let darker = look(|look| look.exposure = -1.0)[0];
        assert!((toed(darker) - toed(0.7) / 2.0).abs() < 1e-5, "one stop down halves the toed lightness: {darker}");
        let farther = look(|look| look.contrast = 1.0)[0];
        assert!((toed(farther) - 2.0 * toed(0.7) + toed(0.5)).abs() < 1e-5, "contrast doubles the distance: {farther}");
        assert_eq!(look(|look| look.saturation = 0.0)[1..], [0.0, 0.0], "no chroma");
        let half = look(|look| look.hue_turn = 0.5);
        assert!((half[1] + 0.1).abs() < 1e-4 && (half[2] - 0.05).abs() < 1e-4, "half a turn: {half:?}");
        assert!((look(|look| look.tint_by_lightness = [0.0, 1.0])[2] - 0.15).abs() < 1e-5, "tint above the pivot");
        let knobs = look_with_every_knob().knobs();
        assert_eq!(Look::of_knobs(knobs, 0.4), look_with_every_knob(), "there and back");
    }

    #[test]
    fn lifted_shadows_show_no_step_between_two_levels() {
        let look = Look { exposure: 0.5, contrast: -0.9, ..Look::neutral(0.4) };
        let shown = |level: u8| {
            let grey = crate::image::color::linear_from_srgb(f32::from(level) / 255.0);
            let [lightness, ..] = look.apply(crate::image::color::oklab_from_linear([grey; 3]));
            crate::image::color::srgb_from_linear(lightness * lightness * lightness)
        };
        for level in 0..20 {
            let step = shown(level + 1) - shown(level);
            assert!((0.0..0.02).contains(&step), "levels {level} and {} are {step} apart", level + 1);
        }
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
