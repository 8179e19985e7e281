//! The built-in encoder's figures beside their goals: its held-out tests (`models/default/figures.json`), the judge of its
//! contact sheet (`models/default/sheet.json`), and what its image tower takes.
//!
//! Invariant: figures of other weights than those that lie beside them are refused.

use crate::tools::{root, weights_hash};
use serde_json::Value;

const FOLDER: &str = "models/default";
/// 16 crops through the image tower, forward and back to the pixels.
const TOWER_GOAL_S: f64 = 0.35;
/// Share of the sheet's cells that the judge sees move toward their prompt, in per cent.
const RISES_GOAL: f64 = 95.0;
/// Moves that know nothing of the prompt.
const RISES_CHANCE: f64 = 50.0;

/// What was measured of the shipped weights.
pub(crate) struct Figures {
    tests: Vec<Value>,
    /// Per cent.
    rises: f64,
}

impl Figures {
    /// Reads both files.
    ///
    /// # Errors
    /// With what to do where one is missing or belongs to other weights.
    pub(crate) fn read() -> Result<Self, String> {
        let hash = weights_hash(&root().join(FOLDER))?;
        let figures = of_weights(&hash, "figures.json", "measure them with models/train/evaluate.py")?;
        let sheet = of_weights(&hash, "sheet.json", "run 'cargo xtask sheet'")?;
        let tests = figures["tests"].as_array().cloned().ok_or("figures.json lists no tests")?;
        Ok(Self {
            tests,
            rises: 100.0 * sheet["rises"].as_f64().ok_or("sheet.json gives no share of cells that rise")?,
        })
    }

    /// The table, a row a test, with what the image tower takes for 16 crops.
    pub(crate) fn table(&self, tower_s: f64) -> String {
        let mut table =
            "| test, per cent | chance | first version | goal | now | reached |\n|---|---|---|---|---|---|\n"
                .to_owned();
        for test in &self.tests {
            let of = |key: &str| test[key].as_f64();
            let now = of("now").unwrap_or(f64::NAN);
            table += &row(test["test"].as_str().unwrap_or(""), of("chance"), of("first"), of("goal"), now);
        }
        let judged = "cells of the contact sheet that move toward their prompt, by the judge";
        table += &row(judged, Some(RISES_CHANCE), None, Some(RISES_GOAL), self.rises);
        let reached =
            if tower_s <= TOWER_GOAL_S { "yes".to_owned() } else { format!("no, by {:.2} s", tower_s - TOWER_GOAL_S) };
        table
            + &format!(
                "| image tower, 16 crops, forward and gradient | | | {TOWER_GOAL_S} s | {tower_s:.2} s | {reached} |\n"
            )
    }
}

fn row(test: &str, chance: Option<f64>, first: Option<f64>, goal: Option<f64>, now: f64) -> String {
    let shown = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.1}"));
    let reached = match goal {
        None => String::new(),
        Some(goal) if now >= goal => "yes".to_owned(),
        Some(goal) => format!("no, by {:.1} points", goal - now),
    };
    format!("| {test} | {} | {} | {} | {now:.1} | {reached} |\n", shown(chance), shown(first), shown(goal))
}

/// A file beside the shipped weights, which says that it is about the weights of this hash.
pub(crate) fn of_weights(hash: &str, name: &str, remedy: &str) -> Result<Value, String> {
    let text =
        std::fs::read(root().join(FOLDER).join(name)).map_err(|error| format!("{FOLDER}/{name}: {error}; {remedy}"))?;
    let value: Value = serde_json::from_slice(&text).map_err(|error| format!("{FOLDER}/{name}: {error}; {remedy}"))?;
    if value["weights_blake3"] == hash {
        return Ok(value);
    }
    Err(format!("{FOLDER}/{name} is about other weights than {FOLDER}/model.safetensors; {remedy}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_goal_is_listed_as_missed() {
        let test = serde_json::json!({ "test": "letters", "chance": 3.8, "first": null, "goal": 80.0, "now": 70.25 });
        let table = Figures { tests: vec![test], rises: 96.0 }.table(0.41);
        assert!(table.contains("| letters | 3.8 |  | 80.0 | 70.2 | no, by 9.8 points |\n"), "{table}");
        assert!(table.contains("| 50.0 |  | 95.0 | 96.0 | yes |\n"), "{table}");
        assert!(table.ends_with("| 0.35 s | 0.41 s | no, by 0.06 s |\n"), "{table}");
    }
}
