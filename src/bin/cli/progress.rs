//! Progress on stderr, and the time each stage took.

use indicatif::{ProgressBar, ProgressStyle};
use linocut::ctx::Progress;
use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::Instant;

/// Shows a bar where stderr is a terminal and remembers when each stage began.
pub(crate) struct Bar {
    bar: ProgressBar,
    stages: Mutex<Vec<(String, Instant)>>,
}

impl Bar {
    /// A bar that is hidden where nobody would see it.
    pub(crate) fn new() -> Self {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{prefix:>10} {bar:40} {pos}/{len} {msg} {eta}") {
            bar.set_style(style);
        }
        Self { bar, stages: Mutex::default() }
    }

    /// Seconds from the start of stage `name` to the start of the next stage or until now; 0 when it never ran.
    pub(crate) fn seconds(&self, name: &str) -> f64 {
        let Ok(stages) = self.stages.lock() else { return 0.0 };
        let took = stages.iter().enumerate().filter(|(_, (stage, _))| stage == name).map(|(index, (_, begun))| {
            let ended = stages.get(index + 1).map_or_else(Instant::now, |(_, next)| *next);
            ended.duration_since(*begun).as_secs_f64()
        });
        // Not `sum`, whose empty value is -0.0.
        took.fold(0.0, |total, seconds| total + seconds)
    }

    /// Ends the bar and the last stage.
    pub(crate) fn finish(&self) {
        self.stage("", 0);
        self.bar.finish_and_clear();
    }
}

impl Progress for Bar {
    fn stage(&self, name: &str, total: u64) {
        if let Ok(mut stages) = self.stages.lock() {
            stages.push((name.to_owned(), Instant::now()));
        }
        self.bar.set_prefix(name.to_owned());
        self.bar.set_length(total);
        self.bar.set_position(0);
        self.bar.set_message("");
    }

    fn advance(&self, done: u64, note: &str) {
        self.bar.set_position(done);
        self.bar.set_message(note.to_owned());
    }
}
