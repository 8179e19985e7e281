//! Asking the person at the terminal whether the terms of a licence are accepted.

use linocut::ctx::Cancel;
use linocut::models::Terms;
use std::io::{IsTerminal as _, Write as _};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

const POLL: Duration = Duration::from_millis(50);

/// Whether the person accepts the terms; no where there is nobody to ask.
pub(crate) fn accepts(terms: &Terms, cancel: &Cancel) -> bool {
    let (input, mut output) = (std::io::stdin(), std::io::stderr());
    if !(input.is_terminal() && output.is_terminal()) {
        return false;
    }
    let Terms { name, licence, terms } = terms;
    let question = format!(
        "'{name}' comes under the licence {licence}, which says what the model may not be used for:\n  {terms}\n\
         Type yes if you accept its terms: "
    );
    if output.write_all(question.as_bytes()).and_then(|()| output.flush()).is_err() {
        return false;
    }
    // A line that is waited for cannot be broken off, a thread that waits for it can be left behind.
    let (answered, answer) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = input.read_line(&mut line);
        let _ = answered.send(line);
    });
    loop {
        match answer.recv_timeout(POLL) {
            Ok(line) => return line.trim().eq_ignore_ascii_case("yes"),
            Err(RecvTimeoutError::Timeout) if !cancel.is_cancelled() => {}
            Err(_) => return false,
        }
    }
}
