//! When to stop: the smoothed distance from the prompt no longer falls.
//!
//! Input: one distance an iteration. Output: whether to stop. Determinism: pure arithmetic. Cost: none.

/// Distances are noisy because every iteration sees other crops; this is the weight of the newest.
const SMOOTHING: f32 = 0.1;
/// An improvement smaller than this counts as none; the distance runs from 0 to 2.
const LEAST_GAIN: f32 = 5e-4;

/// Watches the smoothed distance.
#[derive(Clone, Debug)]
pub(super) struct Plateau {
    patience: u32,
    smooth: Option<f32>,
    best: f32,
    since_best: u32,
}

impl Plateau {
    /// Stops after `patience` iterations without gain; 0 never stops.
    pub(super) fn new(patience: u32) -> Self {
        Self { patience, smooth: None, best: f32::INFINITY, since_best: 0 }
    }

    /// Takes the distance of one iteration and says whether to stop after it.
    pub(super) fn is_reached(&mut self, distance: f32) -> bool {
        let smooth = self.smooth.map_or(distance, |smooth| smooth + SMOOTHING * (distance - smooth));
        self.smooth = Some(smooth);
        if smooth < self.best - LEAST_GAIN {
            self.best = smooth;
            self.since_best = 0;
        } else {
            self.since_best += 1;
        }
        self.patience > 0 && self.since_best >= self.patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_falling_distance_goes_on_and_a_flat_one_stops_after_the_patience() {
        let mut plateau = Plateau::new(10);
        assert!((0..50).all(|i| !plateau.is_reached(1.0 - 0.01 * i as f32)), "stopped while falling");
        let stopped = (0..60).position(|_| plateau.is_reached(0.5));
        assert!(stopped.is_some_and(|at| (10..60).contains(&at)), "stopped at {stopped:?}");
    }
}
