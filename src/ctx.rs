//! What every stage may ask of its surroundings: may I go on, who listens, how many threads, which card.
//!
//! Input: a thread budget and a progress sink. Output: [`Ctx`], cheap to clone and safe to share.
//! Invariants: a stage checks [`Cancel::check`] at least once an iteration or once a band of work; nothing
//! here changes a result but [`Ctx::encoder`], whose [`EncoderPlace::class`] is therefore part of a step's
//! class. Determinism: the thread count never reaches a result. Cost: one thread pool.

use crate::fault::Fault;
use crate::gpu::Backend;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The work was cancelled by the user or the host; nothing was left half-written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

impl Cancelled {
    /// What kind of fault it is: none.
    pub fn fault(&self) -> Fault {
        Fault::Cancelled
    }
}

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

impl ThreadError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        Fault::Device { retry: false }
    }
}

/// Number format of an encoder's matrix products on a graphics card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Everything in f32.
    #[default]
    F32,
    /// Weights and the operands of products in bf16; sums, norms, softmax and residuals in f32.
    Bf16,
}

/// Where an encoder's image tower runs. Plain data: a build that cannot serve it says so when it is asked to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EncoderPlace {
    /// The processor; bit-identical results on any number of threads.
    #[default]
    Cpu,
    /// An NVIDIA card, in builds with the feature `cuda`.
    Cuda {
        /// Number of the card, in the order of the driver.
        index: usize,
        /// Format of the products.
        precision: Precision,
    },
}

impl EncoderPlace {
    /// What users call the places.
    pub const NAMES: [&'static str; 3] = ["cpu", "cuda", "cuda-bf16"];

    /// The place of a name in [`Self::NAMES`]; of several cards the first.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "cpu" => Some(Self::Cpu),
            "cuda" => Some(Self::Cuda { index: 0, precision: Precision::F32 }),
            "cuda-bf16" => Some(Self::Cuda { index: 0, precision: Precision::Bf16 }),
            _ => None,
        }
    }

    /// What is appended to a step's class: results of two places agree only within a tolerance, so that finished
    /// scenes of one must not be taken for those of the other.
    pub fn class(self) -> &'static str {
        match self {
            Self::Cpu => "",
            Self::Cuda { precision: Precision::F32, .. } => "+cuda",
            Self::Cuda { precision: Precision::Bf16, .. } => "+cuda-bf16",
        }
    }
}

impl std::fmt::Display for EncoderPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda { index, precision: Precision::F32 } => write!(f, "cuda:{index}"),
            Self::Cuda { index, precision: Precision::Bf16 } => write!(f, "cuda:{index} (bf16)"),
        }
    }
}

/// Cancel token, progress sink, thread budget and backend of one run.
#[derive(Clone)]
pub struct Ctx {
    /// Raised by Ctrl-C or by a host's abort.
    pub cancel: Cancel,
    /// Who hears about progress.
    pub progress: Arc<dyn Progress>,
    /// Where shapes are drawn and moved.
    pub backend: Backend,
    /// Where the image tower of the encoder runs; the processor unless set.
    pub encoder: EncoderPlace,
    pool: Arc<rayon::ThreadPool>,
}

impl Ctx {
    /// A context with `threads` workers (0: one a core) and the given listener, drawing on the CPU.
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
        Ok(Self {
            cancel: Cancel::default(),
            progress,
            backend: Backend::Cpu,
            encoder: EncoderPlace::default(),
            pool: Arc::new(pool),
        })
    }

    /// What edits are known by: those of one class are bit-identical, on the processor on whatever machine. Names the
    /// instructions that multiply matrices where they are not the usual ones, and a card with its driver. Cost: with a
    /// card, its drivers are loaded once a process.
    pub fn backend_class(&self) -> String {
        format!("{}{}{}", self.backend.class(), instructions(), self.encoder.class())
    }

    /// What work is known by that the processor does whatever the backend: it names the instructions that multiply matrices where
    /// they are not the usual ones.
    pub fn processor_class() -> String {
        format!("{}{}", Backend::Cpu.class(), instructions())
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

/// What a class says of the instructions that multiply matrices: nothing for the fused multiply-add of x86-64, which
/// nearly every such processor has had since 2013. Others round differently.
fn instructions() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    let name = if std::arch::is_x86_feature_detected!("fma") { "" } else { "-plain" };
    #[cfg(target_arch = "aarch64")]
    let name = "-neon";
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let name = "-other";
    name
}

impl std::fmt::Debug for Ctx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ctx").field("threads", &self.threads()).field("cancel", &self.cancel).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_place_is_a_class_of_its_own() {
        let places = EncoderPlace::NAMES.map(|name| EncoderPlace::named(name).unwrap());
        assert_eq!(places[0], EncoderPlace::default(), "the processor unless asked otherwise");
        assert_eq!(places.map(EncoderPlace::class), ["", "+cuda", "+cuda-bf16"]);
        assert_eq!(places.map(|place| place.to_string()), ["cpu", "cuda:0", "cuda:0 (bf16)"]);
        assert_eq!(EncoderPlace::named("gpu"), None);
    }
}
