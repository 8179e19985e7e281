//! Softmax on the processor, with its gradient.
//!
//! Input: rows of scores, changed in place. Output: weights that sum to one. Formula: e^(scale s - max) over its sum, so that no
//! exponential overflows. Determinism: as [`super::rows`]. Cost: an exponential a score.

use super::activation::exp;
use super::rows::sum_by;

/// softmax(scale * s) of each row of `keys` values, in place. `visible(row)` is how many leading keys the row may
/// see; the others get weight zero.
pub(crate) fn softmax(s: &mut [f32], keys: usize, scale: f32, visible: impl Fn(usize) -> usize) {
    for (row, s) in s.chunks_mut(keys.max(1)).enumerate() {
        let (seen, hidden) = s.split_at_mut(visible(row).min(keys));
        hidden.fill(0.0);
        let max = seen.iter().fold(f32::NEG_INFINITY, |max, &s| if s > max { s } else { max });
        for s in seen.iter_mut() {
            *s = exp(scale * (*s - max));
        }
        let inverse = 1.0 / sum_by(seen, seen, |s, _| s);
        for s in seen.iter_mut() {
            *s *= inverse;
        }
    }
}

/// Gradient of [`softmax`]: scale * p * (g - sum(g * p)), in place of `g`.
pub(crate) fn softmax_backward(p: &[f32], keys: usize, scale: f32, g: &mut [f32]) {
    for (p, g) in p.chunks(keys.max(1)).zip(g.chunks_mut(keys.max(1))) {
        let inner = sum_by(p, g, |p, g| p * g);
        for (g, &p) in g.iter_mut().zip(p) {
            *g = scale * p * (*g - inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::differences::{check, noise};

    #[test]
    fn softmax_has_the_gradient_of_finite_differences_and_hides_later_keys() {
        let visible = |row: usize| row + 2;
        let forward = |s: &[f32]| {
            let mut p = s.to_vec();
            softmax(&mut p, 7, 0.4, visible);
            p
        };
        let (s, w) = (noise(35, 8), noise(35, 10));
        let p = forward(&s);
        assert_eq!(p[2..7], [0.0; 5], "hidden keys get no weight");
        let mut g = w.clone();
        softmax_backward(&p, 7, 0.4, &mut g);
        check("softmax", &s, &w, &g, forward);
    }
}
