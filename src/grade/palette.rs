//! Palette: the colours of a picture as a distribution, and how far other colours are from having it.
//!
//! Input: a picture; weighted colours in `OKLab`. Output: the squared sliced Wasserstein distance of the two and its gradient by
//! each colour. Formula: 3 times the mean over directions of the integral of (F⁻¹(u) - G⁻¹(u))² over u from 0 to 1, F and G the
//! distributions of the colours' projections (Rabin et al. 2011, "Wasserstein barycenter and its application to texture mixing",
//! section 2.3); with the factor a palette that is shifted by s is |s|² away. Invariants: 0 for the picture's own colours; exact for
//! weights of any size: a colour is compared with the part of the quantiles that its weight covers. Determinism: directions are a
//! fixed spread, sums have a fixed order. Cost: a sort of the colours a direction.

use super::oklab_from_srgb;
use crate::image::{Image, color};
use rayon::prelude::*;

/// Directions that colours are seen along.
const DIRECTIONS: usize = 24;
/// Pixels that stand for a picture at most.
const MOST_PIXELS: usize = 4096;
/// Alpha from which a pixel has a colour.
const SEEN: f32 = 0.5;
/// Mean chroma below which a picture is black and white.
const GREY_BELOW: f32 = 0.004;

/// The colours of a picture along every direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Palette {
    lines: Vec<Line>,
    /// Mean chroma.
    chroma: f32,
}

/// Colours along one direction.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    direction: [f32; 3],
    /// Quantiles of equal mass, ascending.
    quantiles: Vec<f32>,
    /// Sums of all quantiles before each, and of their squares; one more than there are quantiles.
    sums: Vec<[f64; 2]>,
}

/// How far colours are from a palette.
#[derive(Clone, Debug, PartialEq)]
pub struct Distance {
    /// Squared, in `OKLab`.
    pub squared: f64,
    /// Its gradient by each colour.
    pub by_colors: Vec<[f32; 3]>,
}

impl Palette {
    /// Of a display-referred picture with straight alpha; none where nothing of it is seen.
    pub fn of_picture(picture: &Image) -> Option<Self> {
        let [red, green, blue, alpha] = &picture.planes;
        let seen = alpha.iter().enumerate().filter(|(_, alpha)| **alpha >= SEEN).map(|(at, _)| at).collect::<Vec<_>>();
        let count = seen.len().min(MOST_PIXELS);
        let at = |index: usize| seen.get(((2 * index + 1) * seen.len()) / (2 * count)).copied();
        let color = |at: usize| Some(oklab_from_srgb([*red.get(at)?, *green.get(at)?, *blue.get(at)?]));
        Self::of_colors(&(0..count).filter_map(at).filter_map(color).collect::<Vec<_>>())
    }

    /// Of `OKLab` colours of equal weight; none where there is none.
    pub fn of_colors(colors: &[[f32; 3]]) -> Option<Self> {
        let line = |direction: [f32; 3]| {
            let mut quantiles = colors.iter().map(|color| along(direction, *color)).collect::<Vec<_>>();
            quantiles.sort_by(f32::total_cmp);
            let mut sum = [0.0_f64; 2];
            let mut sums = vec![sum];
            for value in quantiles.iter().map(|value| f64::from(*value)) {
                sum = [sum[0] + value, sum[1] + value * value];
                sums.push(sum);
            }
            Line { direction, quantiles, sums }
        };
        let chroma = colors.iter().map(|[_, a, b]| a.hypot(*b)).sum::<f32>() / colors.len().max(1) as f32;
        (!colors.is_empty()).then(|| Self { lines: directions().into_par_iter().map(line).collect(), chroma })
    }

    /// Whether it has no chroma that anyone would see.
    pub fn is_grey(&self) -> bool {
        self.chroma < GREY_BELOW
    }

