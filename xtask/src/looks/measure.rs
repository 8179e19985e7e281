//! What an edit did to the colours of a picture, without asking an encoder.
//!
//! Input: the source and the result, equal in size. Output: ratios and shares. Cost: some 0.2 s a pair of 512 x 512 pixels,
//! nearly all of it the change to OKLab.

use super::picture::{Lab, Picture, chroma, hue_distance, luma};

/// Chroma below which a source has none that could be lost.
const NO_CHROMA: f64 = 1e-3;
/// Black and white extremes cannot carry a hue.
pub(crate) const CARRIES_HUE: std::ops::Range<f64> = 0.2..0.95;
/// Side of the blocks of [`local_contrast`] in pixels.
const BLOCK_PX: usize = 9;
/// A step up to this much larger than three times the largest step nearby in the source is no band.
const STEP_SLACK: f64 = 0.03;
/// Side in pixels of the square around a pixel that must be flat in the source for the pixel to count as sky.
const FLAT_PX: usize = 9;
/// Largest step in a flat square: twice the noise of a JPEG sky.
const FLAT_STEP: f64 = 0.03;

/// A source and what became of it.
#[derive(Debug)]
pub(crate) struct Change {
    /// The source in OKLab.
    pub(crate) source: Vec<Lab>,
    /// The result in OKLab.
    pub(crate) result: Vec<Lab>,
    /// Pixels a row.
    pub(crate) width: usize,
    /// Mean luma of the result over that of the source.
    pub(crate) luma: f64,
    /// Mean chroma of the result over that of the source.
    pub(crate) chroma: f64,
    /// Standard deviation of lightness of the result over that of the source.
    pub(crate) contrast: f64,
    /// Mean change of lightness, toward red, toward yellow.
    pub(crate) shift: Lab,
}

impl Change {
    /// Measures a pair.
    pub(crate) fn new(source: &Picture, result: &Picture) -> Self {
        let brightness = |picture: &Picture| mean(picture.rgb.iter().map(|rgb| luma(*rgb)));
        let luma = brightness(result) / brightness(source).max(f64::MIN_POSITIVE);
        let (width, source, result) = (source.width, source.lab(), result.lab());
        let colour = |lab: &[Lab]| mean(lab.iter().map(|lab| chroma(*lab)));
        let spread = |lab: &[Lab]| deviation(lab.iter().map(|[lightness, ..]| *lightness));
        let shift = [0, 1, 2].map(|axis: usize| {
            let of = |lab: &[Lab]| mean(lab.iter().filter_map(|lab| lab.get(axis).copied()));
            of(&result) - of(&source)
        });
        let chroma = colour(&result) / colour(&source).max(NO_CHROMA);
        let contrast = spread(&result) / spread(&source).max(f64::MIN_POSITIVE);
        Self { width, luma, chroma, contrast, shift, source, result }
    }

    /// How much of the source's [`local_contrast`] is left.
    pub(crate) fn local_contrast(&self) -> f64 {
        let before = local_contrast(&self.source, self.width);
        local_contrast(&self.result, self.width) / before.max(f64::MIN_POSITIVE)
    }

    /// Mean lightness of the result.
    pub(crate) fn lightness(&self) -> f64 {
        mean(self.result.iter().map(|[lightness, ..]| *lightness))
    }

    /// How much larger the share of pixels of this hue has become.
    pub(crate) fn hue_gain(&self, hue: f64, within: f64) -> f64 {
        hue_share(&self.result, hue, within, CHROMATIC) - hue_share(&self.source, hue, within, CHROMATIC)
    }
}

/// Chroma above which a pixel shows a hue.
pub(crate) const CHROMATIC: f64 = 0.03;

/// Share of the pixels that can carry a hue which are within so many degrees of `hue` and have more chroma than `least`.
pub(crate) fn hue_share(lab: &[Lab], hue: f64, within: f64, least: f64) -> f64 {
    let able = lab.iter().filter(|[lightness, ..]| *lightness > CARRIES_HUE.start && *lightness < CARRIES_HUE.end);
    let (mut all, mut right) = (0_usize, 0_usize);
    for colour in able {
        all += 1;
        right += usize::from(hue_distance(*colour, hue) <= within && chroma(*colour) > least);
    }
    right as f64 / all.max(1) as f64
}

/// Mean over the picture of the standard deviation of lightness in whole blocks of 9 x 9 pixels: what is left of it after
/// a tint or a fog is what can still be told apart at the scale of leaves, letters and eyes, whatever happened to the
/// large areas.
pub(crate) fn local_contrast(lab: &[Lab], width: usize) -> f64 {
    let rows = lab.chunks_exact(width.max(1)).collect::<Vec<_>>();
    let blocks = rows.chunks_exact(BLOCK_PX).flat_map(|band| {
        (0..width / BLOCK_PX).map(move |column| {
            let columns = column * BLOCK_PX..(column + 1) * BLOCK_PX;
            let block = band.iter().filter_map(move |row| row.get(columns.clone())).flatten();
            deviation(block.map(|[lightness, ..]| *lightness))
        })
    });
    mean(blocks.collect::<Vec<_>>().into_iter())
}

