//! Prompt keys over time, and what is asked for at a frame.
//!
//! Input: keys as text, or frames with sentences. Output: a [`Prompt`] at a frame, of one or two neighbouring sentences.
//! Invariants: keys are in order of their frames, one a frame; before the first and after the last key its sentence
//! holds. Determinism: pure functions. Cost: a look through the keys.

use crate::fault::Fault;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A sentence that holds from a frame on.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// When.
    pub frame: f64,
    /// What.
    pub prompt: String,
}

/// How the picture passes from one key to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transition {
    /// The sentence changes at the key.
    #[default]
    Hold,
    /// Evenly.
    Linear,
    /// Slowly at both ends.
    Smooth,
}

/// A sentence on its way to another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Toward {
    /// The other sentence.
    pub prompt: String,
    /// How far, above 0 and up to 1.
    pub amount: f32,
}

/// What is asked for at one frame: a sentence, or a blend of two.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    /// The sentence.
    #[serde(rename = "prompt")]
    pub text: String,
    /// The next one, where it has begun to count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toward: Option<Toward>,
}

impl Prompt {
    /// One sentence.
    pub fn new(text: &str) -> Self {
        Self { text: text.trim().to_owned(), toward: None }
    }

    /// This on its way to `other`: 0 is this alone, 1 the other alone. A prompt that is on its way already stays as it is, and
    /// an empty one asks for nothing.
    #[must_use]
    pub fn toward(self, other: &str, amount: f32) -> Self {
        let other = other.trim();
        if self.toward.is_some() || other.is_empty() || amount.is_nan() || amount <= 0.0 {
            self
        } else if amount >= 1.0 {
            // The same work as with that sentence alone.
            Self::new(other)
        } else {
            Self { toward: Some(Toward { prompt: other.to_owned(), amount }), ..self }
        }
    }
}

impl fmt::Display for Prompt {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, toward } = self;
        match toward {
            None => to.write_str(text),
            Some(Toward { prompt, amount }) => {
                write!(to, "{text} ({:.0} %) and {prompt} ({:.0} %)", 100.0 * (1.0 - amount), 100.0 * amount)
            }
        }
    }
}

/// A schedule that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the prompt schedule, '{given}', {rule}; write one key a line, such as '24: a town at night'")]
pub struct ScheduleError {
    /// Line, from 1.
    pub line: usize,
    /// The line as given.
    pub given: String,
    /// What is wrong.
    pub rule: &'static str,
}

impl ScheduleError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        Fault::Usage
    }
}

/// Keys in order of their frames.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    keys: Vec<Key>,
}

impl Schedule {
    /// Puts keys in order; of several at one frame the last one counts.
    pub fn new(mut keys: Vec<Key>) -> Self {
        keys.sort_by(|a, b| a.frame.total_cmp(&b.frame));
        let mut kept: Vec<Key> = Vec::with_capacity(keys.len());
        for key in keys {
            match kept.last_mut() {
                Some(last) if last.frame == key.frame => *last = key,
                _ => kept.push(key),
            }
        }
        Self { keys: kept }
    }

    /// Reads one key a line, `frame: sentence`. Quotes around frame and sentence, commas behind them and lone braces are
    /// passed over, so the schedules of animation notebooks can be pasted; empty lines and lines from `#` on too.
    ///
    /// # Errors
    /// [`ScheduleError`] with the line.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let mut keys = Vec::new();
        for (index, given) in text.lines().enumerate() {
            let line = given.trim().trim_start_matches('{').trim_end_matches('}').trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let error = |rule| ScheduleError { line: index + 1, given: given.trim().to_owned(), rule };
            let (frame, prompt) = line.split_once(':').ok_or_else(|| error("has no ':' between frame and prompt"))?;
            let frame = unquoted(frame).parse().ok().filter(|frame: &f64| frame.is_finite());
            let frame = frame.ok_or_else(|| error("does not begin with a frame number"))?;
            let prompt = unquoted(prompt);
            if prompt.is_empty() {
                return Err(error("has no prompt behind the frame"));
            }
            keys.push(Key { frame, prompt: prompt.to_owned() });
        }
        Ok(Self::new(keys))
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether it asks for more than one prompt.
    pub fn varies(&self) -> bool {
        self.keys.len() > 1
    }

    /// What is asked for at `frame`; none without keys.
    pub fn at(&self, frame: f64, transition: Transition) -> Option<Prompt> {
        let next = self.keys.partition_point(|key| key.frame <= frame);
        let first = self.keys.get(next.saturating_sub(1))?;
        let toward = self.keys.get(next).filter(|_| next > 0).and_then(|second| {
            let amount = transition.amount((frame - first.frame) / (second.frame - first.frame));
            (amount > 0.0 && second.prompt != first.prompt).then(|| Toward { prompt: second.prompt.clone(), amount })
        });
        Some(Prompt { text: first.prompt.clone(), toward })
    }
}

impl Transition {
    fn amount(self, part: f64) -> f32 {
        let part = match self {
            Self::Hold => 0.0,
            Self::Linear => part,
            Self::Smooth => part * part * (3.0 - 2.0 * part),
        };
        part as f32
    }
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_end_matches(',').trim().trim_matches('"').trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule() -> Schedule {
        Schedule::parse("# a day\n0: a town at noon\n\n  20 : a town: at night\n").unwrap()
    }

    #[test]
    fn keys_hold_or_pass_over_to_their_neighbour_only() {
        let at = |frame, transition| schedule().at(frame, transition).unwrap();
        assert_eq!(at(-5.0, Transition::Linear), Prompt::new("a town at noon"), "before");
        assert_eq!(at(19.0, Transition::Hold).toward, None, "held");
        let toward = |amount| Some(Toward { prompt: "a town: at night".into(), amount });
        assert_eq!(at(5.0, Transition::Linear).toward, toward(0.25));
        assert_eq!(at(5.0, Transition::Smooth).toward, toward(0.15625));
        assert_eq!(at(20.0, Transition::Linear), Prompt::new("a town: at night"), "at the key");
        assert_eq!(at(99.0, Transition::Linear).text, "a town: at night", "after");
        assert_eq!(Schedule::default().at(0.0, Transition::Linear), None, "no keys");
    }

    #[test]
    fn schedules_of_notebooks_can_be_pasted() {
        let pasted = Schedule::parse("{\n  \"0\": \"a town at noon\",\n  \"20\": \"a town: at night\"\n}").unwrap();
        assert_eq!(pasted, schedule());
    }

    #[test]
    fn a_bad_line_is_named() {
        for (text, words) in [
            ("0: a\nnight", "line 2 of the prompt schedule, 'night', has no ':' between frame and prompt"),
            ("ten: a", "line 1 of the prompt schedule, 'ten: a', does not begin with a frame number"),
            ("\n3:  ", "line 2 of the prompt schedule, '3:', has no prompt behind the frame"),
            ("inf: a", "line 1 of the prompt schedule, 'inf: a', does not begin with a frame number"),
        ] {
            let error = Schedule::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(words), "{error}");
        }
    }

    #[test]
    fn of_two_keys_at_one_frame_the_last_counts() {
        let schedule = Schedule::parse("4: a\n0: b\n4: c").unwrap();
        assert_eq!(schedule.at(4.0, Transition::Hold).unwrap().text, "c");
    }
}
