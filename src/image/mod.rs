//! Pixels: planar 32-bit floats with an explicit colour space and an explicit kind of alpha.
//!
//! Input: decoded files and host buffers. Output: the pixels that every stage reads.
//! Invariants: four planes of `width * height` values, rows top to bottom; 1 <= side <= [`MAX_SIDE_PX`].
//! Determinism: fixed summation order everywhere. Cost: 16 bytes a pixel.

pub mod color;
pub mod file;
pub mod guided;
pub mod rect;
pub mod resample;

use crate::fault::Fault;
use rayon::prelude::*;

/// Largest accepted side in pixels.
pub const MAX_SIDE_PX: usize = 32_768;
/// Largest accepted number of pixels (256 megapixels, 4 GiB of planes).
pub const MAX_PIXELS: usize = 1 << 28;

/// Alpha up to this counts as none: colour divided by less is no colour that a picture holds.
pub const LEAST_ALPHA: f32 = 1e-6;

/// What the numbers in the colour planes mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ColorSpace {
    /// Display-referred sRGB, the space of shapes and of the encoder: perceptual steps.
    #[default]
    Srgb,
    /// Linear light with sRGB primaries, the space of EXR files: resampling and blur are physical here.
    Linear,
}

/// How colour relates to alpha.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Alpha {
    /// Colour is independent of alpha.
    #[default]
    Straight,
    /// Colour is already multiplied by alpha.
    Premultiplied,
}

/// A picture that cannot be worked on.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ImageError {
    /// A side is zero.
    #[error("the picture is {width} x {height} pixels: there is nothing to edit")]
    Empty {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// A side or the area is over the limit.
    #[error(
        "the picture is {width} x {height} pixels, more than {} a side or {} in all; scale it down first",
        MAX_SIDE_PX,
        MAX_PIXELS
    )]
    Huge {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// A pixel is NaN or infinite.
    #[error("pixel ({x}, {y}) holds {value}, which is not a finite number; repair the picture first")]
    NotFinite {
        /// Column.
        x: usize,
        /// Row, from the top.
        y: usize,
        /// The number.
        value: f32,
    },
}

impl ImageError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        Fault::Work
    }
}

/// A picture: red, green, blue and alpha planes.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Red, green, blue, alpha; each `width * height` values, rows top to bottom.
    pub planes: [Vec<f32>; 4],
    /// What the colour planes mean.
    pub space: ColorSpace,
    /// How colour relates to alpha.
    pub alpha: Alpha,
}

impl Image {
    /// An opaque picture of one colour in display-referred sRGB.
    pub fn filled(width: usize, height: usize, rgb: [f32; 3]) -> Self {
        let plane = |value| vec![value; width * height];
        let [r, g, b] = rgb;
        Self {
            width,
            height,
            planes: [plane(r), plane(g), plane(b), plane(1.0)],
            space: ColorSpace::Srgb,
            alpha: Alpha::Straight,
        }
    }

    /// Number of pixels.
    pub fn pixels(&self) -> usize {
        self.width * self.height
    }

    /// Checks the size before anything is allocated.
    ///
    /// # Errors
    /// [`ImageError::Empty`] or [`ImageError::Huge`].
    pub fn check_size(width: usize, height: usize) -> Result<(), ImageError> {
        if width == 0 || height == 0 {
            return Err(ImageError::Empty { width, height });
        }
        let fits = width <= MAX_SIDE_PX && height <= MAX_SIDE_PX && width.saturating_mul(height) <= MAX_PIXELS;
        if fits { Ok(()) } else { Err(ImageError::Huge { width, height }) }
    }

    /// Checks size and that every number is finite.
    ///
    /// # Errors
    /// The first [`ImageError`] found.
    pub fn validate(&self) -> Result<(), ImageError> {
        Self::check_size(self.width, self.height)?;
        for plane in &self.planes {
            if let Some(at) = plane.iter().position(|value| !value.is_finite()) {
                let value = plane.get(at).copied().unwrap_or(f32::NAN);
                return Err(ImageError::NotFinite { x: at % self.width, y: at / self.width, value });
            }
        }
        Ok(())
    }

    /// Whether any pixel is not fully opaque.
    pub fn has_alpha(&self) -> bool {
        let [_, _, _, alpha] = &self.planes;
        alpha.iter().any(|&value| value < 1.0)
    }

    /// The same picture with colour independent of alpha; fully transparent pixels become black.
    pub fn into_straight(mut self) -> Self {
        if self.alpha == Alpha::Premultiplied {
            let [r, g, b, alpha] = &mut self.planes;
            for plane in [r, g, b] {
                for (value, &a) in plane.iter_mut().zip(alpha.iter()) {
                    *value = if a > LEAST_ALPHA { *value / a } else { 0.0 };
                }
            }
            self.alpha = Alpha::Straight;
        }
        self
    }

    /// The same picture with colour multiplied by alpha.
    pub fn into_premultiplied(mut self) -> Self {
        if self.alpha == Alpha::Straight {
            let [r, g, b, alpha] = &mut self.planes;
            for plane in [r, g, b] {
                for (value, &a) in plane.iter_mut().zip(alpha.iter()) {
                    *value *= a;
                }
            }
            self.alpha = Alpha::Premultiplied;
        }
        self
    }

    /// The picture over an opaque ground, in its own space; straight alpha.
    pub fn over(mut self, ground: [f32; 3]) -> Self {
        self = self.into_straight();
        let [r, g, b, alpha] = &mut self.planes;
        for (plane, ground) in [r, g, b].into_iter().zip(ground) {
            for (value, &a) in plane.iter_mut().zip(alpha.iter()) {
                *value = if a < 1.0 { ground + a * (*value - ground) } else { *value };
            }
        }
        alpha.fill(1.0);
        self
    }

    /// The same picture in `space`; alpha is left alone, so convert straight pictures only where edges matter.
    pub fn into_space(mut self, space: ColorSpace) -> Self {
        let [r, g, b, _] = &mut self.planes;
        // One loop each, so that the conversion is compiled into it and vectorizes.
        match (self.space, space) {
            (ColorSpace::Srgb, ColorSpace::Linear) => {
                [r, g, b].into_iter().for_each(|plane| convert(plane, color::linear_from_srgb));
            }
            (ColorSpace::Linear, ColorSpace::Srgb) => {
                [r, g, b].into_iter().for_each(|plane| convert(plane, color::srgb_from_linear));
            }
            _ => {}
        }
        self.space = space;
        self
    }
}

/// Values converted by one task.
const CONVERTED_PER_TASK: usize = 1 << 16;

fn convert(plane: &mut [f32], value_from: impl Fn(f32) -> f32 + Sync) {
    plane.par_chunks_mut(CONVERTED_PER_TASK).for_each(|part| {
        part.iter_mut().for_each(|value| *value = value_from(*value));
    });
}

/// As [`convert`], into a new plane.
fn converted(plane: &[f32], value_from: impl Fn(f32) -> f32 + Sync) -> Vec<f32> {
    let mut out = vec![0.0; plane.len()];
    let parts = out.par_chunks_mut(CONVERTED_PER_TASK).zip(plane.par_chunks(CONVERTED_PER_TASK));
    parts.for_each(|(out, part)| out.iter_mut().zip(part).for_each(|(out, &value)| *out = value_from(value)));
    out
}

/// A value as 8 bits: 0 to 1 as 0 to 255, rounded; what lies outside is cut off.
pub fn byte_from_unit(value: f32) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8
}
