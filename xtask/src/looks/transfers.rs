//! Whether a picture takes the look of a reference and stays the same picture, without asking the encoder that made it.
//!
//! Input: eight pairs of `examples`, the first six in colour. Output: for each how far the distance of colours from the reference fell
//! (sliced Wasserstein in OKLab over pixels), how well the steps of luma follow the source's, and the cosine of the two pictures by the
//! judge, before and after; and the time. Invariant: pairs were chosen before the shipped engine was run on them. Cost: eight edits.

use super::cells::{Cells, example};
use super::measure::mean;
use super::picture::{Lab, Picture};
use super::table::{Goal, Group, Row, Summary};
use crate::tools::{number, root};

/// Source and reference.
pub(crate) const PAIRS: [(&str, &str); 8] = [
    ("temple", "flower"),
    ("coffee", "rocket"),
    ("chelsea", "temple"),
    ("astronaut", "coffee"),
    ("flower", "astronaut"),
    ("rocket", "chelsea"),
    ("camera", "flower"),
    ("chelsea", "camera"),
];
const JUDGE: &str = "models/train/judge";
/// Directions that colours are seen along.
const DIRECTIONS: usize = 48;
/// Quantiles of each.
const QUANTILES: usize = 2000;
const FALL_GOAL: f64 = 0.6;
const CORRELATION_GOAL: f64 = 0.8;
const TIME_GOAL_S: f64 = 60.0;

/// Measures every pair.
pub(crate) fn transfers(cells: &Cells, group: &mut Group) -> Result<(), String> {
    for (source, reference) in PAIRS {
        pair(cells, group, source, reference)?;
    }
    let least = |name: &str| group.figure(name).into_iter().fold(f64::INFINITY, f64::min);
    let most_s = group.figure("optimize_s").into_iter().fold(0.0, f64::max);
    let rises = group.figure("judge_rise").into_iter().map(|rise| f64::from(u8::from(rise > 0.0)));
    group.summaries = vec![
        Summary::share("likeness: distance of colours from the reference falls, least", Some(60.0), least("fall")),
        Summary::share("the same, mean", None, mean(group.figure("fall").into_iter())),
        Summary {
            what: "likeness: correlation of the steps of luma with the source's, least",
            goal: Some(Goal::Least(CORRELATION_GOAL)),
            now: least("correlation"),
            unit: "",
            digits: 2,
        },
        Summary::share(
            "likeness: pairs whose cosine of the two pictures rises, by the judge",
            Some(100.0),
            mean(rises),
        ),
        Summary {
            what: "transfer at 512 px, optimiser, longest of the pairs",
            goal: Some(Goal::Most(TIME_GOAL_S)),
            now: most_s,
            unit: " s",
            digits: 1,
        },
    ];
    Ok(())
}

fn pair(cells: &Cells, group: &mut Group, source: &str, reference: &str) -> Result<(), String> {
    let (input, other) = (example(source), example(reference));
    let cell = cells.picture(&["transfer", &input, "--reference", &other])?;
    let open = |name: &str| Picture::open(&root().join(name));
    let (before, wanted, after) = (open(&input)?, open(&other)?, Picture::open(&cell.picture)?);
    let distance = |picture: &Picture| sliced(&picture.lab(), &wanted.lab());
    let (far, near) = (distance(&before), distance(&after));
    let correlation = correlation(&before, &after);
    let judged = |name: &str| -> Result<f64, String> {
        let said = cells.said(&["score", name, "--like", &other, "--encoder", JUDGE])?;
        Ok(number(&said["scores"][0], "cosine"))
    };
    let rise = judged(&cell.name)? - judged(&input)?;
    let fall = 1.0 - near / far;
    let seconds = number(&cell.report["seconds"], "optimize");
    let figures = vec![
        ("before", far),
        ("after", near),
        ("fall", fall),
        ("correlation", correlation),
        ("judge_rise", rise),
        ("optimize_s", seconds),
    ];
    let ok = fall >= FALL_GOAL && correlation >= CORRELATION_GOAL && rise > 0.0;
    group.push(Row { prompt: format!("like {reference}"), of: source.to_owned(), figures, ok: Some(ok) });
    Ok(())
}

/// The sliced Wasserstein distance of order 2 between two pictures' colours; a shift by s is |s| away.
pub(crate) fn sliced(a: &[Lab], b: &[Lab]) -> f64 {
    let one = |direction: Lab| {
        let (a, b) = (quantiles(a, direction), quantiles(b, direction));
        mean(a.iter().zip(&b).map(|(a, b)| (a - b) * (a - b)))
    };
    (3.0 * mean((0..DIRECTIONS).map(|index| one(direction(index))))).sqrt()
}

/// A direction of an even spread over the sphere.
fn direction(index: usize) -> Lab {
    let height = 1.0 - (2.0 * index as f64 + 1.0) / DIRECTIONS as f64;
    let (radius, turn) = ((1.0 - height * height).sqrt(), index as f64 * 2.399_963_229_7);
    [height, radius * turn.cos(), radius * turn.sin()]
}

fn quantiles(colors: &[Lab], direction: Lab) -> Vec<f64> {
    let along = |color: &Lab| color.iter().zip(direction).map(|(value, axis)| value * axis).sum::<f64>();
    let mut all = colors.iter().map(along).collect::<Vec<_>>();
    all.sort_by(f64::total_cmp);
    let at = |index: usize| all.get((2 * index + 1) * all.len() / (2 * QUANTILES)).copied().unwrap_or(0.0);
    (0..QUANTILES).map(at).collect()
}

/// The correlation of the steps of luma between neighbours in two pictures of one size.
pub(crate) fn correlation(a: &Picture, b: &Picture) -> f64 {
    let (a, b) = (steps(a), steps(b));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt().max(f64::MIN_POSITIVE)
}

fn steps(picture: &Picture) -> Vec<f64> {
    let luma = |x: usize, y: usize| {
        let [r, g, b] = picture.at(x, y);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let places = (1..picture.height).flat_map(|y| (1..picture.width).map(move |x| (x, y)));
    places.flat_map(|(x, y)| [luma(x, y) - luma(x - 1, y), luma(x, y) - luma(x, y - 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(value: impl Fn(usize) -> [f64; 3]) -> Picture {
        Picture { width: 40, height: 30, rgb: (0..1200).map(value).collect() }
    }

    #[test]
    fn a_shift_of_colours_is_as_far_as_it_is() {
        let colors = picture(|at| [at as f64 / 1200.0, 0.5, (at % 7) as f64 / 7.0]).lab();
        let shifted = colors.iter().map(|[l, a, b]| [l + 0.1, a - 0.05, *b]).collect::<Vec<_>>();
        assert!(sliced(&colors, &colors) < 1e-9);
        assert!((sliced(&colors, &shifted) - 0.1_f64.hypot(0.05)).abs() < 5e-3, "{}", sliced(&colors, &shifted));
    }

    #[test]
    fn luma_that_turns_round_is_seen_and_a_gain_is_not() {
        let value = |at: usize| (at * 37 % 101) as f64 / 101.0;
        let grey = |scale: f64, add: f64| picture(move |at| [scale * value(at) + add; 3]);
        assert!((correlation(&grey(1.0, 0.0), &grey(0.5, 0.3)) - 1.0).abs() < 1e-9);
        assert!((correlation(&grey(1.0, 0.0), &grey(-1.0, 1.0)) + 1.0).abs() < 1e-9);
    }
}