/// Share of pixels with a step that the source lacks, in the whole picture and among the pixels that lie in flat parts of
/// the source; the latter is none where the source has no flat part. The source is sampled with one pixel of slack.
pub(crate) fn banding(source: &Picture, result: &Picture) -> (f64, Option<f64>) {
    let (before, after) = (steps(source), steps(result));
    let near = largest_around(&before, source.width, 3);
    let around = largest_around(&before, source.width, FLAT_PX);
    let (mut bands, mut flat, mut flat_bands) = (0_usize, 0_usize, 0_usize);
    for ((step, near), around) in after.iter().zip(&near).zip(&around) {
        let band = usize::from(*step > 3.0 * near + STEP_SLACK);
        let sky = usize::from(*around <= FLAT_STEP);
        bands += band;
        flat += sky;
        flat_bands += band * sky;
    }
    let of_flat = (flat > 0).then(|| flat_bands as f64 / flat as f64);
    (bands as f64 / after.len().max(1) as f64, of_flat)
}

/// The largest step of any channel to the pixel on the right or below.
fn steps(picture: &Picture) -> Vec<f64> {
    let step = |from: [f64; 3], to: Option<&[f64; 3]>| {
        let channels = to.into_iter().flat_map(|to| from.into_iter().zip(*to));
        channels.fold(0.0, |largest: f64, (from, to)| largest.max((to - from).abs()))
    };
    let pixels = picture.rgb.iter().enumerate().map(|(index, rgb)| {
        let right = ((index + 1) % picture.width != 0).then(|| picture.rgb.get(index + 1)).flatten();
        step(*rgb, right).max(step(*rgb, picture.rgb.get(index + picture.width)))
    });
    pixels.collect()
}

/// The largest value in the square of this odd side around each pixel.
fn largest_around(values: &[f64], width: usize, side: usize) -> Vec<f64> {
    let reach = side / 2;
    let largest = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let across = values.chunks_exact(width.max(1)).map(|row| {
        let window = |x: usize| row.get(x.saturating_sub(reach)..(x + reach + 1).min(width)).unwrap_or_default();
        (0..width).map(|x| largest(window(x))).collect::<Vec<_>>()
    });
    let across = across.collect::<Vec<_>>();
    let rows = (0..across.len()).flat_map(|y| {
        let rows = across.get(y.saturating_sub(reach)..(y + reach + 1).min(across.len())).unwrap_or_default();
        (0..width).map(move |x| rows.iter().filter_map(|row| row.get(x).copied()).fold(0.0, f64::max))
    });
    rows.collect()
}

/// The mean; 0 of nothing.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0_usize, 0.0), |(count, sum), value| (count + 1, sum + value));
    sum / count.max(1) as f64
}

/// The upper median; not a number of nothing.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn deviation(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let centre = mean(values.clone());
    mean(values.map(|value| (value - centre).powi(2))).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: usize, height: usize, colour: impl Fn(usize, usize) -> [f64; 3]) -> Picture {
        let rgb = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| colour(x, y)).collect();
        Picture { width, height, rgb }
    }

    #[test]
    fn blocks_of_a_chequerboard_deviate_by_half_its_step() {
        let lab = |x: usize| [if x.is_multiple_of(2) { 0.4 } else { 0.6 }, 0.0, 0.0];
        let board = (0..19 * 18).map(lab).collect::<Vec<_>>();
        assert!((local_contrast(&board, 19) - 0.1).abs() < 1e-3);
    }

    #[test]
    fn a_step_in_a_smooth_sky_is_a_band_and_one_in_the_source_is_not() {
        let sky = picture(64, 32, |_, y| [0.2, 0.3, 0.4 + 0.005 * y as f64]);
        let banded = picture(64, 32, |_, y| [0.2, 0.3, if y < 16 { 0.4 } else { 0.6 }]);
        let (share, flat) = banding(&sky, &banded);
        assert!((share - 1.0 / 32.0).abs() < 1e-9, "{share}");
        assert_eq!(flat, Some(share));
        assert_eq!(banding(&banded, &banded).0, 0.0);
    }

    #[test]
    fn extremes_do_not_count_as_lacking_a_hue() {
        let lab = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.5, 0.1, 0.0], [0.5, 0.0, 0.0]];
        assert_eq!(hue_share(&lab, 0.0, 35.0, 0.03), 0.5);
    }

    #[test]
    fn a_darkened_picture_says_by_how_much() {
        let before = picture(9, 9, |x, _| [0.1 * x as f64; 3]);
        let after = picture(9, 9, |x, _| [0.05 * x as f64; 3]);
        let change = Change::new(&before, &after);
        assert!((change.luma - 0.5).abs() < 1e-9);
        assert!(change.shift[0] < 0.0 && change.shift[1].abs() < 1e-6);
        assert!(change.local_contrast() < 1.0);
    }
}
