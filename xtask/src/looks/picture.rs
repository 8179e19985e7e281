//! A picture as numbers, and its colours in OKLab.
//!
//! Input: a PNG or JPEG file. Output: sRGB from 0 to 1, on white paper where the file has holes, and OKLab (Ottosson 2020)
//! of the same pixels. Invariant: `width * height` pixels, row by row. Cost: some 50 ms for 512 x 512 pixels.

use image::imageops::FilterType;
use image::{DynamicImage, RgbImage};
use std::path::Path;

/// Lightness from 0 to 1, green to red, blue to yellow.
pub(crate) type Lab = [f64; 3];

/// Linear sRGB to cone responses.
const CONES: [[f64; 3]; 3] = [
    [0.412_221_47, 0.536_332_55, 0.051_445_995],
    [0.211_903_5, 0.680_699_5, 0.107_396_96],
    [0.088_302_46, 0.281_718_85, 0.629_976_87],
];
/// Cube roots of cone responses to OKLab.
const OPPONENTS: [[f64; 3]; 3] = [
    [0.210_454_26, 0.793_617_8, -0.004_072_047],
    [1.977_998_5, -2.428_592_2, 0.450_593_7],
    [0.025_904_037, 0.782_771_77, -0.808_675_77],
];

/// Pixels of a picture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Picture {
    /// Pixels a row.
    pub(crate) width: usize,
    /// Rows.
    pub(crate) height: usize,
    /// Red, green and blue, 0 to 1 as the file holds them.
    pub(crate) rgb: Vec<[f64; 3]>,
}

impl Picture {
    /// Reads a file.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        image::open(path).map(|picture| Self::of(&picture)).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Reads a file and brings it to the size of `like`, so that the two can be compared pixel by pixel.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(crate) fn open_like(path: &Path, like: &Self) -> Result<Self, String> {
        let picture = image::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let (width, height) = (like.width as u32, like.height as u32);
        if (picture.width(), picture.height()) == (width, height) {
            return Ok(Self::of(&picture));
        }
        Ok(Self::of(&picture.resize_exact(width, height, FilterType::Lanczos3)))
    }

    /// The numbers of a picture in memory, over white.
    pub(crate) fn of(picture: &DynamicImage) -> Self {
        let opaque = over_white(picture);
        let rgb = opaque.pixels().map(|pixel| pixel.0.map(|level| f64::from(level) / 255.0)).collect();
        Self { width: opaque.width() as usize, height: opaque.height() as usize, rgb }
    }

    /// Every pixel in OKLab.
    pub(crate) fn lab(&self) -> Vec<Lab> {
        self.rgb.iter().map(|rgb| oklab(*rgb)).collect()
    }

    /// The pixel in column `x` of row `y`; white outside, as paper goes on.
    pub(crate) fn at(&self, x: usize, y: usize) -> [f64; 3] {
        let inside = x < self.width && y < self.height;
        inside.then(|| self.rgb.get(y * self.width + x).copied()).flatten().unwrap_or([1.0; 3])
    }
}

/// A picture laid on white paper.
pub(crate) fn over_white(picture: &DynamicImage) -> RgbImage {
    let pixel = |pixel: &image::Rgba<u8>| {
        let [r, g, b, alpha] = pixel.0.map(u32::from);
        image::Rgb([r, g, b].map(|level| ((level * alpha + 255 * (255 - alpha) + 127) / 255) as u8))
    };
    let rgba = picture.to_rgba8();
    let mut opaque = RgbImage::new(rgba.width(), rgba.height());
    opaque.pixels_mut().zip(rgba.pixels()).for_each(|(to, from)| *to = pixel(from));
    opaque
}

/// OKLab of a colour in sRGB from 0 to 1.
pub(crate) fn oklab(rgb: [f64; 3]) -> Lab {
    let linear = rgb.map(|level| if level <= 0.04045 { level / 12.92 } else { ((level + 0.055) / 1.055).powf(2.4) });
    times(&OPPONENTS, times(&CONES, linear).map(f64::cbrt))
}

fn times(matrix: &[[f64; 3]; 3], [x, y, z]: [f64; 3]) -> [f64; 3] {
    matrix.map(|[a, b, c]| a * x + b * y + c * z)
}

/// Distance from grey.
pub(crate) fn chroma([_, a, b]: Lab) -> f64 {
    a.hypot(b)
}

/// Degrees from one hue to another, at most 180.
pub(crate) fn hue_distance([_, a, b]: Lab, hue: f64) -> f64 {
    ((b.atan2(a).to_degrees() - hue + 180.0).rem_euclid(360.0) - 180.0).abs()
}

/// Brightness as a screen shows it (Rec. 709 weights on the stored levels).
pub(crate) fn luma([r, g, b]: [f64; 3]) -> f64 {
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_is_light_and_grey_has_no_chroma() {
        let [white, grey] = [[1.0; 3], [0.5; 3]].map(oklab);
        assert!((white[0] - 1.0).abs() < 1e-3, "{white:?}");
        assert!(chroma(grey) < 1e-3, "{grey:?}");
    }

    #[test]
    fn primaries_have_their_published_hues() {
        for (rgb, hue) in [([1.0, 0.0, 0.0], 29.2), ([0.0, 1.0, 0.0], 142.5), ([0.0, 0.0, 1.0], 264.1)] {
            assert!(hue_distance(oklab(rgb), hue) < 0.5, "{rgb:?}");
        }
    }

    #[test]
    fn holes_are_white() {
        let hole = image::RgbaImage::from_pixel(1, 1, image::Rgba([10, 20, 30, 0]));
        assert_eq!(Picture::of(&hole.into()).rgb, [[1.0; 3]]);
    }
}
