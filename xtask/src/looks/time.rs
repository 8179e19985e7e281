//! How long edits of a photograph take, and whether the number of threads shows in them.
//!
//! Input: `examples/coffee.jpg`. Output: the median of three times of the optimiser for each kind of edit, and whether one and
//! two threads write the same bytes. Times are those of the run that was kept: `--fresh` takes them again. Cost: 14 edits.

use super::cells::{Cells, example};
use super::measure::median;
use super::table::{Goal, Group, Row, Summary};
use crate::tools::number;

const PHOTOGRAPH: &str = "coffee";
/// Every edit is timed as often.
const RUNS: [&str; 3] = ["first", "second", "third"];

/// A kind of edit and the seconds it may take.
struct Timed {
    what: &'static str,
    args: &'static [&'static str],
    prompt: &'static str,
    goal_s: f64,
}

const TIMED: [Timed; 4] = [
    Timed { what: "recolor, optimiser", args: &["recolor"], prompt: "at sunset", goal_s: 5.0 },
    Timed { what: "edit, optimiser", args: &["edit"], prompt: "made of gold", goal_s: 18.0 },
    Timed {
        what: "edit in form alone, optimiser",
        args: &["edit", "--mode", "shape"],
        prompt: "a square cup",
        goal_s: 18.0,
    },
    Timed { what: "draft edit, optimiser", args: &["edit", "--quality", "draft"], prompt: "made of gold", goal_s: 2.0 },
];

/// Times every kind and compares threads.
pub(crate) fn time(cells: &Cells, group: &mut Group) -> Result<(), String> {
    let input = example(PHOTOGRAPH);
    for Timed { what, args, prompt, goal_s } in TIMED {
        let args = [args, &[&input, "--prompt", prompt]].concat();
        let seconds = |run| Ok(number(&cells.repeated(&args, run)?.report["seconds"], "optimize"));
        let seconds = RUNS.map(seconds).into_iter().collect::<Result<Vec<_>, String>>()?;
        let middle = median(seconds.clone());
        let figures = ["first_s", "second_s", "third_s"].into_iter().zip(seconds).collect();
        let command = args.join(" ");
        group.push(Row { prompt: command, of: PHOTOGRAPH.to_owned(), figures, ok: Some(middle <= goal_s) });
        group.summaries.push(Summary { what, goal: Some(Goal::Most(goal_s)), now: middle, unit: " s", digits: 1 });
    }
    threads(cells, group, &input)
}

fn threads(cells: &Cells, group: &mut Group, input: &str) -> Result<(), String> {
    let args = ["edit", input, "--prompt", "made of gold", "--quality", "draft", "--threads"];
    let bytes = ["1", "2"].map(|count| {
        let cell = cells.drawing(&[&args[..], &[count]].concat())?;
        let read = |path| std::fs::read(path).map_err(|error| format!("{}: {error}", cell.name));
        Ok([read(&cell.picture)?, read(&cell.svg)?])
    });
    let bytes = bytes.into_iter().collect::<Result<Vec<_>, String>>()?;
    let same = matches!(bytes.as_slice(), [one, two] if one == two);
    let figures = vec![("same", f64::from(u8::from(same)))];
    group.push(Row { prompt: args.join(" "), of: "1 and 2".to_owned(), figures, ok: Some(same) });
    group.summaries.push(Summary::share("bytes alike on 1 and 2 threads", Some(100.0), f64::from(u8::from(same))));
    Ok(())
}
