//! Change of size.
//!
//! Input: a picture. Output: the same picture at another size, in the same colour space and kind of alpha.
//! Invariants: a constant picture stays constant; alpha stays within 0 to 1; colour never bleeds out of transparent
//! pixels. Determinism: each output pixel is one sum in a fixed order, whatever the number of threads.
//! Cost: about `2 * 4 * max(1, source / target)` multiply-adds a value and axis; the extra memory is one picture of
//! source width and target height. Planes of one value cost nothing.
//!
//! The kernel is Mitchell and Netravali's (1988, "Reconstruction filters in computer graphics", B = C = 1/3), widened
//! when shrinking so that it also removes what the smaller grid cannot hold. It rings less than Lanczos: an overshoot
//! beside an edge would become a thin shape of its own after vectorization.
//!
//! Sums are taken in linear light, as light adds, and over premultiplied colour, as coverage adds. Averages of
//! display-referred values would darken fine bright detail.

use rayon::prelude::*;

use super::{Alpha, ColorSpace, Image, color, converted};
use crate::ctx::Ctx;

/// `image` at `width_px` x `height_px` (sides of zero count as one).
///
/// Colours below 0 that the kernel's lobes make are cut off; colours above 1 are kept only where the source has them.
pub fn resize(image: &Image, width_px: usize, height_px: usize, ctx: &Ctx) -> Image {
    let (width, height) = (width_px.max(1), height_px.max(1));
    if (width, height) == (image.width, image.height) {
        return image.clone();
    }
    ctx.install(|| {
        let [columns, rows] = [taps(image.width, width), taps(image.height, height)];
        let resize_plane = |plane: &[f32]| {
            let first = plane.first().copied().unwrap_or(0.0);
            if plane.iter().all(|&value| value == first) {
                return vec![first; width * height];
            }
            let limit = plane.iter().copied().fold(0.0, f32::max);
            // Columns first: that pass vectorizes and leaves fewer rows to the other one.
            let low = resize_columns(plane, image.width, &rows);
            let mut small = resize_rows(&low, image.width, &columns);
            small.iter_mut().for_each(|value| *value = value.clamp(0.0, limit));
            small
        };
        let planes = if !image.has_alpha() && image.space == ColorSpace::Srgb {
            // Opaque pictures, which most are, one plane at a time: a copy of all of them costs more than the rest.
            let light = |plane: &Vec<f32>| resize_plane(&converted(plane, color::linear_from_srgb));
            let [red, green, blue, alpha] = &image.planes;
            [light(red), light(green), light(blue), resize_plane(alpha)]
        } else {
            let light = image.clone().into_straight().into_space(ColorSpace::Linear).into_premultiplied();
            light.planes.each_ref().map(|plane| resize_plane(plane))
        };
        let small = Image { width, height, planes, space: ColorSpace::Linear, alpha: Alpha::Premultiplied };
        let straight = small.into_straight().into_space(image.space);
        if image.alpha == Alpha::Premultiplied { straight.into_premultiplied() } else { straight }
    })
}

/// `image` scaled so that its long side is at most `long_side_px`, keeping its shape; never larger than it is.
pub fn fit_long_side(image: &Image, long_side_px: usize, ctx: &Ctx) -> Image {
    let long = image.width.max(image.height);
    let target = long_side_px.clamp(1, long.max(1));
    let scaled = |side: usize| ((side * target + long / 2) / long.max(1)).max(1);
    resize(image, scaled(image.width), scaled(image.height), ctx)
}

/// `plane` of `width` columns at another size, every value that of the nearest pixel: for masks, which must not blur.
pub fn nearest(plane: &[f32], width: usize, (to_width, to_height): (usize, usize)) -> Vec<f32> {
    let height = plane.len() / width.max(1);
    let at = |row: usize, column: usize| {
        let (x, y) = ((2 * column + 1) * width / (2 * to_width), (2 * row + 1) * height / (2 * to_height));
        plane.get(y * width + x).copied().unwrap_or(0.0)
    };
    (0..to_height).flat_map(|row| (0..to_width).map(move |column| (row, column))).map(|(r, c)| at(r, c)).collect()
}

/// Which source values make one target value.
struct Tap {
    first: usize,
    weights: Vec<f32>,
}

fn taps(source: usize, target: usize) -> Vec<Tap> {
    let scale = source as f64 / target as f64;
    let widen = scale.max(1.0);
    let tap = |index: usize| {
        let center = (index as f64 + 0.5) * scale;
        let first = (center - 2.0 * widen).floor().max(0.0) as usize;
        let last = ((center + 2.0 * widen).ceil() as usize).min(source);
        let weights: Vec<f64> = (first..last).map(|at| mitchell((at as f64 + 0.5 - center) / widen)).collect();
        let sum: f64 = weights.iter().sum();
        Tap { first, weights: weights.iter().map(|weight| (weight / sum) as f32).collect() }
    };
    (0..target).map(tap).collect()
}

