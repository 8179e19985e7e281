//! What every stage may ask of its surroundings: may I go on, who listens, how many threads.
//!
//! Input: a thread budget and a progress sink. Output: [`Ctx`], cheap to clone and safe to share.
//! Invariants: a stage checks [`Cancel::check`] at least once an iteration or once a band of work; nothing
//! here changes a result. Determinism: the thread count never reaches a result. Cost: one thread pool.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The work was cancelled by the user or the host; nothing was left half-written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// A flag that any thread may raise and every stage polls.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Raises the flag; takes effect at the next poll.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the flag is raised.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Fails once the flag is raised, so that a stage can leave with `?`.
    ///
    /// # Errors
    /// [`Cancelled`] when the flag is raised.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }
}

/// Receives progress; implemented by the command line's bar and by hosts.
pub trait Progress: Send + Sync {
    /// A stage begins; `total` steps are expected (0: unknown).
    fn stage(&self, name: &str, total: u64);
    /// `done` steps of the current stage are finished; `note` is a short read-out such as the loss.
    fn advance(&self, done: u64, note: &str);
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _name: &str, _total: u64) {}
    fn advance(&self, _done: u64, _note: &str) {}
}

/// The thread pool could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {threads} worker threads ({reason}); ask for fewer with --threads")]
pub struct ThreadError {
    /// How many threads were asked for.
    pub threads: usize,
    /// The system's answer.
    pub reason: String,
}

/// Cancel token, progress sink and thread budget of one run.
#[derive(Clone)]
pub struct Ctx {
    /// Raised by Ctrl-C or by a host's abort.
    pub cancel: Cancel,
    /// Who hears about progress.
    pub progress: Arc<dyn Progress>,
    pool: Arc<rayon::ThreadPool>,
}

impl Ctx {
    /// A context with `threads` workers (0: one a core) and the given listener.
    ///
    /// # Errors
    /// [`ThreadError`] when the system refuses the threads.
    pub fn new(threads: usize, progress: Arc<dyn Progress>) -> Result<Self, ThreadError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("linocut-{index}"))
            .stack_size(8 << 20)
            .build()
            .map_err(|error| ThreadError { threads, reason: error.to_string() })?;
        Ok(Self { cancel: Cancel::default(), progress, pool: Arc::new(pool) })
    }

    /// How many threads the budget allows.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Runs `work` inside the budget: every rayon loop below it uses these threads and no others.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.pool.install(work)
    }
}

impl std::fmt::Debug for Ctx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ctx").field("threads", &self.threads()).field("cancel", &self.cancel).finish_non_exhaustive()
    }
}