    /// How far `colors`, each of some weight, are from having this palette; at 0 and without a pull where nothing weighs anything.
    pub fn distance(&self, colors: &[[f32; 3]], weights: &[f32]) -> Distance {
        let total = weights.iter().map(|weight| f64::from(*weight)).sum::<f64>();
        let mut sum = Distance { squared: 0.0, by_colors: vec![[0.0; 3]; colors.len()] };
        if total <= 0.0 {
            return sum;
        }
        let lines = self.lines.par_iter().map(|line| line.distance(colors, weights, total)).collect::<Vec<_>>();
        let scale = 3.0 / self.lines.len() as f64;
        for (line, (squared, slopes)) in self.lines.iter().zip(lines) {
            sum.squared += scale * squared;
            for (by_color, slope) in sum.by_colors.iter_mut().zip(slopes) {
                let slope = (scale * slope) as f32;
                by_color.iter_mut().zip(line.direction).for_each(|(by, along)| *by += slope * along);
            }
        }
        sum
    }
}

impl Line {
    /// The squared distance along this direction, and its slope by each colour's projection.
    fn distance(&self, colors: &[[f32; 3]], weights: &[f32], total: f64) -> (f64, Vec<f64>) {
        let mut order = colors.iter().map(|color| along(self.direction, *color)).enumerate().collect::<Vec<_>>();
        order.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        let (mut squared, mut slopes) = (0.0, vec![0.0; colors.len()]);
        let (mut reached, mut before) = (0.0, [0.0; 2]);
        for (index, value) in order {
            let weight = f64::from(weights.get(index).copied().unwrap_or(0.0));
            reached += weight;
            let mass = weight / total;
            let until = self.integral(reached / total);
            let (value, [mean, square]) = (f64::from(value), [until[0] - before[0], until[1] - before[1]]);
            squared += value * value * mass - 2.0 * value * mean + square;
            if let Some(slope) = slopes.get_mut(index) {
                *slope = 2.0 * (value * mass - mean);
            }
            before = until;
        }
        (squared, slopes)
    }

    /// The integrals of the quantile function and of its square from 0 to `part`.
    fn integral(&self, part: f64) -> [f64; 2] {
        let count = self.quantiles.len();
        let at = (part * count as f64).clamp(0.0, count as f64);
        let whole = (at as usize).min(count.saturating_sub(1));
        let rest = at - whole as f64;
        let value = f64::from(self.quantiles.get(whole).copied().unwrap_or(0.0));
        let [sum, square] = self.sums.get(whole).copied().unwrap_or_default();
        [(sum + rest * value) / count as f64, (square + rest * value * value) / count as f64]
    }
}

fn along(direction: [f32; 3], color: [f32; 3]) -> f32 {
    direction[0] * color[0] + direction[1] * color[1] + direction[2] * color[2]
}

