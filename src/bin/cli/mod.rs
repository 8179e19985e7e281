//! The commands: thin shells around the library, where files, flags, clocks and terminals live.

mod args;
mod bench;
mod consent;
mod edit;
mod error;
mod files;
mod machine;
mod manual;
mod models;
mod nodes;
mod progress;
mod score;

use clap::ArgMatches;
use error::CliError;
use linocut::cache::Cache;
use linocut::ctx::{Ctx, EncoderPlace};
use linocut::encoder::Encoder;
use linocut::gpu::{Backend, GpuError, Wanted};
use linocut::models::Choice;
use linocut::nodes::NODES;
use linocut::session::{self, Session};
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

/// Reads the flags and runs the command.
pub(crate) fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::WARN).without_time().init();
    let matches = match args::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            // Help and version come this way too; clap chooses stdout or stderr and its own exit code 0 or 2.
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    match run(&matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "linocut: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(matches: &ArgMatches) -> Result<(), CliError> {
    let Some((name, sub)) = matches.subcommand() else { return Ok(()) };
    let run = Run::new(sub)?;
    session::with_fallback(&run.ctx, run.falls_back, CliError::fault, |ctx| {
        command(&Run { ctx: ctx.clone(), ..run.clone() }, name, sub)
    })
}

fn command(run: &Run, name: &str, sub: &ArgMatches) -> Result<(), CliError> {
    match name {
        "score" => score::run(run, sub),
        "bench" => bench::run(run, sub),
        "models" => models::run(run, sub),
        "nodes" => nodes::run(run, sub),
        "doctor" => machine::run(run),
        _ => match NODES.iter().find(|node| node.command == name) {
            Some(node) => edit::run(run, node, sub),
            None => Err(CliError::Usage(format!("there is no command '{name}'"))),
        },
    }
}

/// What every command shares: context, progress, and how to print.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) ctx: Ctx,
    pub(crate) bar: Arc<progress::Bar>,
    json: bool,
    cache: Option<String>,
    /// The card that the flags or the environment name.
    card: Wanted,
    /// `--backend auto`: what a card cannot do, the CPU does.
    falls_back: bool,
}

impl Run {
    fn new(matches: &ArgMatches) -> Result<Self, CliError> {
        let bar = Arc::new(progress::Bar::new());
        let threads = matches.get_one::<usize>("threads").copied().unwrap_or(0);
        let mut ctx = Ctx::new(threads, Arc::clone(&bar) as Arc<dyn linocut::ctx::Progress>)?;
        let card = matches.get_one::<String>("gpu").map_or_else(Wanted::from_environment, |text| Wanted::parse(text));
        let backend = matches.get_one::<String>("backend").map_or("cpu", String::as_str);
        if backend == "gpu" && card == Wanted::Off {
            return Err(GpuError::Off.into());
        }
        ctx.backend = Backend::named(backend, &card);
        let place = matches.get_one::<String>("encoder-device").and_then(|name| EncoderPlace::named(name));
        ctx.encoder = place.unwrap_or_default();
        linocut::encoder::check_place(ctx.encoder)?;
        let cancel = ctx.cancel.clone();
        if let Err(error) = ctrlc::set_handler(move || cancel.cancel()) {
            tracing::warn!("Ctrl-C will not stop cleanly: {error}");
        }
        let cache = matches.get_one::<String>("cache").cloned();
        Ok(Self { ctx, bar, json: matches.get_flag("json"), cache, card, falls_back: backend == "auto" })
    }

    /// The cache that `--cache` names; one that cannot be opened is reported and left out.
    pub(crate) fn cache(&self) -> Cache {
        Cache::chosen(self.cache.as_ref().map(Into::into))
    }

    /// Finished scenes and encoders as the flags say.
    pub(crate) fn session(&self) -> Session {
        Session { cache: self.cache(), search: machine::search_path() }
    }

    /// The encoder called `name`, found and checked.
    pub(crate) fn choose(&self, name: &str) -> Result<Choice, CliError> {
        Ok(linocut::models::choose(name, &machine::search_path(), &self.ctx.cancel)?)
    }

    /// The encoder called `name`, loaded once.
    pub(crate) fn encoder(&self, name: &str) -> Result<Arc<Encoder>, CliError> {
        Ok(self.choose(name)?.encoder()?)
    }

    /// Prints `report` as JSON, or `text` for people.
    pub(crate) fn print(&self, report: &impl serde::Serialize, text: &str) -> Result<(), CliError> {
        self.bar.finish();
        let line = if self.json { serde_json::to_string(report).unwrap_or_default() } else { text.to_owned() };
        let mut out = std::io::stdout();
        match writeln!(out, "{line}").and_then(|()| out.flush()) {
            // A reader that has read enough, such as `head`, is no failure.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(CliError::Write { path: "stdout".into(), reason: error.to_string() }),
            Ok(()) => Ok(()),
        }
    }
}
