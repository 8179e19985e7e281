//! `cargo xtask looks`: whether edits do what their prompts say, measured without asking the encoder that made them.
//!
//! Input: the program (`--program FILE`, or the release build, which is made first) and `examples`. Output: a line a cell and
//! a table of goals; with `--write` the table in docs/figures.md and everything in `models/default/looks.json`. `--only` names
//! groups, and what is written keeps the others as they were: for changes that cannot reach them. `--fresh` makes again what earlier reports kept. Invariant: goals and prompts are fixed and failures are
//! listed. Cost: some 400 edits, an hour and a half on two cores; finished cells stay in `target/looks`, named by program.

mod cells;
mod colours;
mod concepts;
mod crossing;
mod ideal;
mod judge;
mod measure;
mod objects;
mod outline;
mod picture;
mod prompts;
mod regions;
mod shapes;
mod table;
mod things;
mod time;
mod transfers;
mod unseen;
mod words;

use crate::tools::{FIGURES, build, flag, program, replace_section, root, say, weights_hash};
use cells::Cells;
pub(crate) use concepts::{ENGINE as PAINTING, PHOTOS as PAINTED_PHOTOS, THINGS as PAINTED_THINGS};
use serde_json::{Value, json};
use table::Group;
pub(crate) use transfers::PAIRS as PAIRS_OF_PICTURES;

/// Fills a group as far as it can be measured.
type Measure = fn(&Cells, &mut Group) -> Result<(), String>;

const GROUPS: [(&str, Measure); 13] = [
    ("looks", colours::looks),
    ("wordings", colours::wordings),
    ("overdone", colours::overdone),
    ("banding", colours::banding),
    ("unseen", unseen::unseen),
    ("shapes", shapes::shapes),
    ("objects", objects::objects),
    ("words", words::words),
    ("regions", regions::regions),
    ("judge", judge::judge),
    ("transfers", transfers::transfers),
    ("concepts", concepts::concepts),
    ("time", time::time),
];
const JSON: &str = "models/default/looks.json";

/// Measures the groups that are asked for, prints and writes.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let only = only(args)?;
    let has = |name: &str| args.iter().any(|arg| arg == name);
    let program = match flag(args, "--program")? {
        Some(program) => program,
        None => {
            build()?;
            program()
        }
    };
    let cells = Cells::new(program, has("--fresh"))?;
    let mut all = Vec::new();
    for (name, measure) in GROUPS {
        if only.as_ref().is_none_or(|only| only.iter().any(|other| other == name)) {
            all.push(measured(name, measure, &cells).json(name));
        }
    }
    say(&format!("\n{}", table_of(&all)));
    if has("--write") {
        let groups = with_kept(all, &written()?);
        let table = table_of(&groups);
        let report = json!({ "weights_blake3": weights_hash(&root().join("models/default"))?, "groups": groups });
        let text = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
        std::fs::write(root().join(JSON), text + "\n").map_err(|error| format!("{JSON}: {error}"))?;
        replace_section(FIGURES, "looks", &table)?;
    }
    Ok(())
}

/// The table of groups.
fn table_of(groups: &[Value]) -> String {
    let rows = groups.iter().filter_map(|group| group["table"].as_str());
    format!("| what | goal | now | reached |\n|---|---|---|---|\n{}", rows.collect::<String>())
}

/// The groups that an earlier report wrote.
fn written() -> Result<Vec<Value>, String> {
    let text = std::fs::read_to_string(root().join(JSON)).map_err(|error| format!("{JSON}: {error}"))?;
    let report: Value = serde_json::from_str(&text).map_err(|error| format!("{JSON}: {error}"))?;
    Ok(report["groups"].as_array().cloned().unwrap_or_default())
}

/// Every group in order: as it was measured now, else as it was `written`.
fn with_kept(measured: Vec<Value>, written: &[Value]) -> Vec<Value> {
    let named = |groups: &[Value], name: &str| groups.iter().find(|group| group["group"] == name).cloned();
    GROUPS.iter().filter_map(|(name, _)| named(&measured, name).or_else(|| named(written, name))).collect()
}

/// One group, with what stopped it.
fn measured(name: &str, measure: Measure, cells: &Cells) -> Group {
    say(name);
    let mut group = Group::default();
    if let Err(reason) = measure(cells, &mut group) {
        say(&format!("  {name} stopped: {reason}"));
        group.failure = Some(reason);
    }
    let tallies = group.tallies();
    if !tallies.is_empty() {
        say(&format!("  {tallies}"));
    }
    for summary in &group.summaries {
        say(&format!("  {}", summary.row().trim()));
    }
    group
}

/// The groups that `--only` names; none: all.
fn only(args: &[String]) -> Result<Option<Vec<String>>, String> {
    let Some(at) = args.iter().position(|arg| arg == "--only") else { return Ok(None) };
    let names = args.get(at + 1).ok_or("--only needs names of groups")?;
    let names = names.split(',').map(str::to_owned).collect::<Vec<_>>();
    match names.iter().find(|name| GROUPS.iter().all(|(known, _)| known != name)) {
        None => Ok(Some(names)),
        Some(name) => {
            let known = GROUPS.map(|(known, _)| known).join(", ");
            Err(format!("there is no group '{name}'; there are {known}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_group_is_refused() {
        let args = |names: &str| ["--only", names].map(str::to_owned);
        assert_eq!(only(&args("looks,time")), Ok(Some(vec!["looks".to_owned(), "time".to_owned()])));
        assert!(only(&args("looks,lokks")).is_err_and(|reason| reason.contains("'lokks'")));
        assert_eq!(only(&[]), Ok(None));
    }

    #[test]
    fn groups_that_were_not_measured_keep_what_was_written() {
        let group = |name: &str, table: &str| json!({ "group": name, "table": table });
        let groups = with_kept(vec![group("words", "new\n")], &[group("words", "old\n"), group("looks", "kept\n")]);
        assert_eq!(groups, [group("looks", "kept\n"), group("words", "new\n")]);
        assert!(table_of(&groups).ends_with("|\nkept\nnew\n"));
    }
}
