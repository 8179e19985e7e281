//! The host's function tables, as C sees them.
//!
//! Handles are pointers to the boxed types of `objects`. The two readers of parameter values are variadic in C; stable
//! Rust cannot define such functions, but on the ABIs that tests run on (System V x86-64, AAPCS64) a variadic call with
//! pointers passes them where a fixed call would, so they are defined with fixed pointers.

use super::objects::{Clip, Effect, Param, PropSet, Value};
use super::overlay;
use openfx::sys::generic::core::*;
use openfx::sys::generic::property::*;
use openfx::sys::image_effect_v1::image_effect::*;
use openfx::sys::image_effect_v1::message::*;
use openfx::sys::image_effect_v1::multi_thread::OfxMultiThreadSuiteV1;
use openfx::sys::image_effect_v1::param::*;
use openfx::sys::image_effect_v1::progress::OfxProgressSuiteV1;
use openfx::sys::image_effect_v1::time_line::OfxTimeLineSuiteV1;
use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

unsafe fn name(text: *const c_char) -> CString {
    unsafe { CStr::from_ptr(text) }.to_owned()
}

unsafe fn set(handle: OfxPropertySetHandle, property: *const c_char, index: c_int, value: Value) -> OfxStatus {
    match unsafe { handle.cast::<PropSet>().as_ref() } {
        Some(set) => set.set(unsafe { CStr::from_ptr(property) }, index as usize, value),
        None => kOfxStatErrBadHandle,
    }
}

unsafe fn get<T>(
    handle: OfxPropertySetHandle,
    property: *const c_char,
    index: c_int,
    out: *mut T,
    read: impl Fn(&Value) -> Option<T>,
) -> OfxStatus {
    let Some(set) = (unsafe { handle.cast::<PropSet>().as_ref() }) else { return kOfxStatErrBadHandle };
    match set.read(unsafe { CStr::from_ptr(property) }, index as usize, read) {
        Some(value) => {
            unsafe { out.write(value) };
            kOfxStatOK
        }
        None => kOfxStatErrUnknown,
    }
}

unsafe extern "C" fn set_pointer(h: OfxPropertySetHandle, p: *const c_char, i: c_int, v: *mut c_void) -> OfxStatus {
    unsafe { set(h, p, i, Value::Pointer(v as usize)) }
}
unsafe extern "C" fn set_string(h: OfxPropertySetHandle, p: *const c_char, i: c_int, v: *const c_char) -> OfxStatus {
    if super::mini::manners().keeps_pointers {
        super::objects::HANDED.lock().insert(v.addr(), unsafe { name(v) });
    }
    unsafe { set(h, p, i, Value::Text(name(v))) }
}
unsafe extern "C" fn set_double(h: OfxPropertySetHandle, p: *const c_char, i: c_int, v: f64) -> OfxStatus {
    unsafe { set(h, p, i, Value::Double(v)) }
}
unsafe extern "C" fn set_int(h: OfxPropertySetHandle, p: *const c_char, i: c_int, v: c_int) -> OfxStatus {
    unsafe { set(h, p, i, Value::Int(v)) }
}
unsafe extern "C" fn get_pointer(
    h: OfxPropertySetHandle,
    p: *const c_char,
    i: c_int,
    o: *mut *mut c_void,
) -> OfxStatus {
    unsafe { get(h, p, i, o, |value| if let Value::Pointer(v) = value { Some(*v as *mut c_void) } else { None }) }
}
unsafe extern "C" fn get_string(h: OfxPropertySetHandle, p: *const c_char, i: c_int, o: *mut *mut c_char) -> OfxStatus {
    unsafe { get(h, p, i, o, |value| if let Value::Text(v) = value { Some(v.as_ptr().cast_mut()) } else { None }) }
}
unsafe extern "C" fn get_double(h: OfxPropertySetHandle, p: *const c_char, i: c_int, o: *mut f64) -> OfxStatus {
    unsafe { get(h, p, i, o, |value| if let Value::Double(v) = value { Some(*v) } else { None }) }
}
unsafe extern "C" fn get_int(h: OfxPropertySetHandle, p: *const c_char, i: c_int, o: *mut c_int) -> OfxStatus {
    unsafe { get(h, p, i, o, |value| if let Value::Int(v) = value { Some(*v) } else { None }) }
}

