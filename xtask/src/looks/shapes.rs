//! Whether plain black shapes take the form that is asked for, and stay outlines that a cutter can follow.
//!
//! Input: a circle, a square and a blob, each of as many points, edited in form alone with three seeds. Output: a row an edit:
//! how much more of the ideal form it is than its start was (see [`Ideal::fit`]), and how often its outlines cross
//! themselves. Cost: 51 edits.

use super::cells::{self, Cells};
use super::crossing::crossings;
use super::ideal::{Ideal, black_on_white};
use super::measure::mean;
use super::outline;
use super::picture::Picture;
use super::table::{Goal, Group, Row, Summary};
use std::f64::consts::TAU;

const SIDE_PX: u32 = 512;
/// Points of every start: they differ in form and not in what they could become.
const POINTS: u32 = 48;
const RADIUS_PX: f64 = 150.0;
/// Half the side of a square as large as the circle.
const HALF_PX: f64 = 133.0;
const SEEDS: [&str; 3] = ["1", "2", "3"];
const TARGETS: [(&str, Ideal); 6] = [
    ("a star", Ideal::Star),
    ("a heart", Ideal::Heart),
    ("a triangle", Ideal::Triangle),
    ("a cross", Ideal::Cross),
    ("a square", Ideal::Square),
    ("a ring", Ideal::Ring),
];

/// A shape to begin with.
struct Start {
    name: &'static str,
    /// Its file, from the root of the workspace.
    file: String,
    picture: Picture,
}

/// Every start toward every target.
pub(crate) fn shapes(cells: &Cells, group: &mut Group) -> Result<(), String> {
    let starts = [("circle", circle as fn(f64) -> [f64; 2]), ("square", square), ("blob", blob)]
        .map(|(name, form)| start(name, form))
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    for (prompt, ideal) in TARGETS {
        for start in starts.iter().filter(|start| prompt != format!("a {}", start.name)) {
            let before = ideal.fit(&start.picture);
            for seed in SEEDS {
                let args = ["edit", &start.file, "--prompt", prompt, "--mode", "shape", "--seed", seed];
                let cell = cells.drawing(&args)?;
                let fit = ideal.fit(&Picture::open(&cell.picture)?);
                let crossed: usize = outline::read(&cell.svg)?.iter().map(|outline| crossings(&outline.path)).sum();
                let figures = vec![("gain", fit - before), ("fit", fit), ("crossings", crossed as f64)];
                let of = format!("{} with seed {seed}", start.name);
                group.push(Row { prompt: prompt.to_owned(), of, figures, ok: Some(crossed == 0) });
            }
        }
    }
    summarize(group);
    Ok(())
}

fn summarize(group: &mut Group) {
    let rise = |prompt: &str| {
        let rows = group.rows.iter().filter(|row| row.prompt == prompt);
        mean(rows.filter_map(|row| row.figures.first()).map(|(_, gain)| *gain)) > 0.0
    };
    let rising = TARGETS.iter().filter(|(prompt, _)| rise(prompt)).count() as f64;
    let gain = mean(group.figure("gain").into_iter());
    let row = |what, goal, now, digits| Summary { what, goal: Some(Goal::Least(goal)), now, unit: "", digits };
    group.summaries.extend([
        row("mean gain of overlap of a black shape with the ideal one", 0.10, gain, 3),
        row("ideal shapes of six with a mean gain", TARGETS.len() as f64 - 1.0, rising, 0),
        Summary::share("edited shapes without an outline that crosses itself", Some(90.0), group.share()),
    ]);
}

/// Writes a start whose outline is `form` of a turn from 0 to 1.
fn start(name: &'static str, form: fn(f64) -> [f64; 2]) -> Result<Start, String> {
    let middle = f64::from(SIDE_PX) / 2.0;
    let corners = (0..POINTS).map(|index| form(f64::from(index) / f64::from(POINTS)).map(|value| middle + value));
    let corners = corners.collect::<Vec<_>>();
    let points = corners.iter().map(|[x, y]| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ");
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{SIDE_PX}\" height=\"{SIDE_PX}\">\
         <rect width=\"{SIDE_PX}\" height=\"{SIDE_PX}\" fill=\"#fff\"/><polygon points=\"{points}\" fill=\"#000\"/></svg>\n"
    );
    let file = cells::write(&format!("{name}.svg"), svg.as_bytes())?;
    Ok(Start { name, file, picture: black_on_white(&corners, SIDE_PX as usize) })
}

fn circle(turn: f64) -> [f64; 2] {
    polar(turn, RADIUS_PX)
}

fn polar(turn: f64, radius: f64) -> [f64; 2] {
    let (sin, cos) = (turn * TAU).sin_cos();
    [radius * cos, radius * sin]
}

/// Once around the sides, a corner every quarter.
fn square(turn: f64) -> [f64; 2] {
    let along = (turn * 4.0).fract() * 2.0 - 1.0;
    let (x, y) = (HALF_PX, HALF_PX * along);
    match (turn * 4.0) as u8 {
        0 => [x, y],
        1 => [-y, x],
        2 => [-x, -y],
        _ => [y, -x],
    }
}

/// Smooth and like nothing.
fn blob(turn: f64) -> [f64; 2] {
    let wave = |times: f64, phase: f64| (times * turn * TAU + phase).sin();
    polar(turn, RADIUS_PX * (1.0 + 0.2 * wave(2.0, 5.2) + 0.12 * wave(3.0, 3.3) + 0.08 * wave(5.0, 2.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_what_they_are_called() {
        let picture = |form: fn(f64) -> [f64; 2]| {
            let corners =
                (0..POINTS).map(|index| form(f64::from(index) / f64::from(POINTS)).map(|value| 256.0 + value));
            black_on_white(&corners.collect::<Vec<_>>(), SIDE_PX as usize)
        };
        assert!(Ideal::Square.fit(&picture(square)) > 0.95);
        for form in [circle, blob] {
            assert!(TARGETS.iter().all(|(_, ideal)| ideal.fit(&picture(form)) < 0.85));
        }
    }

    #[test]
    fn summaries_ask_for_all_targets_but_one() {
        let row = |(prompt, _): &(&str, Ideal), gain| Row {
            prompt: (*prompt).to_owned(),
            of: String::new(),
            figures: vec![("gain", gain)],
            ok: Some(true),
        };
        let rows =
            TARGETS.iter().zip([0.3, 0.2, 0.2, 0.1, 0.1, -0.1]).map(|(target, gain)| row(target, gain)).collect();
        let mut group = Group { rows, ..Group::default() };
        summarize(&mut group);
        assert!(group.table("shapes").lines().all(|line| line.ends_with("| yes |")), "{}", group.table("shapes"));
    }
}
