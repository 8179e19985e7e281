//! What the prompt is at a time, whichever way the host lets artists key it.
//!
//! Input: an instance's parameters. Output: a [`Blend`]. Invariants: a schedule replaces keys, keys replace the plain
//! value, and Prompt B comes last; a schedule that cannot be read is an error, never a guess. Cost: a few host calls.

use super::params::Reader;
use crate::nodes::param::Values;
use crate::nodes::{hosted, shared};
use crate::schedule::{Blend, Schedule, ScheduleError, Toward, Transition};

/// The prompt of the whole picture at the reader's time; `held` is the plain value then.
///
/// # Errors
/// [`ScheduleError`] with the line.
pub(super) fn effective(reader: &Reader, held: &str, values: &Values) -> Result<Blend, ScheduleError> {
    let transition = match values.text(hosted::TRANSITION.id) {
        "linear" => Transition::Linear,
        "smooth" => Transition::Smooth,
        _ => Transition::Hold,
    };
    let mut schedule = Schedule::parse(values.text(hosted::PROMPT_SCHEDULE.id))?;
    if schedule.is_empty() && transition != Transition::Hold {
        schedule = Schedule::new(reader.keys(shared::PROMPT.id));
    }
    let plain = || Blend { prompt: held.to_owned(), toward: None };
    let mut blend = schedule.at(reader.time, transition).unwrap_or_else(plain);
    let (other, amount) = (values.text(hosted::PROMPT_B.id).trim(), values.number(hosted::PROMPT_MIX.id) as f32);
    if blend.toward.is_none() && !other.is_empty() && amount >= 1.0 {
        // The same job as with that prompt alone.
        blend.prompt = other.to_owned();
    } else if blend.toward.is_none() && !other.is_empty() && amount > 0.0 {
        blend.toward = Some(Toward { prompt: other.to_owned(), amount });
    }
    Ok(blend)
}