pub(super) static PROPERTY: OfxPropertySuiteV1 = OfxPropertySuiteV1 {
    propSetPointer: Some(set_pointer),
    propSetString: Some(set_string),
    propSetDouble: Some(set_double),
    propSetInt: Some(set_int),
    propSetPointerN: None,
    propSetStringN: None,
    propSetDoubleN: None,
    propSetIntN: None,
    propGetPointer: Some(get_pointer),
    propGetString: Some(get_string),
    propGetDouble: Some(get_double),
    propGetInt: Some(get_int),
    propGetPointerN: None,
    propGetStringN: None,
    propGetDoubleN: None,
    propGetIntN: None,
    propReset: None,
    propGetDimension: None,
};

unsafe fn effect<'a>(handle: OfxImageEffectHandle) -> &'a Effect {
    unsafe { &*handle.cast::<Effect>() }
}

unsafe extern "C" fn property_set(handle: OfxImageEffectHandle, out: *mut OfxPropertySetHandle) -> OfxStatus {
    unsafe { out.write(effect(handle).props.handle()) };
    kOfxStatOK
}
unsafe extern "C" fn param_set(handle: OfxImageEffectHandle, out: *mut OfxParamSetHandle) -> OfxStatus {
    unsafe { out.write(handle.cast()) };
    kOfxStatOK
}
unsafe extern "C" fn clip_define(
    handle: OfxImageEffectHandle,
    clip: *const c_char,
    out: *mut OfxPropertySetHandle,
) -> OfxStatus {
    let (effect, name) = unsafe { (effect(handle), name(clip)) };
    unsafe { out.write(effect.define_clip(name)) };
    kOfxStatOK
}
unsafe extern "C" fn clip_handle(
    handle: OfxImageEffectHandle,
    clip: *const c_char,
    out: *mut OfxImageClipHandle,
    props: *mut OfxPropertySetHandle,
) -> OfxStatus {
    let Some(clip) = (unsafe { effect(handle).clip(&name(clip)) }) else { return kOfxStatErrBadHandle };
    unsafe {
        out.write(std::ptr::from_ref::<Clip>(clip).cast_mut().cast());
        if !props.is_null() {
            props.write(clip.props.handle());
        }
    }
    kOfxStatOK
}
unsafe extern "C" fn clip_props(clip: OfxImageClipHandle, out: *mut OfxPropertySetHandle) -> OfxStatus {
    unsafe { out.write((*clip.cast::<Clip>()).props.handle()) };
    kOfxStatOK
}
unsafe extern "C" fn clip_image(
    clip: OfxImageClipHandle,
    _time: OfxTime,
    _region: *const OfxRectD,
    out: *mut OfxPropertySetHandle,
) -> OfxStatus {
    match unsafe { (*clip.cast::<Clip>()).lend() } {
        Some(image) => {
            unsafe { out.write(image) };
            kOfxStatOK
        }
        None => kOfxStatFailed,
    }
}
unsafe extern "C" fn release_image(image: OfxPropertySetHandle) -> OfxStatus {
    unsafe { PropSet::take_back(image) };
    kOfxStatOK
}
unsafe extern "C" fn region_of_definition(clip: OfxImageClipHandle, time: OfxTime, out: *mut OfxRectD) -> OfxStatus {
    match unsafe { (*clip.cast::<Clip>()).region(time) } {
        Some(region) => {
            unsafe { out.write(region) };
            kOfxStatOK
        }
        None => kOfxStatFailed,
    }
}
unsafe extern "C" fn abort(handle: OfxImageEffectHandle) -> c_int {
    let left = unsafe { &effect(handle).polls_until_abort };
    c_int::from(left.fetch_sub(1, Ordering::SeqCst) <= 0)
}

pub(super) static EFFECT: OfxImageEffectSuiteV1 = OfxImageEffectSuiteV1 {
    getPropertySet: Some(property_set),
    getParamSet: Some(param_set),
    clipDefine: Some(clip_define),
    clipGetHandle: Some(clip_handle),
    clipGetPropertySet: Some(clip_props),
    clipGetImage: Some(clip_image),
    clipReleaseImage: Some(release_image),
    clipGetRegionOfDefinition: Some(region_of_definition),
    abort: Some(abort),
    imageMemoryAlloc: None,
    imageMemoryFree: None,
    imageMemoryLock: None,
    imageMemoryUnlock: None,
};

