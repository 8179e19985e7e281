//! What all instances of the process share: threads, encoders, finished scenes.
//!
//! Input: the environment. Output: a context, a [`Session`]. Invariants: made at the first render, never at load; hosts
//! that load and unload a plug-in for every frame find everything again. Cost: one thread pool.

use super::props::Props;
use super::suites::{Suites, suites};
use super::sys::{kOfxImageEffectHostPropIsBackground, kOfxStatOK};
use crate::cache::Cache;
use crate::ctx::{Cancel, Ctx, Progress, Silent, ThreadError};
use crate::models::SearchPath;
use crate::session::Session;
use parking_lot::RwLock;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Environment variable with the number of threads, 0 for one a core.
const THREADS: &str = "LINOCUT_THREADS";

static POOL: OnceLock<Ctx> = OnceLock::new();
static BUNDLE: RwLock<Option<PathBuf>> = RwLock::new(None);

/// A context on the shared threads with a cancel flag and a listener of its own.
///
/// # Errors
/// [`ThreadError`] where the system refuses the threads.
pub(super) fn ctx(progress: Arc<dyn Progress>) -> Result<Ctx, ThreadError> {
    let mut ctx = match POOL.get() {
        Some(ctx) => ctx.clone(),
        None => {
            let named = std::env::var(THREADS).ok().and_then(|text| text.trim().parse().ok());
            let made = Ctx::new(named.or_else(threads_of_host).unwrap_or(0), Arc::new(Silent))?;
            POOL.get_or_init(|| made).clone()
        }
    };
    (ctx.cancel, ctx.progress) = (Cancel::default(), progress);
    Ok(ctx)
}

/// As many threads as the host lets plug-ins use, where it says so and the machine has them.
fn threads_of_host() -> Option<usize> {
    let count = suites()?.threads?.multiThreadNumCPUs?;
    let mut processors = 0;
    // SAFETY: a host function with a place for a count.
    let status = unsafe { count(&raw mut processors) };
    let most = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    (status == kOfxStatOK && processors > 0).then(|| (processors as usize).min(most))
}

/// Whether the host says that nobody looks.
pub(super) fn is_in_background(suites: Suites) -> bool {
    Props::of_host(suites).int(kOfxImageEffectHostPropIsBackground, 0) == Some(1)
}

/// The cache of finished scenes; off where its folder cannot be used.
pub(super) fn cache() -> Cache {
    Cache::chosen(None)
}

/// Remembers where the bundle lies, as the host tells it.
pub(super) fn set_bundle(path: &Path) {
    *BUNDLE.write() = Some(path.to_owned());
}

/// Finished scenes and encoders as this process finds them.
pub(super) fn session() -> Session {
    Session { cache: cache(), search: search_path() }
}

/// Where encoders are looked for.
fn search_path() -> SearchPath {
    // Any file of the bundle's platform folder leads to its Resources.
    SearchPath::of_process(BUNDLE.read().as_ref().map(|bundle| bundle.join("Contents").join("platform").join("binary")))
}
