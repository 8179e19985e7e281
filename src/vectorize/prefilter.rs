//! Edge-preserving smoothing and edge sharpening before the palette is chosen.
//!
//! Input: `OKLab` pixels. Output: `OKLab` pixels of the same size. Invariants: a constant picture stays constant;
//! colours never leave the range of their window. Determinism: each pixel depends on its window alone, summed in
//! a fixed order. Cost: `(2 r + 1)^2` multiply-adds a pixel for smoothing, 8 reads a pixel for sharpening.

use rayon::prelude::*;

/// A picture as rows of triples.
pub(super) struct Pixels {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) values: Vec<[f32; 3]>,
}

/// Bilateral mean with Tukey's biweight on colour distance: beyond `limit_squared` a neighbour counts nothing, so
/// that edges of at least that contrast stay untouched (Durand and Dorsey 2002, section 3.2, on robust weights).
pub(super) fn smooth(source: &Pixels, radius: usize, limit_squared: f32) -> Pixels {
    if radius == 0 {
        return Pixels { width: source.width, height: source.height, values: source.values.clone() };
    }
    map_rows(source, |x, y| weighted_mean(source, x, y, radius, limit_squared))
}

fn weighted_mean(source: &Pixels, x: usize, y: usize, radius: usize, limit_squared: f32) -> [f32; 3] {
    let center = source.at(x, y);
    let (mut sum, mut weight_sum) = ([0.0f32; 3], 0.0f32);
    let columns = x.saturating_sub(radius)..(x + radius + 1).min(source.width);
    for row in y.saturating_sub(radius)..(y + radius + 1).min(source.height) {
        let line = source.values.get(row * source.width..).unwrap_or_default();
        for &value in line.get(columns.clone()).unwrap_or_default() {
            let near = (1.0 - distance_squared(value, center) / limit_squared).max(0.0);
            let weight = near * near;
            weight_sum += weight;
            for (sum, value) in sum.iter_mut().zip(value) {
                *sum += weight * value;
            }
        }
    }
    sum.map(|sum| sum / weight_sum)
}

/// Snaps pixels on a colour ramp to its nearer end, so that antialiased edges become steps at the half-way line
/// instead of thin shapes of their own. Only a pixel between its two neighbours across the strongest of four
/// directions moves: lines and points, which are extrema, stay (a discrete shock filter, Osher and Rudin 1990).
pub(super) fn sharpen(source: &Pixels, limit_squared: f32) -> Pixels {
    map_rows(source, |x, y| {
        let center = source.at(x, y);
        let ends = strongest_step(source, x, y);
        let span = distance_squared(ends[0], ends[1]);
        if span < limit_squared {
            return center;
        }
        let to = [0, 1].map(|end| distance_squared(ends[end], center));
        let is_between = to[0] < span && to[1] < span;
        match (is_between, to[0] <= to[1]) {
            (false, _) => center,
            (true, true) => ends[0],
            (true, false) => ends[1],
        }
    })
}

fn strongest_step(source: &Pixels, x: usize, y: usize) -> [[f32; 3]; 2] {
    let (left, right) = (x.saturating_sub(1), (x + 1).min(source.width - 1));
    let (up, down) = (y.saturating_sub(1), (y + 1).min(source.height - 1));
    let pairs =
        [((left, y), (right, y)), ((x, up), (x, down)), ((left, up), (right, down)), ((right, up), (left, down))];
    let mut best = ([source.at(x, y); 2], -1.0);
    for ((xa, ya), (xb, yb)) in pairs {
        let ends = [source.at(xa, ya), source.at(xb, yb)];
        let span = distance_squared(ends[0], ends[1]);
        if span > best.1 {
            best = (ends, span);
        }
    }
    best.0
}

impl Pixels {
    fn at(&self, x: usize, y: usize) -> [f32; 3] {
        self.values.get(y * self.width + x).copied().unwrap_or_default()
    }
}

fn map_rows(source: &Pixels, pixel: impl Fn(usize, usize) -> [f32; 3] + Sync) -> Pixels {
    let mut values = vec![[0.0; 3]; source.values.len()];
    values.par_chunks_mut(source.width.max(1)).enumerate().for_each(|(y, row)| {
        for (x, value) in row.iter_mut().enumerate() {
            *value = pixel(x, y);
        }
    });
    Pixels { width: source.width, height: source.height, values }
}

/// Squared Euclidean distance of two colours.
pub(super) fn distance_squared(a: [f32; 3], b: [f32; 3]) -> f32 {
    let [x, y, z] = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    x * x + y * y + z * z
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[f32]) -> Pixels {
        Pixels { width: values.len(), height: 1, values: values.iter().map(|&v| [v, 0.0, 0.0]).collect() }
    }

    fn lightness(pixels: &Pixels) -> Vec<f32> {
        pixels.values.iter().map(|value| value[0]).collect()
    }

    #[test]
    fn smoothing_flattens_noise_and_keeps_an_edge() {
        let out = lightness(&smooth(&row(&[0.50, 0.52, 0.50, 0.90, 0.92, 0.90]), 2, 0.1 * 0.1));
        assert!((out[1] - 0.5067).abs() < 2e-3, "noise beside the edge: {}", out[1]);
        assert!(out[2] < 0.515 && out[3] > 0.895, "the edge stays: {} to {}", out[2], out[3]);
    }

    #[test]
    fn sharpening_turns_a_ramp_into_a_step_at_the_half_way_line() {
        let out = lightness(&sharpen(&row(&[0.0, 0.0, 0.3, 1.0, 1.0]), 0.01));
        assert_eq!(out, [0.0, 0.0, 0.0, 1.0, 1.0], "the antialiased pixel joins the nearer side");
    }

    #[test]
    fn sharpening_leaves_a_thin_line_alone() {
        let out = lightness(&sharpen(&row(&[0.0, 0.0, 1.0, 0.0, 0.0]), 0.01));
        assert_eq!(out, [0.0, 0.0, 1.0, 0.0, 0.0], "an extremum is no ramp");
    }
}
