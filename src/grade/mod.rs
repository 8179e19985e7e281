//! Grade: the smooth part of a colour edit, a function of a colour and of its place, applied to shapes and to the pixels of
//! the source alike.
//!
//! Input: a colour in `OKLab` and a place on the canvas, 0 to 1 in each axis. Output: the graded colour, and how an error of
//! it falls back on the numbers of the grade. Formula: c' = look(c) + Σ over grids A(x, y, L) f(c), with
//! f(c) = (1, (c - mean) / deviation) and A trilinear between cells of 3 x 4 numbers. Invariants: a neutral grade changes no
//! bit; what it makes is brought into the gamut at the luminance it has. Determinism: plain arithmetic in fixed order.
//! Cost: some hundred operations a colour.

mod field;
mod look;
mod palette;

pub use field::{Cell, Field, Grid, Normal, Place};
pub use look::{Look, Prepared};
pub use palette::{Distance, Palette};

use crate::image::color;
use serde::{Deserialize, Serialize};

/// A global look and what it leaves to a smooth field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Grade {
    /// The same everywhere.
    pub look: Look,
    /// What depends on place and lightness.
    pub field: Field,
}

impl Grade {
    /// Whether nothing changes.
    pub fn is_neutral(&self) -> bool {
        self.look.is_neutral() && self.field.is_neutral()
    }

    /// The graded colour of `oklab` at `place`, not yet in the gamut.
    pub fn apply(&self, oklab: [f32; 3], place: [f32; 2]) -> [f32; 3] {
        let looked = self.look.apply(oklab);
        let more = self.field.apply(oklab, place);
        [0, 1, 2].map(|axis| looked[axis] + more[axis])
    }

    /// What of it is the same everywhere: the look, and those grids of the field that have one cell along x and y.
    pub fn without_place(&self) -> Self {
        let grids = self.field.grids.iter().filter(|grid| matches!(grid.size, [1, 1, _])).cloned().collect();
        Self { look: self.look, field: Field { normal: self.field.normal, grids } }
    }

    /// The part of the change of `colors` (colour, place, weight) that is the same everywhere, 0 to 1 for a field that only
    /// refines it.
    pub fn share_without_place(&self, colors: impl Iterator<Item = ([f32; 3], [f32; 2], f32)>) -> f32 {
        let global = self.without_place();
        let (mut by_global, mut by_place) = (0.0, 0.0);
        for (oklab, place, weight) in colors {
            let graded = global.apply(oklab, place);
            by_global += weight * distance(graded, oklab);
            by_place += weight * distance(self.apply(oklab, place), graded);
        }
        if by_global + by_place > 0.0 { by_global / (by_global + by_place) } else { 1.0 }
    }
}

fn distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()
}

/// `OKLab` of a display-referred sRGB colour.
#[inline]
pub fn oklab_from_srgb(srgb: [f32; 3]) -> [f32; 3] {
    color::oklab_from_linear(srgb.map(color::linear_from_srgb))
}

/// Luminance of linear light with Rec.709 primaries.
#[inline]
fn luminance([r, g, b]: [f32; 3]) -> f32 {
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// The display-referred sRGB colour of `oklab`, 0 to 1. What lies outside the gamut loses chroma in linear light until it
/// fits, at the luminance it has, so that shadings survive a strong tint.
pub fn srgb_from_oklab(oklab: [f32; 3]) -> [f32; 3] {
    fitted_linear_from_oklab(oklab).map(color::srgb_from_linear)
}

/// The linear light that [`srgb_from_oklab`] shows, 0 to 1.
#[inline]
pub fn fitted_linear_from_oklab(oklab: [f32; 3]) -> [f32; 3] {
    let linear = color::linear_from_oklab(oklab);
    let grey = luminance(linear).clamp(0.0, 1.0);
    let mut kept = 1.0_f32;
    for value in linear {
        let limit = if value > 1.0 { (1.0 - grey) / (value - grey) } else { grey / (grey - value) };
        kept = if (0.0..=1.0).contains(&value) { kept } else { kept.min(limit) };
    }
    let [r, g, b] = linear;
    let fitted = |value: f32| (grey + kept * (value - grey)).clamp(0.0, 1.0);
    [fitted(r), fitted(g), fitted(b)]
}

/// How far a colour lies outside the gamut, in linear light: 0 inside.
pub fn clipped(oklab: [f32; 3]) -> f32 {
    let outside = color::linear_from_oklab(oklab).map(|value| (value - value.clamp(0.0, 1.0)).abs());
    outside.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neutral_grade_changes_no_bit() {
        let grade = Grade::default();
        assert!(grade.is_neutral(), "the default is neutral");
        let color = oklab_from_srgb([0.3, 0.7, 0.2]);
        assert_eq!(grade.apply(color, [0.2, 0.9]), color, "colour");
    }

    #[test]
    fn colours_outside_the_gamut_keep_their_luminance() {
        for oklab in [[0.5, 0.4, 0.2], [0.3, -0.3, 0.1], [0.8, 0.1, -0.4]] {
            let wished = luminance(color::linear_from_oklab(oklab)).clamp(0.0, 1.0);
            let srgb = srgb_from_oklab(oklab);
            assert!(srgb.iter().all(|value| (0.0..=1.0).contains(value)), "{srgb:?} is a colour");
            let found = luminance(srgb.map(color::linear_from_srgb));
            assert!((found - wished).abs() < 1e-3, "{oklab:?}: luminance {found} instead of {wished}");
        }
        let inside = [0.25, 0.5, 0.75];
        let back = srgb_from_oklab(oklab_from_srgb(inside));
        assert!(inside.iter().zip(back).all(|(a, b)| (a - b).abs() < 2e-5), "{back:?} lies in the gamut");
    }
}
