//! Colour transforms: sRGB transfer function and `OKLab`.
//!
//! Input and output: single values or triples; colours outside 0 to 1 pass through without clipping.
//! Determinism: additions, multiplications and divisions only, so every machine gives the same bits (the standard
//! library's powers differ between systems). Cost: about thirty operations without a branch, so loops vectorize.

use std::f32::consts::{FRAC_1_SQRT_2, LN_2};

/// Linear light from display-referred sRGB (IEC 61966-2-1), odd-symmetric below zero.
#[inline]
pub fn linear_from_srgb(value: f32) -> f32 {
    let magnitude = value.abs();
    let curve = power::<2>((magnitude + 0.055) / 1.055, 0.4);
    let linear = if magnitude <= 0.040_45 { magnitude / 12.92 } else { curve };
    linear.copysign(value)
}

/// Display-referred sRGB from linear light, inverse of [`linear_from_srgb`].
#[inline]
pub fn srgb_from_linear(value: f32) -> f32 {
    let magnitude = value.abs();
    // Not `max`, which would turn NaN into a number.
    let normal = if magnitude < f32::MIN_POSITIVE { f32::MIN_POSITIVE } else { magnitude };
    let curve = 1.055 * power::<0>(normal, 1.0 / 2.4) - 0.055;
    let srgb = if magnitude <= 0.003_130_8 { magnitude * 12.92 } else { curve };
    srgb.copysign(value)
}

/// `base` to the power `WHOLE + rest`, for positive normal bases; relative error below 6e-7. NaN stays NaN, and what is
/// too large becomes infinite.
///
/// `2^(y log2 base)` with the logarithm as exponent and mantissa: the exponent's share is split so that no digits of
/// the fraction are lost to a large whole part.
#[inline(always)]
fn power<const WHOLE: i32>(base: f32, rest: f32) -> f32 {
    let bits = base.to_bits() as i32;
    let exponent = (bits - FRAC_1_SQRT_2.to_bits() as i32) >> 23;
    let mantissa = f32::from_bits((bits - (exponent << 23)) as u32);
    // log2 of a mantissa in sqrt(1/2)..sqrt(2), by the series of the inverse hyperbolic tangent.
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let square = t * t;
    let series = 1.0 + square * (1.0 / 3.0 + square * (0.2 + square * (1.0 / 7.0 + square * (1.0 / 9.0))));
    let log = (WHOLE as f32 + rest) * (2.0 / LN_2) * t * series;
    let share = rest * exponent as f32;
    // Adding and taking away 1.5 x 2^23 rounds to the next whole number.
    let whole = (share + log + 12_582_912.0) - 12_582_912.0;
    let z = ((share - whole) + log) * LN_2;
    let fraction = 1.0
        + z * (1.0
            + z * (0.5
                + z * (1.0 / 6.0 + z * (1.0 / 24.0 + z * (1.0 / 120.0 + z * (1.0 / 720.0 + z * (1.0 / 5040.0)))))));
    let scale = (WHOLE * exponent + whole as i32).clamp(-126, 128);
    let raised = fraction * f32::from_bits(((scale + 127) << 23) as u32);
    if base.is_nan() { base } else { raised }
}

/// Cube root by Halley's iteration from the bits' third, odd-symmetric; zero and subnormals give zero.
#[inline]
pub fn cube_root(value: f32) -> f32 {
    let magnitude = value.abs();
    let mut root = f32::from_bits(magnitude.to_bits() / 3 + 0x2a51_19f2);
    for _ in 0..3 {
        let cube = root * root * root;
        root *= (cube + magnitude + magnitude) / (cube + cube + magnitude);
    }
    if magnitude < f32::MIN_POSITIVE { 0.0 } else { root.copysign(value) }
}

