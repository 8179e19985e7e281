//! Light beyond the display's range, above 1: what a highlight of a scene-linear picture has over white.
//!
//! Input: the source and what was made of it within the range. Output: the same with the light given back. The rule:
//! * The part of a pixel that is the source's own detail is edited as the brightest colour of its hue that a display shows, the
//!   source divided by m, the largest of 1 and its channels in linear light; the result is multiplied by m. So a look
//!   treats a lamp as it treats a wall, and a lamp without an edit is the source's, to the bit.
//! * A flat shape stands for what was cut off before it was traced: where it stood still and still shows the colour that the cut
//!   source has, what the source's own detail would have above 1 is added in linear light. Where an edit gave it another colour,
//!   nothing is.
//!
//! Invariants: a source without such light changes no bit; nothing becomes darker. Determinism: pixel by pixel. Cost: one look at
//! every value, and some hundred operations for each such pixel.

use crate::image::Image;
use crate::image::color::{linear_from_srgb, srgb_from_linear};
use std::borrow::Cow;

/// A shape shows the colour of the cut source up to this difference in display-referred sRGB.
const ALIKE: f32 = 0.04;
/// From this difference on it shows another one.
const OTHER: f32 = 0.16;

/// The pixels of a source beyond the range.
pub(super) struct Bright<'a> {
    source: &'a Image,
    pixels: Vec<usize>,
    /// The source, each channel at most 1: what shapes were traced from.
    pub(super) cut: Cow<'a, Image>,
    /// The source, pixels beyond the range divided by their largest channel.
    pub(super) dimmed: Cow<'a, Image>,
}

impl<'a> Bright<'a> {
    /// Of `source`, display-referred sRGB with straight alpha.
    pub(super) fn of(source: &'a Image) -> Self {
        let [red, green, blue, _] = &source.planes;
        let brightest = red.iter().zip(green).zip(blue).map(|((r, g), b)| r.max(*g).max(*b));
        let pixels = brightest.enumerate().filter(|(_, value)| *value > 1.0).map(|(at, _)| at).collect::<Vec<_>>();
        let (mut cut, mut dimmed) = (Cow::Borrowed(source), Cow::Borrowed(source));
        if !pixels.is_empty() {
            let (cut, dimmed) = (cut.to_mut(), dimmed.to_mut());
            for &at in &pixels {
                let linear = linear_at(&source.planes, at);
                let most = linear.into_iter().fold(1.0, f32::max);
                for (plane, linear) in linear.into_iter().enumerate() {
                    let within = if most.is_finite() { srgb_from_linear(linear / most) } else { 1.0 };
                    put(&mut dimmed.planes, plane, at, within);
                    put(&mut cut.planes, plane, at, get(&source.planes, plane, at).min(1.0));
                }
            }
        }
        Self { source, pixels, cut, dimmed }
    }

    /// Whether there are any.
    pub(super) fn is_none(&self) -> bool {
        self.pixels.is_empty()
    }

    /// What was made of [`Self::dimmed`], multiplied by what that was divided by.
    pub(super) fn brightened(&self, edited: &[Vec<f32>; 3]) -> [Vec<f32>; 3] {
        let mut bright = edited.clone();
        for &at in &self.pixels {
            let most = linear_at(&self.source.planes, at).into_iter().fold(1.0, f32::max);
            let is_untouched = (0..3).all(|plane| get(edited, plane, at) == get(&self.dimmed.planes, plane, at));
            for plane in 0..3 {
                let value = match is_untouched || !most.is_finite() {
                    true => get(&self.source.planes, plane, at),
                    false => srgb_from_linear(most * linear_from_srgb(get(edited, plane, at))),
                };
                put(&mut bright, plane, at, value);
            }
        }
        bright
    }

