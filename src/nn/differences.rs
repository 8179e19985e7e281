//! Gradients against central differences, for the tests of layers.
//!
//! Input: a function, its gradient at a place. Output: a failure where they part. Determinism: noise is counter-based. Cost: two
//! calls a value.

use crate::rng::{Stage, Stream};

/// `n` normal numbers, others for every `index`.
pub(super) fn noise(n: usize, index: u32) -> Vec<f32> {
    let mut stream = Stream::new(5, 0, Stage::Test, index);
    (0..n).map(|_| stream.normal()).collect()
}

/// Compares `gradient` with central differences of sum(weights * f(x)), summed in f64.
pub(super) fn check(name: &str, x: &[f32], weights: &[f32], gradient: &[f32], f: impl Fn(&[f32]) -> Vec<f32>) {
    let value = |x: &[f32]| -> f64 { f(x).iter().zip(weights).map(|(&y, &w)| f64::from(y) * f64::from(w)).sum() };
    let scale = gradient.iter().fold(0.0_f64, |m, &g| m.max(f64::from(g).abs()));
    for i in 0..x.len() {
        let step = |h: f32| {
            let mut moved = x.to_vec();
            moved[i] += h;
            (value(&moved), f64::from(moved[i]))
        };
        let ((up, at_up), (down, at_down)) = (step(4e-3), step(-4e-3));
        let expected = (up - down) / (at_up - at_down);
        let error = (expected - f64::from(gradient[i])).abs() / scale;
        assert!(error < 5e-4, "{name}: value {i}: differences {expected}, gradient {}", gradient[i]);
    }
}
