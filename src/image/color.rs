//! Colour transforms: sRGB transfer function and `OKLab`.
//!
//! Input and output: single values or triples; colours outside 0 to 1 pass through without clipping.
//! Determinism: `powf` and `cbrt` of the standard library; results feed clustering and files, not hashes.

/// Linear light from display-referred sRGB (IEC 61966-2-1), odd-symmetric below zero.
pub fn linear_from_srgb(value: f32) -> f32 {
    let magnitude = value.abs();
    let linear = if magnitude <= 0.040_45 { magnitude / 12.92 } else { ((magnitude + 0.055) / 1.055).powf(2.4) };
    linear.copysign(value)
}

/// Display-referred sRGB from linear light, inverse of [`linear_from_srgb`].
pub fn srgb_from_linear(value: f32) -> f32 {
    let magnitude = value.abs();
    let srgb = if magnitude <= 0.003_130_8 { magnitude * 12.92 } else { 1.055 * magnitude.powf(1.0 / 2.4) - 0.055 };
    srgb.copysign(value)
}

/// `OKLab` (Ottosson 2020) from linear light: lightness 0 to 1, green-red, blue-yellow.
pub fn oklab_from_linear([r, g, b]: [f32; 3]) -> [f32; 3] {
    let l = (0.412_221_47 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
    let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
    let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn white_and_grey_have_no_chroma_in_oklab() {
        for level in [0.0, 0.2, 1.0] {
            let [l, a, b] = oklab_from_linear([level; 3]);
            assert!(a.abs() < 1e-4 && b.abs() < 1e-4, "grey {level} has chroma {a}, {b}");
            assert!((l - level.cbrt()).abs() < 1e-4, "lightness of {level} is {l}");
        }
    }
}
