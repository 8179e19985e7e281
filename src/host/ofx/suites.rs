//! What the host offers: its suites, fetched at Load and kept until the next Load.
//!
//! Input: the `OfxHost` that the host hands over. Output: [`Suites`]. Invariants: property, image effect and parameter
//! suites are there or Load fails; the others may be absent. Determinism: none needed. Cost: ten look-ups.

use super::sys::{
    OfxDrawSuiteV1, OfxHost, OfxImageEffectSuiteV1, OfxInteractSuiteV1, OfxMessageSuiteV1, OfxMessageSuiteV2,
    OfxMultiThreadSuiteV1, OfxParameterSuiteV1, OfxProgressSuiteV1, OfxPropertySetHandle, OfxPropertySuiteV1,
    OfxTimeLineSuiteV1, kOfxDrawSuite, kOfxImageEffectSuite, kOfxInteractSuite, kOfxMessageSuite, kOfxMultiThreadSuite,
    kOfxParameterSuite, kOfxProgressSuite, kOfxPropertySuite, kOfxTimeLineSuite,
};
use parking_lot::RwLock;
use std::ffi::{CStr, c_int};
use std::sync::atomic::{AtomicPtr, Ordering};

/// The host's function tables. The host keeps them until it unloads the library.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suites {
    /// Reads and writes properties.
    pub property: &'static OfxPropertySuiteV1,
    /// Clips, images, abort.
    pub effect: &'static OfxImageEffectSuiteV1,
    /// Parameters.
    pub param: &'static OfxParameterSuiteV1,
    /// Messages that go away when acknowledged.
    pub message: Option<&'static OfxMessageSuiteV1>,
    /// Messages that stay with the node.
    pub lasting: Option<&'static OfxMessageSuiteV2>,
    /// A bar that shows how far a button's work is.
    pub progress: Option<&'static OfxProgressSuiteV1>,
    /// The viewer's side of an overlay.
    pub interact: Option<&'static OfxInteractSuiteV1>,
    /// Lines and words in a viewer; hosts before OpenFX 1.5 lend their OpenGL instead.
    pub draw: Option<&'static OfxDrawSuiteV1>,
    /// How many processors the host gives.
    pub threads: Option<&'static OfxMultiThreadSuiteV1>,
    /// Where the project begins and ends.
    pub time_line: Option<&'static OfxTimeLineSuiteV1>,
}

static HOST: AtomicPtr<OfxHost> = AtomicPtr::new(std::ptr::null_mut());
static SUITES: RwLock<Option<Suites>> = RwLock::new(None);

/// Remembers the host; called before Load.
pub(super) fn set_host(host: *mut OfxHost) {
    HOST.store(host, Ordering::Release);
}

/// The suites of the last Load.
pub(super) fn suites() -> Option<Suites> {
    *SUITES.read()
}

/// Fetches the suites; whether the necessary ones are there.
pub(super) fn load() -> bool {
    let found = fetch_all();
    *SUITES.write() = found;
    found.is_some()
}

/// The property set in which the host tells of itself; null before the first Load.
pub(super) fn host_handle() -> OfxPropertySetHandle {
    let host = HOST.load(Ordering::Acquire);
    // SAFETY: as in `fetch_all`.
    unsafe { host.as_ref() }.map_or(std::ptr::null_mut(), |host| host.host)
}

fn fetch_all() -> Option<Suites> {
    let host = HOST.load(Ordering::Acquire);
    // SAFETY: the host promises that what it gave to setHost stays valid while the library is loaded; null is refused.
    let host = unsafe { host.as_ref() }?;
    // SAFETY: the names and versions are those of the types they are fetched as.
    unsafe {
        Some(Suites {
            property: fetch(host, kOfxPropertySuite, 1)?,
            effect: fetch(host, kOfxImageEffectSuite, 1)?,
            param: fetch(host, kOfxParameterSuite, 1)?,
            message: fetch(host, kOfxMessageSuite, 1),
            lasting: fetch(host, kOfxMessageSuite, 2),
            progress: fetch(host, kOfxProgressSuite, 1),
            interact: fetch(host, kOfxInteractSuite, 1),
            draw: fetch(host, kOfxDrawSuite, 1),
            threads: fetch(host, kOfxMultiThreadSuite, 1),
            time_line: fetch(host, kOfxTimeLineSuite, 1),
        })
    }
}

/// One suite, none where the host lacks it.
///
/// # Safety
/// `T` must be the layout that the standard gives to version `version` of the suite `name`.
unsafe fn fetch<T>(host: &OfxHost, name: &CStr, version: c_int) -> Option<&'static T> {
    let fetch = host.fetchSuite?;
    // SAFETY: a function of the host, called as the standard says; the suite lives as long as the library is loaded.
    unsafe { fetch(host.host, name.as_ptr(), version).cast::<T>().as_ref() }
}
