//! The host's progress bar, for work that a button starts.
//!
//! Input: frames finished, and the stages of the running one. Output: calls of the progress suite, where the host has
//! it. Invariants: the bar is closed when it is dropped; only "no" to an update cancels, because hosts answer all sorts
//! of things. Cost: a host call at each poll.

use super::props::c_string;
use super::suites::Suites;
use super::sys::{OfxImageEffectHandle, OfxProgressSuiteV1, kOfxStatReplyNo};
use crate::ctx::Progress;
use std::sync::atomic::{AtomicU64, Ordering};

/// How far the stage is that takes the time, in millionths; written by the work, read by the bar.
#[derive(Debug, Default)]
pub(super) struct Meter {
    total: AtomicU64,
    millionths: AtomicU64,
}

impl Meter {
    /// Share of the frame that is done, 0 to 1.
    fn share(&self) -> f64 {
        self.millionths.load(Ordering::Relaxed) as f64 / 1e6
    }
}

impl Progress for Meter {
    fn stage(&self, _name: &str, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    fn advance(&self, done: u64, _note: &str) {
        let total = self.total.load(Ordering::Relaxed);
        if let Some(millionths) = (done.min(total) * 1_000_000).checked_div(total) {
            self.millionths.store(millionths, Ordering::Relaxed);
        }
    }
}

/// An open progress bar.
pub(super) struct Bar {
    effect: OfxImageEffectHandle,
    suite: Option<&'static OfxProgressSuiteV1>,
    frames: usize,
    finished: usize,
}

impl Bar {
    /// Opens a bar for `frames` frames.
    pub(super) fn open(effect: OfxImageEffectHandle, label: &str, frames: usize, suites: Suites) -> Self {
        let suite = suites.progress;
        if let Some(start) = suite.and_then(|suite| suite.progressStart) {
            let label = c_string(label);
            // SAFETY: a host function with the live instance and a C string.
            unsafe { start(effect.cast(), label.as_ptr()) };
        }
        Self { effect, suite, frames: frames.max(1), finished: 0 }
    }

    /// One more frame is done.
    pub(super) fn advance(&mut self) {
        self.finished += 1;
    }

    /// Shows how far the running frame is; whether the artist wants to stop.
    pub(super) fn is_stopped(&self, meter: &Meter) -> bool {
        let share = (self.finished as f64 + meter.share()) / self.frames as f64;
        let update = self.suite.and_then(|suite| suite.progressUpdate);
        // SAFETY: a host function with the live instance, between start and end.
        update.is_some_and(|update| unsafe { update(self.effect.cast(), share.clamp(0.0, 1.0)) } == kOfxStatReplyNo)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(end) = self.suite.and_then(|suite| suite.progressEnd) {
            // SAFETY: a host function with the live instance, once after start.
            unsafe { end(self.effect.cast()) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Meter;
    use crate::ctx::Progress as _;

    #[test]
    fn the_meter_follows_the_stage_that_counts_its_steps() {
        let meter = Meter::default();
        meter.stage("vectorize", 0);
        meter.advance(5, "");
        assert_eq!(meter.share(), 0.0, "a stage without a total says nothing");
        meter.stage("optimize", 40);
        meter.advance(10, "");
        assert_eq!(meter.share(), 0.25);
        meter.advance(99, "");
        assert_eq!(meter.share(), 1.0, "never more than all");
    }
}
