//! Whether a prompt for one thing moves the outlines of that thing and leaves the others.
//!
//! Input: full edits with a region, and the same shapes before. Output: a row an edit: how far the points on the thing's
//! outlines moved in pixels (median and mean; the median decides, because a few that fly are no new form), and those of all
//! other paths (the mean decides, because a few that fly are seen). A path is of the thing when at least half of the box
//! around it lay in the region. Cost: 4 edits.

use super::cells::{Cells, example};
use super::measure::{mean, median};
use super::outline::{self, Outline};
use super::table::{Goal, Group, Row, Summary};
use kurbo::Rect;
use std::collections::BTreeMap;

/// A photograph, the region in its pixels, what it should become.
const OBJECTS: [(&str, [f64; 4], &str); 4] = [
    ("coffee", [130.0, 4.0, 250.0, 240.0], "a square cup"),
    ("chelsea", [120.0, 30.0, 220.0, 200.0], "a tiger"),
    ("flower", [130.0, 64.0, 232.0, 230.0], "a star shaped flower"),
    ("temple", [48.0, 20.0, 252.0, 318.0], "a castle"),
];
const LEAST_PX: f64 = 2.0;
/// What the rest may move, in parts of what the thing moved.
const REST: f64 = 0.2;

/// How far points moved.
#[derive(Debug, Default)]
struct Moves {
    thing: Vec<f64>,
    rest: Vec<f64>,
}

/// Every thing.
pub(crate) fn objects(cells: &Cells, group: &mut Group) -> Result<(), String> {
    for (name, [x, y, width, height], prompt) in OBJECTS {
        let region = format!("{x},{y},{width},{height}:{prompt}");
        let (before, after) = cells.before_and_after(&["edit", &example(name), "--region", &region])?;
        let rect = Rect::new(x, y, x + width, y + height);
        let moves = moves(&outline::read(&before.svg)?, &outline::read(&after.svg)?, rect)?;
        let [thing_mean, rest] = [&moves.thing, &moves.rest].map(|list| mean(list.iter().copied()));
        let (thing, rest_median) = (median(moves.thing), median(moves.rest));
        let ok = thing >= LEAST_PX && rest <= REST * thing;
        let figures = vec![
            ("thing_px", thing),
            ("thing_mean_px", thing_mean),
            ("rest_px", rest),
            ("rest_median_px", rest_median),
        ];
        group.push(Row { prompt: prompt.to_owned(), of: name.to_owned(), figures, ok: Some(ok) });
    }
    let moved = group.share() * OBJECTS.len() as f64;
    let goal = Some(Goal::Least(OBJECTS.len() as f64));
    let what = "things of four whose outlines move while the rest stays";
    group.summaries.push(Summary { what, goal, now: moved, unit: "", digits: 0 });
    Ok(())
}

/// Distances of the points of two states of one scene.
fn moves(before: &[Outline], after: &[Outline], thing: Rect) -> Result<Moves, String> {
    let after = after.iter().map(|outline| (outline.id.as_str(), outline)).collect::<BTreeMap<_, _>>();
    let mut moves = Moves::default();
    for outline in before {
        let id = &outline.id;
        let moved = after.get(id.as_str()).ok_or_else(|| format!("path {id} is gone after the edit"))?.anchors();
        let anchors = outline.anchors();
        if anchors.len() != moved.len() {
            return Err(format!("path {id} has {} points before the edit and {} after", anchors.len(), moved.len()));
        }
        let list = if mostly_in(outline.bounds(), thing) { &mut moves.thing } else { &mut moves.rest };
        list.extend(anchors.iter().zip(moved).map(|(from, to)| from.distance(to)));
    }
    Ok(moves)
}

fn mostly_in(bounds: Rect, thing: Rect) -> bool {
    let shared = bounds.intersect(thing);
    // A box without area is a line: there its middle decides.
    if bounds.area() > 0.0 { shared.area() >= 0.5 * bounds.area() } else { thing.contains(bounds.center()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kurbo::BezPath;

    fn outline(id: &str, data: &str) -> Outline {
        Outline { id: id.to_owned(), path: BezPath::from_svg(data).unwrap(), even_odd: false }
    }

    #[test]
    fn points_of_the_thing_and_of_the_rest_are_kept_apart() {
        let before = [outline("cup", "M2 2h4v4h-4z"), outline("table", "M0 0h100v100h-100z")];
        let after = [outline("cup", "M2 5h4v4h-4z"), outline("table", "M0 0h100v100h-100z")];
        let moves = moves(&before, &after, Rect::new(0.0, 0.0, 10.0, 10.0)).unwrap();
        assert_eq!((moves.thing, moves.rest), (vec![3.0; 4], vec![0.0; 4]));
    }

    #[test]
    fn scenes_of_different_points_are_refused() {
        let (before, after) = ([outline("a", "M0 0h4v4z")], [outline("a", "M0 0h4v4h-4z")]);
        assert!(moves(&before, &after, Rect::ZERO).is_err());
        assert!(moves(&before, &[], Rect::ZERO).is_err());
    }
}