unsafe extern "C" fn param_define(
    set: OfxParamSetHandle,
    kind: *const c_char,
    param: *const c_char,
    out: *mut OfxPropertySetHandle,
) -> OfxStatus {
    let effect = unsafe { &*set.cast::<Effect>() };
    match unsafe { effect.define_param(name(kind), name(param)) } {
        Some(props) => {
            unsafe { out.write(props) };
            kOfxStatOK
        }
        None => kOfxStatErrExists,
    }
}
unsafe extern "C" fn param_handle(
    set: OfxParamSetHandle,
    param: *const c_char,
    out: *mut OfxParamHandle,
    _props: *mut OfxPropertySetHandle,
) -> OfxStatus {
    match unsafe { (*set.cast::<Effect>()).param(&name(param)) } {
        Some(param) => {
            unsafe { out.write(std::ptr::from_ref::<Param>(param).cast_mut().cast()) };
            kOfxStatOK
        }
        None => kOfxStatErrUnknown,
    }
}
unsafe extern "C" fn value_at(
    param: OfxParamHandle,
    time: OfxTime,
    one: *mut c_void,
    two: *mut c_void,
    three: *mut c_void,
) -> OfxStatus {
    unsafe { (*param.cast::<Param>()).write_value(time, [one, two, three]) }
}
// Integer arguments and floating ones come in registers of their own, so one signature serves every kind of value.
unsafe extern "C" fn set_value(param: OfxParamHandle, one: *const c_void, x: f64, y: f64) -> OfxStatus {
    let param = unsafe { &*param.cast::<Param>() };
    if param.kind.as_c_str() == kOfxParamTypeDouble2D {
        overlay::wrote([x, y]);
    }
    pump("set");
    unsafe { param.take_value(one, x, y) }
}

unsafe extern "C" fn key_count(param: OfxParamHandle, out: *mut c_uint) -> OfxStatus {
    unsafe { out.write((*param.cast::<Param>()).key_times().len() as c_uint) };
    kOfxStatOK
}
unsafe extern "C" fn key_time(param: OfxParamHandle, index: c_uint, out: *mut OfxTime) -> OfxStatus {
    match unsafe { (*param.cast::<Param>()).key_times() }.get(index as usize) {
        Some(&time) => {
            unsafe { out.write(time) };
            kOfxStatOK
        }
        None => kOfxStatErrBadIndex,
    }
}

/// The parameter suite; see the head of this file for the cast.
pub(super) fn parameter_suite() -> OfxParameterSuiteV1 {
    type Fixed = unsafe extern "C" fn(OfxParamHandle, OfxTime, *mut c_void, *mut c_void, *mut c_void) -> OfxStatus;
    type Variadic = unsafe extern "C" fn(OfxParamHandle, OfxTime, ...) -> OfxStatus;
    type FixedSet = unsafe extern "C" fn(OfxParamHandle, *const c_void, f64, f64) -> OfxStatus;
    type VariadicSet = unsafe extern "C" fn(OfxParamHandle, ...) -> OfxStatus;
    OfxParameterSuiteV1 {
        paramDefine: Some(param_define),
        paramGetHandle: Some(param_handle),
        paramGetValueAtTime: Some(unsafe { std::mem::transmute::<Fixed, Variadic>(value_at) }),
        paramSetGetPropertySet: None,
        paramGetPropertySet: None,
        paramGetValue: None,
        paramGetDerivative: None,
        paramGetIntegral: None,
        paramSetValue: Some(unsafe { std::mem::transmute::<FixedSet, VariadicSet>(set_value) }),
        paramSetValueAtTime: None,
        paramGetNumKeys: Some(key_count),
        paramGetKeyTime: Some(key_time),
        paramGetKeyIndex: None,
        paramDeleteKey: None,
        paramDeleteAllKeys: None,
        paramCopy: None,
        paramEditBegin: Some(overlay::edit_begin),
        paramEditEnd: Some(overlay::edit_end),
    }
}

type Pump = &'static dyn Fn(&str);

thread_local! {
    /// What runs while the plug-in waits for an answer of the host: hosts run their events inside callbacks.
    static PUMP: Cell<Option<Pump>> = const { Cell::new(None) };
}

/// Runs `body` in a host that calls `pump` from within "progress", "message" and "set", with that word.
pub(super) fn pumping<R>(pump: &dyn Fn(&str), body: impl FnOnce() -> R) -> R {
    // SAFETY: it is taken back before `pump` ends.
    PUMP.set(Some(unsafe { std::mem::transmute::<&dyn Fn(&str), Pump>(pump) }));
    let done = body();
    PUMP.set(None);
    done
}

