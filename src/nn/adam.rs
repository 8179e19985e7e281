//! Adam (Kingma and Ba 2015, algorithm 1) over flat parameter lists.
//!
//! Input: a gradient a step. Output: the step to add to each parameter. Invariants: a parameter whose gradient has
//! always been zero never moves, so freezing is zeroing before the step. Determinism: element-wise. Cost: 12 bytes
//! and about 10 operations a parameter.

pub(crate) const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
pub(crate) const EPSILON: f32 = 1e-8;

/// Moments of one parameter list.
#[derive(Clone, Debug)]
pub(crate) struct Adam {
    rate: f32,
    mean: Vec<f32>,
    variance: Vec<f32>,
    steps: i32,
}

impl Adam {
    /// Moments for `count` parameters moving about `rate` units a step.
    pub(crate) fn new(count: usize, rate: f32) -> Self {
        Self { rate, mean: vec![0.0; count], variance: vec![0.0; count], steps: 0 }
    }

    /// Turns the gradient into the step to *add*; `scale` multiplies the rate of this step.
    pub(crate) fn step(&mut self, gradient: &mut [f32], scale: f32) {
        self.steps += 1;
        let bias_1 = 1.0 - BETA_1.powi(self.steps);
        let bias_2 = 1.0 - BETA_2.powi(self.steps);
        let rate = self.rate * scale / bias_1;
        for ((g, mean), variance) in gradient.iter().zip(&mut self.mean).zip(&mut self.variance) {
            *mean = BETA_1 * *mean + (1.0 - BETA_1) * g;
            *variance = BETA_2 * *variance + (1.0 - BETA_2) * g * g;
        }
        for ((g, mean), variance) in gradient.iter_mut().zip(&self.mean).zip(&self.variance) {
            *g = -rate * mean / ((variance / bias_2).sqrt() + EPSILON);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_has_the_size_of_the_rate_and_frozen_parameters_stay() {
        let mut adam = Adam::new(3, 0.2);
        let mut gradient = [5.0, -0.001, 0.0];
        adam.step(&mut gradient, 1.0);
        assert!((gradient[0] + 0.2).abs() < 1e-5 && (gradient[1] - 0.2).abs() < 1e-4, "{gradient:?}");
        assert_eq!(gradient[2], 0.0, "a zero gradient never moves its parameter");
    }

    #[test]
    fn a_bowl_is_descended_to_its_bottom() {
        let mut adam = Adam::new(1, 0.1);
        let mut x = 3.0f32;
        for _ in 0..200 {
            let mut gradient = [2.0 * (x - 1.0)];
            adam.step(&mut gradient, 1.0);
            x += gradient[0];
        }
        assert!((x - 1.0).abs() < 0.02, "stopped at {x}");
    }
}