    /// Adds what `lit`, the source or what its grade makes of it, has above 1 to the colours of shapes, `shapes`, where they are
    /// still those of [`Self::cut`]; `still` says how far they stood still.
    pub(super) fn add_cut(&self, shapes: &mut [Vec<f32>; 3], lit: &[Vec<f32>], still: Option<&[f32]>) {
        let shares = self.pixels.iter().map(|&at| {
            let apart = |plane: usize| (get(shapes, plane, at) - get(&self.cut.planes, plane, at)).abs();
            let apart = (0..3).map(apart).fold(0.0, f32::max);
            let still = still.and_then(|still| still.get(at)).copied().unwrap_or(1.0);
            still.clamp(0.0, 1.0) * ((OTHER - apart) / (OTHER - ALIKE)).clamp(0.0, 1.0)
        });
        let shares = shares.collect::<Vec<_>>();
        for (&at, share) in self.pixels.iter().zip(shares).filter(|(_, share)| *share > 0.0) {
            for plane in 0..3 {
                let over = linear_from_srgb(get(lit, plane, at)) - 1.0;
                if over > 0.0 {
                    let light = linear_from_srgb(get(shapes, plane, at)) + share * over;
                    put(shapes, plane, at, srgb_from_linear(light));
                }
            }
        }
    }
}

fn get(planes: &[Vec<f32>], plane: usize, at: usize) -> f32 {
    planes.get(plane).and_then(|plane| plane.get(at)).copied().unwrap_or(0.0)
}

fn put(planes: &mut [Vec<f32>], plane: usize, at: usize, value: f32) {
    if let Some(to) = planes.get_mut(plane).and_then(|plane| plane.get_mut(at)) {
        *to = value;
    }
}

fn linear_at(planes: &[Vec<f32>], at: usize) -> [f32; 3] {
    [0, 1, 2].map(|plane| linear_from_srgb(get(planes, plane, at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lamp() -> Image {
        let mut image = Image::filled(2, 1, [0.5; 3]);
        for (plane, light) in [4.0, 0.5, 0.25].into_iter().enumerate() {
            image.planes[plane][1] = srgb_from_linear(light);
        }
        image
    }

    fn colors(image: &Image) -> [Vec<f32>; 3] {
        [0, 1, 2].map(|plane: usize| image.planes[plane].clone())
    }

    fn linear(planes: &[Vec<f32>]) -> [f32; 3] {
        linear_at(planes, 1)
    }

    #[test]
    fn an_untouched_lamp_keeps_its_bits_and_an_edited_one_its_brightness() {
        let source = lamp();
        let bright = Bright::of(&source);
        assert_eq!(bright.brightened(&colors(&bright.dimmed)), colors(&source), "untouched");
        let grey = bright.brightened(&[0, 1, 2].map(|_| vec![srgb_from_linear(0.3); 2]));
        assert!(linear(&grey).iter().all(|light| (light - 1.2).abs() < 1e-4), "{:?} is four times grey", linear(&grey));
        assert_eq!(grey[0][0], srgb_from_linear(0.3), "what is within the range stays");
    }

    #[test]
    fn a_shape_that_kept_its_colour_gets_what_was_cut_off_and_another_does_not() {
        let source = lamp();
        let bright = Bright::of(&source);
        assert_eq!(linear(&bright.cut.planes)[0], 1.0, "cut");
        let cut = colors(&bright.cut);
        for (still, wanted) in [(None, 4.0), (Some([1.0, 0.5].as_slice()), 2.5), (Some(&[1.0, 0.0]), 1.0)] {
            let mut shapes = cut.clone();
            bright.add_cut(&mut shapes, &source.planes, still);
            let [red, green, _] = linear(&shapes);
            assert!((red - wanted).abs() < 1e-3 && (green - 0.5).abs() < 1e-4, "{still:?}: {red}, {green}");
        }
        let mut blue = [0.1, 0.2, 0.9].map(|value| vec![value; 2]);
        bright.add_cut(&mut blue, &source.planes, None);
        assert_eq!(blue, [0.1, 0.2, 0.9].map(|value| vec![value; 2]), "another colour");
    }

    #[test]
    fn a_picture_within_the_range_is_left_alone() {
        let source = Image::filled(3, 2, [0.2, 1.0, -0.1]);
        let bright = Bright::of(&source);
        assert!(bright.is_none() && matches!((&bright.cut, &bright.dimmed), (Cow::Borrowed(_), Cow::Borrowed(_))));
    }
}