/// Mitchell and Netravali 1988, equation 8, with B = C = 1/3.
fn mitchell(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        (7.0 * x * x * x - 12.0 * x * x + 16.0 / 3.0) / 6.0
    } else if x < 2.0 {
        (-7.0 / 3.0 * x * x * x + 12.0 * x * x - 20.0 * x + 32.0 / 3.0) / 6.0
    } else {
        0.0
    }
}

fn resize_rows(plane: &[f32], width: usize, taps: &[Tap]) -> Vec<f32> {
    let mut out = vec![0.0; plane.len() / width.max(1) * taps.len()];
    let rows = out.par_chunks_mut(taps.len().max(1)).zip(plane.par_chunks(width.max(1)));
    rows.for_each(|(out, row)| {
        for (value, tap) in out.iter_mut().zip(taps) {
            let window = row.get(tap.first..).unwrap_or_default();
            *value = window.iter().zip(&tap.weights).map(|(value, weight)| value * weight).sum();
        }
    });
    out
}

fn resize_columns(plane: &[f32], width: usize, taps: &[Tap]) -> Vec<f32> {
    let mut out = vec![0.0; width * taps.len()];
    out.par_chunks_mut(width.max(1)).zip(taps).for_each(|(out, tap)| {
        let rows = plane.chunks(width.max(1)).skip(tap.first);
        for (row, &weight) in rows.zip(&tap.weights) {
            for (out, value) in out.iter_mut().zip(row) {
                *out += weight * value;
            }
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ctx::Silent;
    use crate::rng::{Stage, Stream};

    fn ctx(threads: usize) -> Ctx {
        Ctx::new(threads, Arc::new(Silent)).unwrap()
    }

    fn noise(width: usize, height: usize) -> Image {
        let mut stream = Stream::new(3, 0, Stage::Test, 0);
        let mut image = Image::filled(width, height, [0.0; 3]);
        image.planes.iter_mut().flatten().for_each(|value| *value = stream.unit());
        image
    }

    #[test]
    fn a_constant_picture_stays_constant_at_any_size() {
        let image = Image::filled(13, 7, [0.25, 0.5, 0.75]);
        for (width, height) in [(1, 1), (5, 3), (13, 1), (40, 21)] {
            let out = resize(&image, width, height, &ctx(2));
            assert_eq!((out.width, out.height, out.pixels()), (width, height, out.planes[0].len()), "size");
            for (plane, expected) in out.planes.iter().zip([0.25, 0.5, 0.75, 1.0]) {
                assert!(plane.iter().all(|value| (value - expected).abs() < 1e-5), "{width} x {height}: {plane:?}");
            }
        }
    }

    #[test]
    fn shrinking_keeps_the_mean_light() {
        let mut image = noise(64, 48);
        image.planes[3].fill(1.0);
        let mean = |image: &Image| {
            let linear = image.clone().into_space(ColorSpace::Linear);
            linear.planes[0].iter().sum::<f32>() / linear.planes[0].len() as f32
        };
        let out = resize(&image, 16, 12, &ctx(2));
        assert!((mean(&out) - mean(&image)).abs() < 0.01, "{} became {}", mean(&image), mean(&out));
    }

    #[test]
    fn stripes_average_to_half_the_light_not_half_the_value() {
        let mut image = Image::filled(64, 4, [0.0; 3]);
        for plane in &mut image.planes[..3] {
            plane.iter_mut().skip(1).step_by(2).for_each(|value| *value = 1.0);
        }
        let out = resize(&image, 16, 1, &ctx(1));
        let middle = out.planes[0][8];
        assert!((middle - 0.7354).abs() < 0.01, "half the light is 0.735 in sRGB, not {middle}");
    }

    #[test]
    fn transparent_colour_does_not_bleed() {
        let mut image = Image::filled(32, 1, [1.0, 0.0, 0.0]);
        for x in 16..32 {
            image.planes[3][x] = 0.0;
            image.planes[1][x] = 1.0;
        }
        let out = resize(&image, 8, 1, &ctx(1));
        for x in 0..8 {
            assert!(out.planes[1][x] < 1e-4, "green at {x}: {}", out.planes[1][x]);
            assert!((0.0..=1.0).contains(&out.planes[3][x]), "alpha at {x}: {}", out.planes[3][x]);
        }
    }

    #[test]
    fn threads_do_not_change_a_bit_and_the_kind_of_picture_stays() {
        let image = noise(57, 31).into_premultiplied();
        let [one, three] = [1, 3].map(|threads| resize(&image, 20, 44, &ctx(threads)));
        assert_eq!(one, three, "thread count");
        assert_eq!((one.space, one.alpha), (image.space, image.alpha), "kind");
    }

    #[test]
    fn fitting_keeps_the_shape_and_never_enlarges() {
        let size = |width, height, side| {
            let out = fit_long_side(&Image::filled(width, height, [0.5; 3]), side, &ctx(1));
            (out.width, out.height)
        };
        assert_eq!(size(600, 400, 300), (300, 200), "landscape");
        assert_eq!(size(40, 600, 300), (20, 300), "portrait");
        assert_eq!(size(100, 50, 512), (100, 50), "small pictures stay");
        assert_eq!(size(900, 1, 90), (90, 1), "no side vanishes");
    }
}