fn pump(from: &str) {
    if let Some(pump) = PUMP.get() {
        pump(from);
    }
}

unsafe extern "C" fn time(_instance: *mut c_void, time: *mut f64) -> OfxStatus {
    unsafe { time.write(super::mini::manners().frames[0]) };
    kOfxStatOK
}
unsafe extern "C" fn time_bounds(_instance: *mut c_void, first: *mut f64, last: *mut f64) -> OfxStatus {
    let frames = super::mini::manners().frames;
    unsafe {
        first.write(frames[0]);
        last.write(frames[1]);
    }
    kOfxStatOK
}

unsafe extern "C" fn processors(out: *mut c_uint) -> OfxStatus {
    unsafe { out.write(super::mini::manners().processors) };
    kOfxStatOK
}

pub(super) static MULTI_THREAD: OfxMultiThreadSuiteV1 = OfxMultiThreadSuiteV1 {
    multiThread: None,
    multiThreadNumCPUs: Some(processors),
    multiThreadIndex: None,
    multiThreadIsSpawnedThread: None,
    mutexCreate: None,
    mutexDestroy: None,
    mutexLock: None,
    mutexUnLock: None,
    mutexTryLock: None,
};

pub(super) static TIME_LINE: OfxTimeLineSuiteV1 =
    OfxTimeLineSuiteV1 { getTime: Some(time), gotoTime: None, getTimeBounds: Some(time_bounds) };

/// How often a progress bar moved, and whether its owner wants to stop.
pub(crate) static PROGRESS_UPDATES: AtomicUsize = AtomicUsize::new(0);
pub(crate) static PROGRESS_SAYS_NO: AtomicBool = AtomicBool::new(false);

unsafe extern "C" fn progress_start(_effect: *mut c_void, label: *const c_char) -> OfxStatus {
    assert!(unsafe { name(label) }.to_string_lossy().starts_with("Linocut"));
    kOfxStatOK
}
unsafe extern "C" fn progress_update(_effect: *mut c_void, share: f64) -> OfxStatus {
    assert!((0.0..=1.0).contains(&share), "{share}");
    PROGRESS_UPDATES.fetch_add(1, Ordering::SeqCst);
    pump("progress");
    if PROGRESS_SAYS_NO.load(Ordering::SeqCst) { kOfxStatReplyNo } else { kOfxStatReplyYes }
}
unsafe extern "C" fn progress_end(_effect: *mut c_void) -> OfxStatus {
    kOfxStatOK
}

pub(super) static PROGRESS: OfxProgressSuiteV1 = OfxProgressSuiteV1 {
    progressStart: Some(progress_start),
    progressUpdate: Some(progress_update),
    progressEnd: Some(progress_end),
};

unsafe extern "C" fn show(
    handle: *mut c_void,
    kind: *const c_char,
    _id: *const c_char,
    format: *const c_char,
) -> OfxStatus {
    let text = unsafe { name(format) }.to_string_lossy().replace("%%", "%");
    let effect = unsafe { effect(handle.cast()) };
    pump("message");
    match unsafe { CStr::from_ptr(kind) } {
        kind if kind == kOfxMessageQuestion => {
            effect.questions.lock().push(text);
            if effect.says_no.load(Ordering::SeqCst) { kOfxStatReplyNo } else { kOfxStatReplyYes }
        }
        kind if kind == kOfxMessageMessage => {
            effect.notices.lock().push(text);
            kOfxStatOK
        }
        _ => {
            effect.messages.lock().push(text);
            kOfxStatOK
        }
    }
}
unsafe extern "C" fn clear(handle: *mut c_void) -> OfxStatus {
    let effect = unsafe { effect(handle.cast()) };
    effect.messages.lock().clear();
    effect.notices.lock().clear();
    kOfxStatOK
}

/// Both versions of the message suite.
pub(super) fn message_suites() -> (OfxMessageSuiteV1, OfxMessageSuiteV2) {
    type Fixed = unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char, *const c_char) -> OfxStatus;
    type Variadic = unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char, *const c_char, ...) -> OfxStatus;
    let show = Some(unsafe { std::mem::transmute::<Fixed, Variadic>(show) });
    let lasting = OfxMessageSuiteV2 { message: show, setPersistentMessage: show, clearPersistentMessage: Some(clear) };
    (OfxMessageSuiteV1 { message: show }, lasting)
}
