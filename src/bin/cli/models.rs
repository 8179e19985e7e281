//! `models`: which models there are, whether they are whole, and how to bring more.

use super::error::CliError;
use super::{Run, args, consent, machine};
use clap::ArgMatches;
use linocut::models::{self, Endpoint, Environment, Listed, Source, Terms};

/// Runs `models`.
pub(crate) fn run(run: &Run, matches: &ArgMatches) -> Result<(), CliError> {
    let search = machine::search_path();
    let name = |matches: &ArgMatches| matches.get_one::<String>("name").cloned().unwrap_or_default();
    match matches.subcommand() {
        Some(("list", _)) => {
            let listed = models::list(&search);
            let text = listed.iter().map(line).collect::<Vec<_>>().join("\n");
            run.print(&serde_json::json!({ "models": listed }), &text)
        }
        Some(("verify", matches)) => {
            let verified = models::verify(&name(matches), &search, &run.ctx.cancel)?;
            verified.check()?;
            let files = verified.files.iter().map(|file| format!("{}  {:?}", file.path.display(), file.verdict));
            let text = std::iter::once(format!("{}: whole", verified.name)).chain(files).collect::<Vec<_>>();
            run.print(&verified, &text.join("\n"))
        }
        Some(("path", matches)) => {
            let folder = models::path(&name(matches), &search)?;
            let text = folder.as_ref().map_or("compiled in".to_owned(), |folder| folder.display().to_string());
            run.print(&serde_json::json!({ "path": folder }), &text)
        }
        Some(("fetch", matches)) => fetch(run, &name(matches), matches.get_flag(args::ACCEPT_LICENCE)),
        _ => Ok(()),
    }
}

fn fetch(run: &Run, name: &str, is_accepted: bool) -> Result<(), CliError> {
    let Some(folder) = Environment::of_process(machine::binary()).user_models() else {
        return Err(CliError::Usage("this user has no data folder; set HOME or LINOCUT_MODEL_PATH".to_owned()));
    };
    let (progress, cancel) = (run.ctx.progress.as_ref(), &run.ctx.cancel);
    let accepts = |terms: &Terms| is_accepted || consent::accepts(terms, cancel);
    let fetched = models::fetch(name, &folder, &Endpoint::of_process(), &accepts, progress, cancel)?;
    run.print(&fetched, &format!("{} is in {}", fetched.name, fetched.folder.display()))
}

fn line(listed: &Listed) -> String {
    let place = match (&listed.source, &listed.folder) {
        (Some(Source::BuiltIn), _) => "compiled in".to_owned(),
        (_, Some(folder)) => folder.display().to_string(),
        _ => format!("not here; bring it with 'linocut models fetch {}'", listed.name),
    };
    let (kind, size) = (listed.kind.name(), listed.size as f64 * 1e-6);
    format!("{kind:9} {:43} {size:7.1} MB  {:22} {place}", listed.name, listed.licence)
}
