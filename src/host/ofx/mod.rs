//! The OpenFX plug-in: every node of [`crate::nodes`] in any host that speaks the image effect interface 1.
//!
//! Input: actions of a host. Output: statuses, described nodes, rendered pictures. Invariants: exactly the three
//! functions of the standard are exported; every function that a host calls runs inside the guard, so nothing but a status
//! gets out; loading and describing touch no file and start no thread; no state hangs on an instance. Determinism: as
//! [`crate::plan`].
//!
//! `sys` is the C interface, `suites` and `props` are the host seen from here, `guard` is the door, `describe` and
//! `params` say what a node is, `reader` what it is set to, `answers` says what is needed, `clips`, `task`, `inputs` and `render`
//! make pictures, `wholes` knows frames again at a proxy's scale, `buttons` act at once and show their `progress`, `status` says
//! what was done, `overlay` (with `handles`, `paint`, `letters` and `picker`) is what a viewer shows, `quirks` are hosts' own
//! ways, `process` is what all instances share.

#![allow(unsafe_code, reason = "a C interface: this folder is where it is turned into safe Rust")]

mod answers;
mod buttons;
mod clips;
mod describe;
mod error;
mod guard;
mod handles;
mod inputs;
mod letters;
mod overlay;
mod paint;
mod params;
mod picker;
mod process;
mod progress;
mod props;
mod quirks;
mod reader;
mod references;
mod render;
mod status;
mod suites;
mod sys;
mod task;
mod wholes;

use crate::fault::Fault;
use crate::nodes::{NODES, Node};
use error::TaskError;
use props::{Props, lasting};
use reader::Reader;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::OnceLock;
use suites::{Suites, suites};
use sys::*;

/// Number of nodes.
#[unsafe(no_mangle)]
pub extern "C" fn OfxGetNumberOfPlugins() -> c_int {
    guard::shielded(0, || NODES.len() as c_int)
}

/// Node `index`, null beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn OfxGetPlugin(index: c_int) -> *mut OfxPlugin {
    guard::shielded(std::ptr::null_mut(), || {
        let plugin = usize::try_from(index).ok().and_then(|index| table().get(index));
        // The host's type is not const, yet the standard does not let it write.
        plugin.map_or(std::ptr::null_mut(), |plugin| std::ptr::from_ref(plugin).cast_mut())
    })
}

/// Hands the host over before the first node is asked for, in hosts of OpenFX 1.5.
#[unsafe(no_mangle)]
pub extern "C" fn OfxSetHost(host: *const c_void) -> OfxStatus {
    guard::shielded(kOfxStatFailed, || {
        suites::set_host(host.cast_mut().cast());
        kOfxStatOK
    })
}

unsafe extern "C" fn set_host(host: *mut OfxHost) {
    guard::shielded((), || suites::set_host(host));
}

type Entry =
    unsafe extern "C" fn(*const c_char, *const c_void, OfxPropertySetHandle, OfxPropertySetHandle) -> OfxStatus;

/// Entry points cannot carry data, so there is one a node, and some for those to come.
const ENTRIES: [Entry; 16] = [
    entry::<0>,
    entry::<1>,
    entry::<2>,
    entry::<3>,
    entry::<4>,
    entry::<5>,
    entry::<6>,
    entry::<7>,
    entry::<8>,
    entry::<9>,
    entry::<10>,
    entry::<11>,
    entry::<12>,
    entry::<13>,
    entry::<14>,
    entry::<15>,
];
const _: () = assert!(ENTRIES.len() >= NODES.len(), "every node needs an entry point");

/// The nodes as the host sees them.
struct Table(Vec<OfxPlugin>);

// SAFETY: the pointers lead to texts that are never freed and to functions; nothing is changed after it was made.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

fn table() -> &'static [OfxPlugin] {
    static TABLE: OnceLock<Table> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let version = |part: &str| part.parse::<c_uint>().unwrap_or(0);
        let plugin = |(node, entry): (&Node, _)| OfxPlugin {
            pluginApi: kOfxImageEffectPluginApi.as_ptr(),
            apiVersion: kOfxImageEffectPluginApiVersion as c_int,
            pluginIdentifier: lasting(node.id).as_ptr(),
            pluginVersionMajor: version(env!("CARGO_PKG_VERSION_MAJOR")),
            pluginVersionMinor: version(env!("CARGO_PKG_VERSION_MINOR")),
            setHost: Some(set_host),
            mainEntry: Some(entry),
        };
        Table(NODES.iter().zip(ENTRIES).map(plugin).collect())
    });
    &table.0
}

