//! What the contact sheet's judge said of the shipped weights (`cargo xtask sheet`), beside this report's goals.

use super::cells::Cells;
use super::table::{Goal, Group, Row, Summary};
use crate::figures::of_weights;
use crate::tools::{number, root, weights_hash};

/// Reads the sheet.
pub(crate) fn judge(_: &Cells, group: &mut Group) -> Result<(), String> {
    let hash = weights_hash(&root().join("models/default"))?;
    let sheet = of_weights(&hash, "sheet.json", "run 'cargo xtask sheet'")?;
    for prompt in sheet["prompts"].as_array().into_iter().flatten() {
        let figures = vec![("rises", number(prompt, "rises")), ("mean", number(prompt, "mean"))];
        let text = prompt["prompt"].as_str().unwrap_or_default();
        group.push(Row { prompt: text.to_owned(), of: "six pictures".to_owned(), figures, ok: None });
    }
    let what = "mean cosine of these moves with their prompts, by the judge";
    group.summaries.extend([
        Summary::share("cells of the contact sheet that rise, by the judge", Some(95.0), number(&sheet, "rises")),
        Summary { what, goal: Some(Goal::Least(0.282)), now: number(&sheet, "mean"), unit: "", digits: 3 },
    ]);
    Ok(())
}
