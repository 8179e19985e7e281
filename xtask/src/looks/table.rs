//! What a group of checks found, as lines for a person, rows of the table in docs/figures.md and JSON.
//!
//! Input: rows as they are measured. Output: text and JSON. Invariant: a goal that is missed is listed as missed and by how
//! much; a group that could not be measured is listed as failed.

use super::measure::mean;
use crate::tools::say;
use serde_json::{Value, json};

/// One cell: what was tried, its figures, and whether it is as it should be; none where there is nothing to say.
#[derive(Debug)]
pub(crate) struct Row {
    /// What was asked for.
    pub(crate) prompt: String,
    /// What it was asked of.
    pub(crate) of: String,
    /// Names and values.
    pub(crate) figures: Vec<(&'static str, f64)>,
    /// The verdict.
    pub(crate) ok: Option<bool>,
}

/// The side of a goal that is good.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// At least this.
    Least(f64),
    /// At most this.
    Most(f64),
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Summary {
    /// What was measured.
    pub(crate) what: &'static str,
    /// None for figures that are only watched.
    pub(crate) goal: Option<Goal>,
    /// The figure.
    pub(crate) now: f64,
    /// What follows the figure.
    pub(crate) unit: &'static str,
    /// Decimals.
    pub(crate) digits: usize,
}

/// All of one group.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// Every cell.
    pub(crate) rows: Vec<Row>,
    /// What is said of them together.
    pub(crate) summaries: Vec<Summary>,
    /// Why there is nothing, or not all.
    pub(crate) failure: Option<String>,
}

impl Summary {
    /// A share, given from 0 to 1, that should be at least so many per cent.
    pub(crate) fn share(what: &'static str, goal: Option<f64>, share: f64) -> Self {
        Self { what, goal: goal.map(Goal::Least), now: 100.0 * share, unit: " %", digits: 1 }
    }

    /// A row of the table.
    pub(crate) fn row(&self) -> String {
        let shown = |value: f64| format!("{value:.digits$}{}", self.unit, digits = self.digits);
        let (goal, miss) = match self.goal {
            None => (String::new(), None),
            Some(Goal::Least(goal)) => (format!("at least {}", shown(goal)), Some(goal - self.now)),
            Some(Goal::Most(goal)) => (format!("at most {}", shown(goal)), Some(self.now - goal)),
        };
        let reached = match miss {
            None => String::new(),
            Some(miss) if miss <= 0.0 => "yes".to_owned(),
            // Two more decimals, so that no miss is rounded to nothing.
            Some(miss) => format!("no, by {miss:.digits$}{}", self.unit, digits = self.digits + 2),
        };
        format!("| {} | {goal} | {} | {reached} |\n", self.what, shown(self.now))
    }

    fn json(&self) -> Value {
        let goal = match self.goal {
            None => Value::Null,
            Some(Goal::Least(goal)) => json!({ "at_least": goal }),
            Some(Goal::Most(goal)) => json!({ "at_most": goal }),
        };
        json!({ "what": self.what, "goal": goal, "now": rounded(self.now), "unit": self.unit.trim() })
    }
}

impl Group {
    /// Keeps a row and shows it at once: a report takes long, and what it found so far should be seen.
    pub(crate) fn push(&mut self, row: Row) {
        let figures = row.figures.iter().map(|(name, value)| format!("{name} {value:.4}")).collect::<Vec<_>>();
        let ok = row.ok.map_or("", |ok| if ok { "ok  " } else { "FAIL" });
        say(&format!("  {ok} {}, {}: {}", row.prompt, row.of, figures.join(" ")));
        self.rows.push(row);
    }

    /// Share of the rows with a verdict that are as they should be.
    pub(crate) fn share(&self) -> f64 {
        mean(self.rows.iter().filter_map(|row| row.ok).map(|ok| f64::from(u8::from(ok))))
    }

    /// One figure of every row that has it.
    pub(crate) fn figure(&self, name: &str) -> Vec<f64> {
        let of = |row: &Row| row.figures.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
        self.rows.iter().filter_map(of).collect()
    }

    /// The prompts in order, each with its rows as they should be and all of its rows.
    pub(crate) fn tallies(&self) -> String {
        let mut tallies = Vec::<(&str, usize, usize)>::new();
        for (row, ok) in self.rows.iter().filter_map(|row| Some((row, row.ok?))) {
            match tallies.iter_mut().find(|(prompt, ..)| *prompt == row.prompt) {
                Some((_, good, all)) => (*good, *all) = (*good + usize::from(ok), *all + 1),
                None => tallies.push((&row.prompt, usize::from(ok), 1)),
            }
        }
        tallies.iter().map(|(prompt, good, all)| format!("{prompt} {good}/{all}")).collect::<Vec<_>>().join(", ")
    }

    /// The rows of the table, with the failure among them.
    pub(crate) fn table(&self, name: &str) -> String {
        let failure = self.failure.iter().map(|reason| {
            let reason = reason.replace(['\n', '|'], " ");
            format!("| {name} | | not measured | no: {reason} |\n")
        });
        self.summaries.iter().map(Summary::row).chain(failure).collect()
    }

    /// Everything.
    pub(crate) fn json(&self, name: &str) -> Value {
        let rows = self.rows.iter().map(|row| {
            let figures = row.figures.iter().map(|(name, value)| ((*name).to_owned(), json!(rounded(*value))));
            let figures = figures.collect::<serde_json::Map<_, _>>();
            json!({ "prompt": row.prompt, "of": row.of, "ok": row.ok, "figures": figures })
        });
        json!({
            "group": name,
            "failure": self.failure,
            "table": self.table(name),
            "summaries": self.summaries.iter().map(Summary::json).collect::<Vec<_>>(),
            "rows": rows.collect::<Vec<_>>(),
        })
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_goal_is_listed_as_missed() {
        let row = |now| Summary::share("looks", Some(90.0), now).row();
        assert_eq!(row(0.9), "| looks | at least 90.0 % | 90.0 % | yes |\n");
        assert_eq!(row(0.8999), "| looks | at least 90.0 % | 90.0 % | no, by 0.010 % |\n");
        let most = Summary { what: "time", goal: Some(Goal::Most(2.0)), now: 2.5, unit: " s", digits: 1 };
        assert_eq!(most.row(), "| time | at most 2.0 s | 2.5 s | no, by 0.500 s |\n");
    }

    #[test]
    fn a_figure_that_is_no_number_reaches_no_goal() {
        assert!(Summary::share("looks", Some(90.0), f64::NAN).row().contains("no, by"));
    }

    #[test]
    fn tallies_count_only_rows_with_a_verdict() {
        let row = |prompt: &str, ok| Row { prompt: prompt.to_owned(), of: String::new(), figures: Vec::new(), ok };
        let rows = vec![row("a", Some(true)), row("b", None), row("a", Some(false)), row("c", Some(true))];
        let group = Group { rows, ..Group::default() };
        assert_eq!(group.tallies(), "a 1/2, c 1/1");
        assert!((group.share() - 2.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_group_that_failed_stays_in_the_table() {
        let group = Group { failure: Some("no\nstrength".to_owned()), ..Group::default() };
        assert_eq!(group.table("words"), "| words | | not measured | no: no strength |\n");
    }
}
