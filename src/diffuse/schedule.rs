//! How much of a latent is signal at which timestep, and deterministic steps between timesteps, forth and back.
//!
//! Input: [`ScheduleConfig`], latents, predicted noise. Output: latents. Formula: DDIM without noise (Song et al. 2021, equation 12 with
//! sigma 0): the clean latent that follows from the prediction, mixed anew with that prediction. Invariants: shares lie in 0..1 and fall
//! with the timestep. Determinism: sums and products in f64, one rounding a value. Cost: negligible.

use super::config::ScheduleConfig;

/// Shares of signal of every timestep.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    /// Product of 1 - beta up to each timestep.
    kept: Vec<f64>,
    /// The share that the last step leads to.
    last: f64,
}

/// A step from one share of signal to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Move {
    /// Timestep at which noise is predicted.
    pub(crate) timestep: usize,
    /// Share of the latent that goes in.
    pub(crate) from: f64,
    /// Share of the latent that comes out.
    pub(crate) to: f64,
}

impl Schedule {
    pub(crate) fn new(config: &ScheduleConfig) -> Self {
        let count = config.train_steps.max(1);
        let root = |beta: f64| if config.is_scaled_linear { beta.sqrt() } else { beta };
        let (start, end) = (root(config.beta_start), root(config.beta_end));
        let mut product = 1.0;
        let kept = (0..count).map(|t| {
            let beta = start + (end - start) * t as f64 / (count - 1).max(1) as f64;
            product *= 1.0 - if config.is_scaled_linear { beta * beta } else { beta };
            product
        });
        let kept: Vec<f64> = kept.collect();
        let last = if config.final_alpha_is_one { 1.0 } else { kept.first().copied().unwrap_or(1.0) };
        Self { kept, last }
    }

    /// Number of timesteps.
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Share of signal at a timestep.
    pub(crate) fn kept(&self, timestep: usize) -> f64 {
        self.kept.get(timestep).copied().unwrap_or(self.last)
    }

    /// The steps from noise to picture, `steps` in number: timesteps evenly spaced, the largest first and 0 last, whatever offset a model's
    /// own sampler has.
    pub(crate) fn moves(&self, steps: usize) -> Vec<Move> {
        let stride = (self.len() / steps.max(1)).max(1);
        let one = |n: usize| {
            let to = n.checked_sub(1).map_or(self.last, |before| self.kept(before * stride));
            Move { timestep: n * stride, from: self.kept(n * stride), to }
        };
        (0..steps.min(self.len())).rev().map(one).collect()
    }
}

impl Move {
    /// The same way back: noise is predicted where it led from, of the latent that it led to.
    pub(crate) fn inverted(self) -> Self {
        Self { from: self.to, to: self.from, ..self }
    }

    /// Factors of latent and prediction in the latent that comes out.
    pub(crate) fn factors(self) -> (f64, f64) {
        let latent = (self.to / self.from).sqrt();
        (latent, (1.0 - self.to).sqrt() - latent * (1.0 - self.from).sqrt())
    }

    /// The latent that comes out.
    pub(crate) fn step(self, latent: &[f32], noise: &[f32]) -> Vec<f32> {
        let (keep, add) = self.factors();
        let one = |(&z, &e): (&f32, &f32)| (keep * f64::from(z) + add * f64::from(e)) as f32;
        latent.iter().zip(noise).map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SD15: ScheduleConfig = ScheduleConfig {
        train_steps: 1000,
        beta_start: 0.00085,
        beta_end: 0.012,
        is_scaled_linear: true,
        final_alpha_is_one: false,
    };

    #[test]
    fn shares_of_signal_are_those_of_stable_diffusion() {
        let schedule = Schedule::new(&SD15);
        let known = [
            (0, 0.999_150),
            (1, 0.998_296),
            (20, 0.981_314),
            (100, 0.894_223),
            (500, 0.276_333),
            (900, 0.014_151),
            (980, 0.005_844),
            (999, 0.004_660),
        ];
        for (timestep, share) in known {
            assert!((schedule.kept(timestep) - share).abs() < 1e-6, "{timestep}: {}", schedule.kept(timestep));
        }
        let moves = schedule.moves(50);
        let timesteps: Vec<usize> = moves.iter().map(|step| step.timestep).collect();
        assert_eq!((timesteps[0], timesteps[1], timesteps[48], timesteps[49]), (980, 960, 20, 0));
        assert_eq!(moves[49].factors(), (1.0, 0.0), "the last step leads nowhere, without a rest of rounding");
    }

    #[test]
    fn the_way_back_undoes_the_way_forth_where_the_prediction_is_the_same() {
        let (latent, noise) = ([0.3_f32, -1.2, 0.7], [0.1_f32, 0.9, -0.4]);
        for step in Schedule::new(&SD15).moves(20) {
            let back = step.inverted().step(&step.step(&latent, &noise), &noise);
            assert!(back.iter().zip(&latent).all(|(a, b)| (a - b).abs() < 1e-4), "{step:?}: {back:?}");
        }
    }
}