unsafe extern "C" fn entry<const NODE: usize>(
    action: *const c_char,
    handle: *const c_void,
    arguments: OfxPropertySetHandle,
    answers: OfxPropertySetHandle,
) -> OfxStatus {
    let effect: OfxImageEffectHandle = handle.cast_mut().cast();
    guard::guarded(effect.cast(), || {
        let (Some(node), false) = (NODES.get(NODE), action.is_null()) else { return kOfxStatFailed };
        // SAFETY: the host names the action with a C string.
        act(node, unsafe { CStr::from_ptr(action) }, effect, [arguments, answers])
    })
}

fn act(node: &Node, action: &CStr, effect: OfxImageEffectHandle, sets: [OfxPropertySetHandle; 2]) -> OfxStatus {
    if action == kOfxActionLoad {
        return if suites::load() { kOfxStatOK } else { kOfxStatErrMissingHostFeature };
    }
    let Some(suites) = suites() else { return kOfxStatErrMissingHostFeature };
    let [arguments, answers] = sets.map(|set| Props::new(set, suites));
    if action == kOfxActionDescribe {
        describe::describe(node, effect, suites)
    } else if action == kOfxImageEffectActionDescribeInContext {
        describe::describe_in_context(node, effect, &arguments, suites)
    } else if action == kOfxActionCreateInstance || action == kOfxActionUnload {
        kOfxStatOK
    } else if action == kOfxActionDestroyInstance {
        status::forget(effect);
        wholes::forget(effect.addr());
        picker::forget(effect.addr());
        if let Some(props) = describe::effect_props(effect, suites) {
            props.set_pointer(kOfxPropInstanceData, std::ptr::null_mut());
        }
        kOfxStatOK
    } else if action == kOfxImageEffectActionGetRegionsOfInterest {
        answers::regions_of_interest(node, effect, &arguments, &answers, suites)
    } else if action == kOfxImageEffectActionGetFramesNeeded {
        answers::frames_needed(node, effect, &arguments, &answers, suites)
    } else if action == kOfxImageEffectActionGetRegionOfDefinition {
        answers::region_of_definition(&arguments, suites)
    } else if action == kOfxImageEffectActionGetClipPreferences {
        answers::clip_preferences(node, effect, &answers, suites)
    } else if action == kOfxActionBeginInstanceEdit || action == kOfxActionSyncPrivateData {
        status::show_between(effect, &Reader::new(effect, arguments.time(), suites));
        kOfxStatOK
    } else if action == kOfxImageEffectActionIsIdentity {
        answers::is_identity(effect, &arguments, &answers, suites)
    } else if action == kOfxActionInstanceChanged {
        match buttons::changed(node, effect, &arguments, suites) {
            Ok(false) => kOfxStatReplyDefault,
            result => answer(result.map(|_| None), effect, suites),
        }
    } else if action == kOfxImageEffectActionRender {
        answer(render::render(node, effect, &arguments, suites), effect, suites)
    } else {
        kOfxStatReplyDefault
    }
}

/// The status of an action, and its message at the node: what failed, or what is to be mentioned.
fn answer(result: Result<Option<String>, TaskError>, effect: OfxImageEffectHandle, suites: Suites) -> OfxStatus {
    match result {
        Ok(notice) => {
            guard::content(effect.cast(), suites);
            notice.iter().for_each(|notice| guard::mention(effect.cast(), notice, suites));
            kOfxStatOK
        }
        Err(error) => {
            match error.fault() {
                // The host knows: it asked for it.
                Fault::Cancelled => {}
                Fault::Usage | Fault::Model | Fault::Device { .. } | Fault::Work => {
                    guard::complain(effect.cast(), &error.to_string(), suites);
                }
            }
            kOfxStatFailed
        }
    }
}

/// The parameters of a descriptor or an instance; null where the host has none.
fn param_set(effect: OfxImageEffectHandle, suites: Suites) -> OfxParamSetHandle {
    let mut set = std::ptr::null_mut();
    if let Some(get) = suites.effect.getParamSet {
        // SAFETY: a host function with a live descriptor or instance.
        unsafe { get(effect, &raw mut set) };
    }
    set
}
