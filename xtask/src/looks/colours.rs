//! Looks of photographs: whether they come, in other words too, without too much of them and without bands.
//!
//! Input: `recolor` at its default settings. Output: a row a prompt and photograph. Cost: 72 and 66 edits; the last two
//! groups measure the pictures of the first.

use super::cells::{Cell, Cells, example, located};
use super::measure::{self, Change, mean};
use super::picture::Picture;
use super::prompts::{LOOKS, PHOTOGRAPHS, Verdict};
use super::table::{Goal, Group, Row, Summary};

/// Photographs with a sky, where bands are seen first.
const SKIES: [&str; 2] = ["rocket", "temple"];

/// A photograph before and after.
struct Pair {
    source: Picture,
    result: Picture,
    cell: Cell,
}

/// Looks that appear.
pub(crate) fn looks(cells: &Cells, group: &mut Group) -> Result<(), String> {
    for look in LOOKS {
        check(cells, group, look.prompt, |change| Some((look.check)(change)))?;
    }
    group.summaries.push(Summary::share("looks that appear", Some(90.0), group.share()));
    Ok(())
}

/// The same looks in other words.
pub(crate) fn wordings(cells: &Cells, group: &mut Group) -> Result<(), String> {
    for (look, wording) in LOOKS.iter().filter_map(|look| Some((look, look.wording?))) {
        check(cells, group, wording, |change| Some((look.check)(change)))?;
    }
    group.summaries.push(Summary::share("looks that appear when asked for in other words", Some(80.0), group.share()));
    Ok(())
}

/// Looks that leave enough of the picture.
pub(crate) fn overdone(cells: &Cells, group: &mut Group) -> Result<(), String> {
    for look in LOOKS {
        check(cells, group, look.prompt, |change| look.excess.verdict(change))?;
    }
    let what = "nights, fogs and tints that are not overdone";
    group.summaries.push(Summary::share(what, Some(90.0), group.share()));
    Ok(())
}

/// Bands in what was smooth.
pub(crate) fn banding(cells: &Cells, group: &mut Group) -> Result<(), String> {
    let mut skies = Vec::new();
    for look in LOOKS {
        for name in PHOTOGRAPHS {
            let pair = pair(cells, look.prompt, name)?;
            let (bands, flat) = measure::banding(&pair.source, &pair.result);
            let mut figures = vec![("bands", bands)];
            if let Some(flat) = flat.filter(|_| SKIES.contains(&name)) {
                figures.push(("sky", flat));
                skies.push(flat);
            }
            group.push(Row { prompt: look.prompt.to_owned(), of: name.to_owned(), figures, ok: None });
        }
    }
    let share = mean(group.figure("bands").into_iter());
    let row = |what, goal, now| Summary { what, goal, now: 100.0 * now, unit: " %", digits: 3 };
    group.summaries.push(row("pixels with a step that the source lacks", Some(Goal::Most(0.02)), share));
    group.summaries.push(row("the same in flat parts of two skies", None, mean(skies.into_iter())));
    Ok(())
}

/// One prompt on every photograph.
///
/// # Errors
/// Where an edit fails.
pub(crate) fn check(
    cells: &Cells,
    group: &mut Group,
    prompt: &str,
    verdict: impl Fn(&Change) -> Option<Verdict>,
) -> Result<(), String> {
    for name in PHOTOGRAPHS {
        let pair = pair(cells, prompt, name)?;
        let Some(Verdict { ok, mut figures }) = verdict(&Change::new(&pair.source, &pair.result)) else {
            return Ok(());
        };
        figures.extend(pair.cell.report["cosine_after"].as_f64().map(|cosine| ("cosine", cosine)));
        group.push(Row { prompt: prompt.to_owned(), of: name.to_owned(), figures, ok: Some(ok) });
    }
    Ok(())
}

fn pair(cells: &Cells, prompt: &str, name: &str) -> Result<Pair, String> {
    let input = example(name);
    let cell = cells.picture(&["recolor", &input, "--prompt", prompt])?;
    let result = Picture::open(&cell.picture)?;
    Ok(Pair { source: Picture::open_like(&located(&input), &result)?, result, cell })
}