/// `OKLab` (Ottosson 2020) from linear light: lightness 0 to 1, green-red, blue-yellow.
#[inline]
pub fn oklab_from_linear([r, g, b]: [f32; 3]) -> [f32; 3] {
    let l = cube_root(0.412_221_47 * r + 0.536_332_55 * g + 0.051_445_995 * b);
    let m = cube_root(0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b);
    let s = cube_root(0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b);
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
    ]
}

/// Linear light from `OKLab`, inverse of [`oklab_from_linear`].
#[inline]
pub fn linear_from_oklab([lightness, green_red, blue_yellow]: [f32; 3]) -> [f32; 3] {
    linear_from_cones(cones_from_oklab([lightness, green_red, blue_yellow]).map(|root| root * root * root))
}

/// Cube roots of the cone responses of an `OKLab` colour.
#[inline]
fn cones_from_oklab([lightness, green_red, blue_yellow]: [f32; 3]) -> [f32; 3] {
    [
        lightness + 0.396_337_78 * green_red + 0.215_803_76 * blue_yellow,
        lightness - 0.105_561_346 * green_red - 0.063_854_17 * blue_yellow,
        lightness - 0.089_484_18 * green_red - 1.291_485_5 * blue_yellow,
    ]
}

#[inline]
fn linear_from_cones([l, m, s]: [f32; 3]) -> [f32; 3] {
    [
        4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_93 * s,
        -1.268_438 * l + 2.609_757_4 * m - 0.341_319_4 * s,
        -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s,
    ]
}

/// The gradient by an `OKLab` colour, given `d_srgb`, that by the display-referred sRGB of the same colour.
pub fn d_oklab_from_d_srgb(oklab: [f32; 3], d_srgb: [f32; 3]) -> [f32; 3] {
    let roots = cones_from_oklab(oklab);
    let linear = linear_from_cones(roots.map(|root| root * root * root));
    let [red, green, blue] = [0, 1, 2].map(|channel| d_srgb[channel] * slope_of_srgb(linear[channel]));
    // Back through the two matrices, with the derivative of the cube between them.
    let d_cones = [
        4.076_741_7 * red - 1.268_438 * green - 0.004_196_086_3 * blue,
        -3.307_711_6 * red + 2.609_757_4 * green - 0.703_418_6 * blue,
        0.230_969_93 * red - 0.341_319_4 * green + 1.707_614_7 * blue,
    ];
    let [l, m, s] = [0, 1, 2].map(|cone| 3.0 * roots[cone] * roots[cone] * d_cones[cone]);
    [
        l + m + s,
        0.396_337_78 * l - 0.105_561_346 * m - 0.089_484_18 * s,
        0.215_803_76 * l - 0.063_854_17 * m - 1.291_485_5 * s,
    ]
}

/// Derivative of [`srgb_from_linear`].
fn slope_of_srgb(linear: f32) -> f32 {
    let magnitude = linear.abs();
    if magnitude <= 0.003_130_8 { 12.92 } else { 1.055 / 2.4 * power::<0>(magnitude, 1.0 / 2.4 - 1.0) }
}

/// 2 to the power `exponent`, the same bits on every machine; for exponents from -100 to 100.
pub fn exp2(exponent: f32) -> f32 {
    power::<0>(2.0, exponent)
}

