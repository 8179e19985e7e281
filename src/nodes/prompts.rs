//! What the prompt is at a time, whichever way an artist keys it.
//!
//! Input: parameters, keys, a time. Output: a [`Prompt`]. Invariants: a schedule replaces keys, keys replace the plain value,
//! and Prompt B comes last; a schedule that cannot be read is an error, never a guess. Determinism and cost: as
//! [`crate::schedule`].

use super::param::{Kind, Number, Param, Text, Typed, Values};
use super::shared;
use crate::schedule::{Key, Prompt, Schedule, ScheduleError, Transition};

/// A second sentence.
pub const PROMPT_B: Typed<Text> = Param {
    id: "promptB",
    label: "Prompt B",
    hint: "A second sentence that the prompt passes over to as Prompt Mix rises. Key the mix where a host cannot key \
           sentences.",
    kind: Kind::Text { default: "" },
    animates: true,
}
.text();

/// How far the prompt has become the second sentence.
pub const PROMPT_MIX: Typed<Number> = Param {
    id: "promptMix",
    label: "Prompt Mix",
    hint: "How far the prompt has become Prompt B: 0 asks for the prompt alone, 1 for Prompt B alone. It has no effect \
           while Prompt B is empty.",
    kind: Kind::Number { default: 0.0, min: 0.0, max: 1.0 },
    animates: true,
}
.number();

/// Keys as text.
pub const PROMPT_SCHEDULE: Typed<Text> = Param {
    id: "promptSchedule",
    label: "Prompt Schedule",
    hint: "Prompts over time, one key a line such as '24: a town at night'; it replaces the prompt and its keys. \
           Schedules of animation notebooks can be pasted.",
    kind: Kind::Lines,
    animates: false,
}
.text();

/// How one key becomes the next.
pub const TRANSITION: Typed<Text> = Param {
    id: "transition",
    label: "Transition",
    hint: "How the picture passes from one key of the prompt to the next: 'hold' changes at the key, 'linear' evenly, \
           'smooth' slowly at both ends. Only neighbouring keys are blended, as directions between texts.",
    kind: Kind::Choice { default: "hold", options: &["hold", "linear", "smooth"] },
    animates: false,
}
.text();

/// Those of nodes with a prompt, in page order; they follow the node's own.
pub const PARAMS: &[Param] = &[PROMPT_B.param, PROMPT_MIX.param, PROMPT_SCHEDULE.param, TRANSITION.param];

/// The prompt of the whole picture at `time`; `keys` are those of the prompt itself, where it can be keyed.
///
/// # Errors
/// [`ScheduleError`] with the line.
pub fn at(values: &Values, keys: Vec<Key>, time: f64) -> Result<Prompt, ScheduleError> {
    let (schedule, transition) = schedule(values, keys)?;
    let prompt = schedule.at(time, transition).unwrap_or_else(|| Prompt::new(values.get(&shared::PROMPT)));
    Ok(prompt.toward(values.get(&PROMPT_B), values.get(&PROMPT_MIX) as f32))
}

/// Whether the prompt changes with time in a way that no value of a single parameter shows. A schedule that cannot be read does not.
pub fn varies(values: &Values, keys: Vec<Key>) -> bool {
    schedule(values, keys).is_ok_and(|(schedule, _)| schedule.varies())
}

/// The keys that count, and how one becomes the next: those of the schedule, else the prompt's own where they are blended.
fn schedule(values: &Values, keys: Vec<Key>) -> Result<(Schedule, Transition), ScheduleError> {
    let transition = match values.get(&TRANSITION) {
        "linear" => Transition::Linear,
        "smooth" => Transition::Smooth,
        _ => Transition::Hold,
    };
    let schedule = Schedule::parse(values.get(&PROMPT_SCHEDULE))?;
    let schedule = if schedule.is_empty() && transition != Transition::Hold { Schedule::new(keys) } else { schedule };
    Ok((schedule, transition))
}
