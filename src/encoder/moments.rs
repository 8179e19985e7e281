//! Texture as the tower sees it: mean and deviation of every channel of its tokens, wherever in the picture they stand.
//!
//! Input: token states after some block, `[crops, tokens, width]`. Output: their moments; how far others are from having them, and the
//! exact gradient by the states. Formula: the mean over channels of ((m - M)² + (s - S)²) / (S² + ε), M and S of the reference, the style loss of
//! Huang and Belongie 2017 ("Arbitrary style transfer in real-time with adaptive instance normalization", equation 13), with each
//! channel in its own unit. Determinism: sums in token order, in f64. Cost: a few operations a value.

/// Keeps channels that never vary in the reference from outvoting the others; a part of the mean square deviation.
const LEAST_VARIANCE: f64 = 0.05;

/// Moments of every channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    means: Vec<f64>,
    deviations: Vec<f64>,
    /// What a channel's differences are measured in, squared.
    units: Vec<f64>,
}

impl Moments {
    /// Of states with `width` channels; none of no states.
    pub fn of(states: &[f32], width: usize) -> Option<Self> {
        if states.is_empty() || width == 0 || !states.len().is_multiple_of(width) {
            return None;
        }
        let (means, deviations) = moments(states, width);
        let mean_square = deviations.iter().map(|deviation| deviation * deviation).sum::<f64>() / width as f64;
        let floor = (LEAST_VARIANCE * mean_square).max(1e-12);
        let units = deviations.iter().map(|deviation| deviation * deviation + floor).collect();
        Some(Self { means, deviations, units })
    }

    /// How far `states` are from having these moments, and `weight` times the gradient by them.
    pub fn distance(&self, states: &[f32], weight: f64) -> (f64, Vec<f32>) {
        let width = self.means.len();
        let (means, deviations) = moments(states, width);
        let count = (states.len() / width.max(1)).max(1) as f64;
        let mut loss = 0.0;
        // dL/dx = 2 / (C N u) ((m - M) + (s - S) (x - m) / s), so one constant and one slope a channel.
        let mut lines = Vec::with_capacity(width);
        let own = means.iter().zip(&deviations);
        for (((mean, deviation), (mean_ref, deviation_ref)), unit) in
            own.zip(self.means.iter().zip(&self.deviations)).zip(&self.units)
        {
            let (by_mean, by_deviation) = (mean - mean_ref, deviation - deviation_ref);
            loss += (by_mean * by_mean + by_deviation * by_deviation) / (unit * width as f64);
            let scale = 2.0 * weight / (width as f64 * count * unit);
            lines.push((scale * by_mean, scale * by_deviation / deviation.max(1e-9), *mean));
        }
        let by_row = |row: &[f32]| {
            let values = row.iter().zip(&lines);
            values.map(|(x, (constant, slope, mean))| (constant + slope * (f64::from(*x) - mean)) as f32).collect()
        };
        (loss, states.chunks(width.max(1)).flat_map(|row| -> Vec<f32> { by_row(row) }).collect())
    }
}

/// Mean and deviation of every channel.
fn moments(states: &[f32], width: usize) -> (Vec<f64>, Vec<f64>) {
    let count = (states.len() / width.max(1)).max(1) as f64;
    let mut sums = vec![0.0; width];
    for row in states.chunks(width.max(1)) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    let means = sums.into_iter().map(|sum| sum / count).collect::<Vec<f64>>();
    let mut squares = vec![0.0; width];
    for row in states.chunks(width.max(1)) {
        for ((square, value), mean) in squares.iter_mut().zip(row).zip(&means) {
            *square += (f64::from(*value) - mean) * (f64::from(*value) - mean);
        }
    }
    (means, squares.into_iter().map(|square: f64| (square / count).sqrt()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Stage, Stream};

    fn states(count: usize, index: u32) -> Vec<f32> {
        let mut stream = Stream::new(9, 0, Stage::Test, index);
        (0..count * 6).map(|at| 0.3 * at as f32 / 100.0 + stream.normal()).collect()
    }

    #[test]
    fn tokens_in_another_order_are_the_same_texture_and_a_shift_is_not() {
        let all = states(40, 1);
        let moments = Moments::of(&all, 6).unwrap();
        let turned = all.chunks(6).rev().flatten().copied().collect::<Vec<_>>();
        assert!(moments.distance(&turned, 1.0).0 < 1e-9, "order");
        let shifted = all.iter().map(|value| value + 1.0).collect::<Vec<_>>();
        assert!((moments.distance(&shifted, 1.0).0 - 0.95).abs() < 0.1, "about one deviation away, squared");
        assert_eq!(Moments::of(&[], 6), None);
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let moments = Moments::of(&states(50, 2), 6).unwrap();
        let all = states(11, 3);
        let (_, by_states) = moments.distance(&all, 1.0);
        for (at, exact) in by_states.iter().enumerate() {
            let value = |step: f32| {
                let mut moved = all.clone();
                moved[at] += step;
                (moments.distance(&moved, 0.0).0, f64::from(moved[at]))
            };
            let ((up, at_up), (down, at_down)) = (value(1e-2), value(-1e-2));
            let numeric = (up - down) / (at_up - at_down);
            assert!((numeric - f64::from(*exact)).abs() < 1e-5, "value {at}: {numeric} against {exact}");
        }
    }
}