/// Cosine and sine of a number of full turns, the same bits on every machine: a short series of a sixteenth of the angle,
/// doubled four times.
pub fn cos_sin_of_turns(turns: f32) -> [f32; 2] {
    let angle = (turns - turns.round()) * (std::f32::consts::TAU / 16.0);
    let square = angle * angle;
    let sin = angle * (1.0 - square / 6.0 * (1.0 - square / 20.0 * (1.0 - square / 42.0)));
    let cos = 1.0 - square / 2.0 * (1.0 - square / 12.0 * (1.0 - square / 30.0));
    (0..4).fold([cos, sin], |[cos, sin], _| [cos * cos - sin * sin, 2.0 * cos * sin])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oklab_round_trips_and_its_gradient_is_that_of_finite_differences() {
        for srgb in [[0.9, 0.2, 0.1], [0.3, 0.31, 0.8], [0.02, 0.4, 0.05], [0.5, 0.5, 0.5]] {
            let oklab = oklab_from_linear(srgb.map(linear_from_srgb));
            let back = linear_from_oklab(oklab).map(srgb_from_linear);
            assert!(srgb.iter().zip(back).all(|(a, b)| (a - b).abs() < 2e-5), "{srgb:?} came back as {back:?}");
            let weights = [0.7, -1.1, 0.4];
            let value = |oklab: [f32; 3]| {
                let srgb = linear_from_oklab(oklab).map(srgb_from_linear);
                srgb.iter().zip(weights).map(|(value, weight)| f64::from(*value) * f64::from(weight)).sum::<f64>()
            };
            let exact = d_oklab_from_d_srgb(oklab, weights);
            for axis in 0..3 {
                let moved = |step: f32| {
                    let mut moved = oklab;
                    moved[axis] += step;
                    value(moved)
                };
                let numeric = (moved(2e-3) - moved(-2e-3)) / 4e-3;
                let off = (numeric - f64::from(exact[axis])).abs();
                assert!(off < 0.02 * (1.0 + numeric.abs()), "{srgb:?} axis {axis}: {numeric} against {}", exact[axis]);
            }
        }
    }

    #[test]
    fn turns_and_powers_of_two_agree_with_double_precision() {
        for step in -300..300 {
            let x = step as f32 * 0.01;
            let (angle, [cos, sin]) = (f64::from(x) * std::f64::consts::TAU, cos_sin_of_turns(x));
            let off = (angle.cos() - f64::from(cos)).abs().max((angle.sin() - f64::from(sin)).abs());
            assert!(off < 2e-5, "{x} turns: off by {off}");
            assert!((f64::from(exp2(x)) / f64::from(x).exp2() - 1.0).abs() < 2e-6, "2^{x} is {}", exp2(x));
        }
    }

    #[test]
    fn transfer_function_round_trips_and_keeps_known_points() {
        for step in 0..=100 {
            let value = step as f32 / 100.0;
            let back = srgb_from_linear(linear_from_srgb(value));
            assert!((back - value).abs() < 1e-6, "{value} came back as {back}");
        }
        assert!((linear_from_srgb(0.5) - 0.214_041).abs() < 1e-6, "mid grey");
    }

    #[test]
    fn powers_and_roots_agree_with_double_precision() {
        for step in 1..=40_000 {
            let value = step as f32 * 1e-3;
            for (found, exact) in [
                (power::<2>(value, 0.4), f64::from(value).powf(f64::from(0.4_f32) + 2.0)),
                (power::<0>(value, 1.0 / 2.4), f64::from(value).powf(f64::from(1.0_f32 / 2.4))),
                (cube_root(value), f64::from(value).cbrt()),
            ] {
                let error = (f64::from(found) / exact - 1.0).abs();
                assert!(error < 6e-7, "{value}: {found} instead of {exact}, off by {error}");
            }
        }
        assert_eq!((cube_root(0.0), cube_root(-8.0)), (0.0, -2.0), "zero and negatives");
        assert!(linear_from_srgb(f32::NAN).is_nan() && srgb_from_linear(f32::NAN).is_nan(), "NaN stays NaN");
        assert!(linear_from_srgb(f32::MAX).is_infinite(), "too large");
        assert_eq!((linear_from_srgb(0.0), srgb_from_linear(0.0)), (0.0, 0.0), "black stays black");
    }

    #[test]
    fn white_and_grey_have_no_chroma_in_oklab() {
        for level in [0.0, 0.2, 1.0] {
            let [l, a, b] = oklab_from_linear([level; 3]);
            assert!(a.abs() < 1e-4 && b.abs() < 1e-4, "grey {level} has chroma {a}, {b}");
            assert!((l - cube_root(level)).abs() < 1e-4, "lightness of {level} is {l}");
        }
    }
}