/// Directions spread evenly over half a sphere: a Fibonacci lattice (González 2010, "Measurement of areas on a sphere using Fibonacci
/// and latitude-longitude lattices", section 3).
fn directions() -> Vec<[f32; 3]> {
    const GOLDEN: f32 = 0.618_034;
    let direction = |index: usize| {
        let height = (index as f32 + 0.5) / DIRECTIONS as f32;
        let radius = (1.0 - height * height).sqrt();
        let [cos, sin] = color::cos_sin_of_turns((index as f32 * GOLDEN).fract());
        [height, radius * cos, radius * sin]
    };
    (0..DIRECTIONS).map(direction).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Stage, Stream};

    fn colors(count: usize, index: u32) -> Vec<[f32; 3]> {
        let mut stream = Stream::new(5, 0, Stage::Test, index);
        (0..count).map(|_| [0.5 + 0.2 * stream.normal(), 0.05 * stream.normal(), 0.1 * stream.normal()]).collect()
    }

    #[test]
    fn a_palette_is_no_way_from_itself_and_a_shift_away_from_its_shift() {
        let all = colors(300, 1);
        let palette = Palette::of_colors(&all).unwrap();
        let own = palette.distance(&all, &vec![2.5; 300]);
        assert!(own.squared.abs() < 1e-9, "{}", own.squared);
        let shift = [0.1, -0.05, 0.02];
        let moved = all.iter().map(|color| [0, 1, 2].map(|axis: usize| color[axis] + shift[axis])).collect::<Vec<_>>();
        let away = palette.distance(&moved, &vec![1.0; 300]);
        let wanted = shift.iter().map(|step| f64::from(step * step)).sum::<f64>();
        assert!((away.squared / wanted - 1.0).abs() < 0.05, "{} for {wanted}", away.squared);
        let pull = away.by_colors.iter().fold([0.0; 3], |sum, by| [0, 1, 2].map(|axis| sum[axis] + by[axis]));
        assert!((0..3).all(|axis| (pull[axis] - 2.0 * shift[axis]).abs() < 0.02), "{pull:?}");
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences_for_weights_of_any_size() {
        let palette = Palette::of_colors(&colors(101, 2)).unwrap();
        let all = colors(23, 3);
        let weights = (0..23).map(|at| [1.0, 7.5, 0.0, 30.0][at % 4]).collect::<Vec<_>>();
        let at = palette.distance(&all, &weights);
        let mut narrow = 0;
        for color in 0..all.len() {
            for axis in 0..3 {
                let value = |step: f32| {
                    let mut moved = all.clone();
                    moved[color][axis] += step;
                    (palette.distance(&moved, &weights).squared, f64::from(moved[color][axis]))
                };
                let [down, here, up] = [-1e-3, 0.0, 1e-3].map(value);
                let slope = |(a, at_a): (f64, f64), (b, at_b): (f64, f64)| (b - a) / (at_b - at_a);
                let (before, after) = (slope(down, here), slope(here, up));
                let exact = f64::from(at.by_colors[color][axis]);
                // Where two colours change places along a direction there is a bend, and the gradient is that of one of its sides; the
                // bowl between two bends is worth 2e-4.
                let range = before.min(after) - 3e-4..=before.max(after) + 3e-4;
                assert!(range.contains(&exact), "colour {color}, axis {axis}: {exact} is not within {range:?}");
                narrow += u32::from((after - before).abs() < 1e-3);
            }
        }
        assert!(narrow >= 40, "only {narrow} of 69 slopes have no bend");
    }

    #[test]
    fn following_the_gradient_brings_the_palette() {
        let palette = Palette::of_colors(&colors(200, 4)).unwrap();
        let mut all = vec![[0.5, 0.0, 0.0]; 40];
        all.iter_mut().zip(colors(40, 5)).for_each(|(color, noise)| *color = noise.map(|value| 0.3 * value));
        let first = palette.distance(&all, &[1.0; 40]).squared;
        for _ in 0..60 {
            let at = palette.distance(&all, &[1.0; 40]);
            for (color, by) in all.iter_mut().zip(at.by_colors) {
                *color = [0, 1, 2].map(|axis| color[axis] - 10.0 * by[axis]);
            }
        }
        let last = palette.distance(&all, &[1.0; 40]).squared;
        assert!(last < 0.01 * first, "{first} to {last}");
    }

    #[test]
    fn what_is_transparent_has_no_colour_and_nothing_at_all_no_palette() {
        let mut picture = Image::filled(4, 2, [0.2, 0.4, 0.6]);
        picture.planes[0][1] = 1.0;
        picture.planes[3][1] = 0.0;
        let palette = Palette::of_picture(&picture).unwrap();
        let own = palette.distance(&[oklab_from_srgb([0.2, 0.4, 0.6])], &[1.0]);
        assert!(own.squared < 1e-9, "{}", own.squared);
        picture.planes[3].fill(0.0);
        assert_eq!(Palette::of_picture(&picture), None);
        assert_eq!(palette.distance(&[[0.5; 3]], &[0.0]).by_colors, [[0.0; 3]], "no weight, no pull");
    }
}
