//! What kind of fault ended a piece of work: all that a caller who cannot read needs to know.
//!
//! Input: none. Output: [`Fault`], which every error of the library says of itself. Invariants: a cancelled piece of work is
//! never said to have failed. Determinism and cost: none.

/// The kinds of faults. Exit codes and host statuses are one `match` over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The user or the host stopped it; nothing is wrong.
    Cancelled,
    /// What was asked for makes no sense; asking differently helps.
    Usage,
    /// A model is missing, damaged or no model.
    Model,
    /// A processor, a card or memory gave out.
    Device {
        /// Whether the same work may succeed on a device that is opened anew.
        retry: bool,
    },
    /// The work itself failed: a file, a picture, the shapes.
    Work,
}

impl Fault {
    /// Whether the same work may succeed on a device that is opened anew.
    pub fn is_worth_a_retry(self) -> bool {
        matches!(self, Self::Device { retry: true })
    }
}
