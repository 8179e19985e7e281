//! Timing a network for benches.
//!
//! Input: a pass forth, and one forth and back. Output: medians in milliseconds. Determinism: the times are what is asked for. Cost:
//! `runs + 1` of both.

use std::time::Instant;

/// Medians over `runs` of the two passes, which take turns. The first round warms caches and the allocator and is not counted.
pub(crate) fn medians<E>(
    runs: usize,
    mut forward: impl FnMut() -> Result<(), E>,
    mut both: impl FnMut() -> Result<(), E>,
) -> Result<[f64; 2], E> {
    let (mut there, mut back) = (Vec::new(), Vec::new());
    for run in 0..=runs {
        let times = [timed(&mut forward)?, timed(&mut both)?];
        if run > 0 {
            there.push(times[0]);
            back.push(times[1]);
        }
    }
    Ok([median(there), median(back)])
}

fn timed<E>(work: &mut impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
