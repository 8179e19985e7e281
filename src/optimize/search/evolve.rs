//! A search among a few numbers: a spread of starts, then children of the best, ever nearer.
//!
//! Input: starts, spreads, a score to lower. Output: the best candidate. Determinism: scores are asked for in order, ties go
//! to the earlier candidate. Cost: the scores.

use super::Effort;
use crate::rng::Stream;

/// Parents that children may have.
const PARENTS: usize = 5;
/// Each round searches this much nearer than the one before.
const NARROWING: f32 = 0.75;
/// Spread of every third child, so that a good place is searched closely as well.
const CLOSE: f32 = 0.3;

/// A candidate and its score; lower is better.
pub(crate) type Scored<const N: usize> = ([f32; N], f32);

/// The best candidates, best first: `starts`, then rounds of children about the best of all so far with the spreads of
/// `sigma`.
///
/// # Errors
/// What `score` fails with.
pub(crate) fn evolve<const N: usize, E>(
    starts: Vec<[f32; N]>,
    sigma: [f32; N],
    effort: Effort,
    stream: &mut Stream,
    mut score: impl FnMut(&[[f32; N]]) -> Result<Vec<f32>, E>,
) -> Result<Vec<Scored<N>>, E> {
    let mut all = Vec::new();
    let mut candidates = starts;
    let mut spread = 1.0;
    for round in 0..=effort.rounds {
        let scores = score(&candidates)?;
        all.extend(candidates.drain(..).zip(scores));
        all.sort_by(|(_, a): &Scored<N>, (_, b)| a.total_cmp(b));
        all.truncate(PARENTS);
        if round < effort.rounds {
            candidates = (0..effort.children).map(|index| child(&all, sigma, spread, index, stream)).collect();
            spread *= NARROWING;
        }
    }
    Ok(all)
}

/// The `count` best of `starts` by a score that costs little, best first.
///
/// # Errors
/// What `score` fails with.
pub(crate) fn sifted<const N: usize, E>(
    starts: Vec<[f32; N]>,
    count: usize,
    mut score: impl FnMut(&[[f32; N]]) -> Result<Vec<f32>, E>,
) -> Result<Vec<[f32; N]>, E> {
    let scores = score(&starts)?;
    let mut all = starts.into_iter().zip(scores).collect::<Vec<_>>();
    all.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    Ok(all.into_iter().take(count).map(|(at, _)| at).collect())
}

/// `best` with as many of the `simpler` settings as cost no more than each may, the least missed first; each says for every
/// number what it is set to, none: it stays.
///
/// # Errors
/// What `score` fails with.
pub(crate) fn simplified<const N: usize, E>(
    best: [f32; N],
    simpler: &[([Option<f32>; N], f32)],
    mut score: impl FnMut(&[[f32; N]]) -> Result<Vec<f32>, E>,
) -> Result<[f32; N], E> {
    let set =
        |at: &[f32; N], to: &[Option<f32>; N]| -> [f32; N] { std::array::from_fn(|axis| to[axis].unwrap_or(at[axis])) };
    let tries = std::iter::once(best).chain(simpler.iter().map(|(to, _)| set(&best, to))).collect::<Vec<_>>();
    let scores = score(&tries)?;
    let whole = scores.first().copied().unwrap_or(f32::INFINITY);
    let tried = scores.into_iter().skip(1).zip(simpler);
    let mut order = tried.filter(|(score, (_, may))| *score < whole + may).collect::<Vec<_>>();
    order.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut kept = best;
    for (index, (alone, (to, may))) in order.into_iter().enumerate() {
        let next = set(&kept, to);
        // The first one's score is known.
        let taken = if index == 0 { alone } else { score(&[next])?.first().copied().unwrap_or(f32::INFINITY) };
        if taken < whole + may {
            kept = next;
        }
    }
    Ok(kept)
}

/// A neighbour of one of the `parents`, the better ones more often; half of them lie between two parents.
fn child<const N: usize>(
    parents: &[Scored<N>],
    sigma: [f32; N],
    spread: f32,
    index: u32,
    stream: &mut Stream,
) -> [f32; N] {
    let last = parents.len().saturating_sub(1) as u32;
    let mut pick = || parents.get(stream.up_to(last).min(stream.up_to(last)) as usize).map_or([0.0; N], |(at, _)| *at);
    let (first, second) = (pick(), pick());
    let mixed = index % 2 == 1;
    let spread = if index % 3 == 2 { CLOSE * spread } else { spread };
    std::array::from_fn(|axis| {
        let middle = if mixed { 0.5 * (first[axis] + second[axis]) } else { first[axis] };
        middle + spread * sigma[axis] * stream.normal()
    })
}

/// The `index`-th Halton point, each axis 0 to 1 (Halton 1960): an even spread that needs no list of answers.
pub(crate) fn halton<const N: usize>(index: u32) -> [f32; N] {
    const PRIMES: [u32; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    std::array::from_fn(|axis| {
        let base = PRIMES.get(axis).copied().unwrap_or(2);
        let (mut rest, mut digit, mut value) = (index + 1, 1.0, 0.0);
        while rest > 0 {
            digit /= base as f32;
            value += digit * (rest % base) as f32;
            rest /= base;
        }
        value
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stage;

    #[test]
    fn a_bowl_is_found_from_a_spread_of_starts() {
        let starts = (0..32).map(halton::<3>).collect::<Vec<_>>();
        let effort = Effort { first: 31, rounds: 6, children: 24, crops: 1 };
        let wanted = [0.3, 0.8, 0.55];
        let mut asked = 0;
        let best = evolve(starts, [0.1; 3], effort, &mut Stream::new(1, 0, Stage::Test, 0), |all| {
            asked += all.len();
            let score = |at: &[f32; 3]| at.iter().zip(wanted).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
            Ok::<_, ()>(all.iter().map(score).collect())
        });
        let best = best.unwrap();
        assert!(best[0].1 < 2e-3, "distance {} at {:?}", best[0].1, best[0].0);
        assert_eq!(asked, 32 + 6 * 24, "starts and children");
    }

    #[test]
    fn numbers_that_hardly_matter_are_set_back() {
        let score = |all: &[[f32; 3]]| Ok::<_, ()>(all.iter().map(|[x, y, _]| (x - 1.0).powi(2) + 0.001 * y).collect());
        let simpler = [[Some(0.0), None, None], [None, Some(0.0), None], [None, None, Some(0.0)]];
        let kept = simplified([1.0, 0.5, 7.0], &simpler.map(|to| (to, 0.01)), score).unwrap();
        assert_eq!(kept, [1.0, 0.0, 0.0], "only the first one matters");
        let best = sifted(vec![[3.0, 0.0, 0.0], [1.1, 0.0, 0.0], [0.0; 3]], 2, score).unwrap();
        assert_eq!(best, [[1.1, 0.0, 0.0], [0.0; 3]], "the two best in order");
    }

    #[test]
    fn halton_points_are_spread_evenly() {
        let points = (0..64).map(halton::<2>).collect::<Vec<_>>();
        for quarter in 0..4 {
            let (x, y) = (quarter % 2, quarter / 2);
            let inside = |at: &&[f32; 2]| (2.0 * at[0]) as i32 == x && (2.0 * at[1]) as i32 == y;
            let count = points.iter().filter(inside).count();
            assert!((14..=18).contains(&count), "{count} of 64 points in quarter {quarter}");
        }
    }
}
