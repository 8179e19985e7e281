//! Whether a colour asked for one thing comes to that thing and to nothing else.
//!
//! Input: four colour edits of regions, with the photograph's grain. Output: a row an edit: the share of the thing's pixels
//! that have the hue, and the share of the picture's pixels that lie outside the thing and changed all the same. Cost:
//! 4 edits.

use super::cells::{Cells, example, located};
use super::measure::{CHROMATIC, mean};
use super::picture::Picture;
use super::prompts::HUE_REACH;
use super::table::{Goal, Group, Row, Summary};
use super::things::{Place, THINGS};

/// A change of a channel that is seen.
const SEEN: f64 = 8.0 / 255.0;
/// Share of a thing that must have the hue for the thing to have it.
const MOST: f64 = 0.5;
const INSIDE_PERCENT: f64 = 80.0;
/// Share of the picture that may change without belonging to the thing.
const OUTSIDE: f64 = 0.05;

/// Every thing.
pub(crate) fn regions(cells: &Cells, group: &mut Group) -> Result<(), String> {
    for thing in THINGS {
        let input = example(thing.photograph);
        let region = format!("{}:{}", thing.region, thing.prompt);
        let cell = cells.picture(&["edit", &input, "--mode", "color", "--detail", "1", "--region", &region])?;
        let result = Picture::open(&cell.picture)?;
        let source = Picture::open_like(&located(&input), &result)?;
        let mask = thing.mask(&source);
        let inside = thing.inside(&mask, &result.lab(), HUE_REACH, CHROMATIC);
        let outside = outside(&source, &result, &mask);
        let ok = Some(inside >= MOST && outside <= OUTSIDE);
        let figures = vec![("inside", inside), ("outside", outside)];
        group.push(Row { prompt: thing.prompt.to_owned(), of: thing.photograph.to_owned(), figures, ok });
    }
    let [inside, outside] = ["inside", "outside"].map(|name| mean(group.figure(name).into_iter()));
    let what = "pixels outside these things that changed, of the picture";
    let goal = Some(Goal::Most(100.0 * OUTSIDE));
    group.summaries.extend([
        Summary::share("pixels of four recoloured things that have the hue", Some(INSIDE_PERCENT), inside),
        Summary { what, goal, now: 100.0 * outside, unit: " %", digits: 1 },
    ]);
    Ok(())
}

/// Share of the picture that changed outside the thing.
fn outside(source: &Picture, result: &Picture, mask: &[Place]) -> f64 {
    let changed =
        |from: &[f64; 3], to: &[f64; 3]| from.iter().zip(to).any(|(from, to)| (from - to).abs() > SEEN + 1e-9);
    let pixels = source.rgb.iter().zip(&result.rgb).zip(mask);
    let changed = pixels.filter(|((from, to), place)| **place == Place::Outside && changed(from, to));
    changed.count() as f64 / mask.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_seen_changes_outside_count() {
        let picture = |levels: [f64; 4]| Picture { width: 4, height: 1, rgb: levels.map(|level| [level; 3]).to_vec() };
        let mask = [Place::Inside, Place::Edge, Place::Outside, Place::Outside];
        let (before, after) = (picture([0.5; 4]), picture([0.9, 0.9, 0.9, 0.5 + 8.0 / 255.0]));
        assert_eq!(outside(&before, &after, &mask), 0.25);
    }
}
