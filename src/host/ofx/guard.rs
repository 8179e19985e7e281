//! The one door between host and engine: nothing gets out of it but a status.
//!
//! Input: an action's work. Output: an OpenFX status. Invariants: a panic never crosses the C boundary; an error
//! becomes a message at the node, with what to do. Cost: nothing where nothing fails.

use super::props::c_string;
use super::suites::{Suites, suites};
use super::sys::{
    OfxStatus, kOfxMessageError, kOfxMessageMessage, kOfxMessageQuestion, kOfxStatFailed, kOfxStatReplyNo,
};
use std::cell::Cell;
use std::ffi::{CStr, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `work`; a panic becomes `kOfxStatFailed` and a message at `instance`, where there is one.
pub(super) fn guarded(instance: *mut c_void, work: impl FnOnce() -> OfxStatus) -> OfxStatus {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
        let text = format!("Linocut stopped at a fault of its own ({}); please report it", words.unwrap_or("no words"));
        if let Some(suites) = suites() {
            // A host's message function cannot unwind into here: it is C.
            complain(instance, &text, suites);
        }
        kOfxStatFailed
    })
}

/// Runs `work` where there is no instance to speak to; a panic becomes `failed`.
pub(super) fn shielded<R>(failed: R, work: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(failed)
}

thread_local! {
    /// Whether this thread is inside work that calls the host back.
    static AT_WORK: Cell<bool> = const { Cell::new(false) };
}

/// The right to work on this thread. Hosts run their events inside what they are told (progress, messages, parameters that are
/// set), so an impatient second press comes in on the very thread whose work waits for the first answer.
pub(super) struct Alone(());

impl Alone {
    /// None where this thread is at work already.
    pub(super) fn take() -> Option<Self> {
        (!AT_WORK.replace(true)).then(|| Self(()))
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        AT_WORK.set(false);
    }
}

/// Shows the error `text` at the node until it is cleared, or once where the host knows no lasting messages.
pub(super) fn complain(instance: *mut c_void, text: &str, suites: Suites) {
    say(kOfxMessageError, instance, text, suites);
}

/// Shows `text` at the node until it is cleared, where the host knows lasting messages; nobody has to acknowledge it.
pub(super) fn mention(instance: *mut c_void, text: &str, suites: Suites) {
    if suites.lasting.is_some() {
        say(kOfxMessageMessage, instance, text, suites);
    }
}

/// Asks the artist; yes too where the host cannot ask.
pub(super) fn agrees(instance: *mut c_void, question: &str, suites: Suites) -> bool {
    let Some(ask) = suites.message.and_then(|suite| suite.message) else { return true };
    let question = c_string(&question.replace('%', "%%"));
    // SAFETY: a host function with a live instance and C strings; the format asks for no arguments.
    let answer = unsafe { ask(instance, kOfxMessageQuestion.as_ptr(), c"".as_ptr(), question.as_ptr()) };
    answer != kOfxStatReplyNo
}

fn say(kind: &CStr, instance: *mut c_void, text: &str, suites: Suites) {
    if instance.is_null() {
        return;
    }
    // The host takes the text as a printf format and some print variable arguments as nothing: no arguments, then.
    let text = c_string(&text.replace('%', "%%"));
    let id: &CStr = c"";
    if let Some(show) = suites.lasting.and_then(|suite| suite.setPersistentMessage) {
        // SAFETY: a host function with a live instance and C strings; the format asks for no arguments.
        unsafe { show(instance, kind.as_ptr(), id.as_ptr(), text.as_ptr()) };
    } else if let Some(show) = suites.message.and_then(|suite| suite.message) {
        // SAFETY: as above.
        unsafe { show(instance, kind.as_ptr(), id.as_ptr(), text.as_ptr()) };
    }
}

/// Takes back what [`complain`] and [`mention`] showed.
pub(super) fn content(instance: *mut c_void, suites: Suites) {
    if let Some(clear) = suites.lasting.and_then(|suite| suite.clearPersistentMessage) {
        // SAFETY: a host function with a live instance.
        unsafe { clear(instance) };
    }
}

#[cfg(test)]
mod tests {
    use super::{guarded, shielded};
    use crate::host::ofx::sys::{kOfxStatFailed, kOfxStatOK};

    #[test]
    fn a_panic_becomes_a_status_and_the_next_action_works() {
        for words in ["an index is out of bounds", "100 % wrong"] {
            let status = guarded(std::ptr::null_mut(), || std::panic::resume_unwind(Box::new(words)));
            assert_eq!(status, kOfxStatFailed, "{words}");
            let status = guarded(std::ptr::null_mut(), || std::panic::resume_unwind(Box::new(7_u8)));
            assert_eq!(status, kOfxStatFailed, "a panic without words");
        }
        assert_eq!(guarded(std::ptr::null_mut(), || kOfxStatOK), kOfxStatOK);
        assert_eq!(shielded(7, || std::panic::resume_unwind(Box::new("no table"))), 7);
    }
}
