//! Whose turn it is to edit.
//!
//! Input: a cancel flag. Output: a guard. Invariants: one edit of the process runs at a time and uses every core, so that frames
//! rendered at once do not fight; only making waits, never finding or drawing. Cost: none where nobody edits.

use crate::ctx::{Cancel, Cancelled};
use parking_lot::{Mutex, MutexGuard};
use std::time::Duration;

static TURN: Mutex<()> = Mutex::new(());
/// How often one who waits looks whether to stop.
const POLL: Duration = Duration::from_millis(20);

/// Waits for the turn.
///
/// # Errors
/// [`Cancelled`] when the flag is raised meanwhile.
pub(super) fn take(cancel: &Cancel) -> Result<MutexGuard<'static, ()>, Cancelled> {
    loop {
        cancel.check()?;
        if let Some(turn) = TURN.try_lock_for(POLL) {
            return Ok(turn);
        }
    }
}
