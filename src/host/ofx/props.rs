//! Property sets of the host, read and written without trust.
//!
//! Input: a handle. Output: values, where the host has them. Invariants: a missing property is normal and reads as
//! none; a property that cannot be set is passed over, because hosts lack many. Strings that a host may keep live as
//! long as the library. Cost: one call into the host a value.

use super::suites::{Suites, host_handle};
use super::sys::{
    OfxPropertySetHandle, OfxRectD, OfxRectI, OfxTime, kOfxImageEffectPropRenderScale, kOfxPropTime, kOfxStatOK,
};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::ffi::{CStr, CString, c_char, c_int, c_void};

/// A property set of the host.
#[derive(Clone, Copy)]
pub(super) struct Props {
    handle: OfxPropertySetHandle,
    suites: Suites,
}

impl Props {
    /// What the host says of itself.
    pub(super) fn of_host(suites: Suites) -> Self {
        Self::new(host_handle(), suites)
    }

    /// The set behind `handle`; null handles read as empty.
    pub(super) fn new(handle: OfxPropertySetHandle, suites: Suites) -> Self {
        Self { handle, suites }
    }

    /// A whole number.
    pub(super) fn int(&self, name: &CStr, index: c_int) -> Option<c_int> {
        let mut value = 0;
        let get = self.suites.property.propGetInt.filter(|_| !self.handle.is_null())?;
        // SAFETY: a host function with a live handle, a C string and a place for the value.
        (unsafe { get(self.handle, name.as_ptr(), index, &raw mut value) } == kOfxStatOK).then_some(value)
    }

    /// A number.
    pub(super) fn double(&self, name: &CStr, index: c_int) -> Option<f64> {
        let mut value = 0.0;
        let get = self.suites.property.propGetDouble.filter(|_| !self.handle.is_null())?;
        // SAFETY: as in `int`.
        (unsafe { get(self.handle, name.as_ptr(), index, &raw mut value) } == kOfxStatOK).then_some(value)
    }

    /// The time of an action; 0 where the host names none.
    pub(super) fn time(&self) -> OfxTime {
        self.double(kOfxPropTime, 0).unwrap_or(0.0)
    }

    /// The scale of an action; 1 where the host names none that makes sense.
    pub(super) fn render_scale(&self) -> [f64; 2] {
        let positive = |scale: &f64| scale.is_finite() && *scale > 0.0;
        [0, 1].map(|axis| self.double(kOfxImageEffectPropRenderScale, axis).filter(positive).unwrap_or(1.0))
    }

    /// A text.
    pub(super) fn string(&self, name: &CStr, index: c_int) -> Option<String> {
        let mut value: *mut c_char = std::ptr::null_mut();
        let get = self.suites.property.propGetString.filter(|_| !self.handle.is_null())?;
        // SAFETY: as in `int`; the text is copied before the host is called again.
        let found = unsafe { get(self.handle, name.as_ptr(), index, &raw mut value) } == kOfxStatOK;
        // SAFETY: the host answered with a C string.
        (found && !value.is_null()).then(|| unsafe { CStr::from_ptr(value) }.to_string_lossy().into_owned())
    }

    /// A pointer; null reads as none.
    pub(super) fn pointer(&self, name: &CStr) -> Option<*mut c_void> {
        let mut value = std::ptr::null_mut();
        let get = self.suites.property.propGetPointer.filter(|_| !self.handle.is_null())?;
        // SAFETY: as in `int`.
        let found = unsafe { get(self.handle, name.as_ptr(), 0, &raw mut value) } == kOfxStatOK;
        (found && !value.is_null()).then_some(value)
    }

    /// Left, bottom, right, top in pixels.
    pub(super) fn rect(&self, name: &CStr) -> Option<OfxRectI> {
        let side = |index| self.int(name, index);
        Some(OfxRectI { x1: side(0)?, y1: side(1)?, x2: side(2)?, y2: side(3)? })
    }

    /// Sets a whole number.
    pub(super) fn set_int(&self, name: &CStr, index: c_int, value: c_int) {
        if let Some(set) = self.suites.property.propSetInt.filter(|_| !self.handle.is_null()) {
            // SAFETY: a host function with a live handle and a C string.
            unsafe { set(self.handle, name.as_ptr(), index, value) };
        }
    }

    /// Sets a number.
    pub(super) fn set_double(&self, name: &CStr, index: c_int, value: f64) {
        if let Some(set) = self.suites.property.propSetDouble.filter(|_| !self.handle.is_null()) {
            // SAFETY: as in `set_int`.
            unsafe { set(self.handle, name.as_ptr(), index, value) };
        }
    }

    /// Sets a text that lives as long as the library.
    pub(super) fn set_static(&self, name: &CStr, index: c_int, value: &'static CStr) {
        if let Some(set) = self.suites.property.propSetString.filter(|_| !self.handle.is_null()) {
            // SAFETY: as in `set_int`; the text is never freed, so a host may keep the pointer.
            unsafe { set(self.handle, name.as_ptr(), index, value.as_ptr()) };
        }
    }

    /// Sets a text; see [`lasting`].
    pub(super) fn set_string(&self, name: &CStr, index: c_int, value: &str) {
        self.set_static(name, index, lasting(value));
    }

    /// Sets a pointer.
    pub(super) fn set_pointer(&self, name: &CStr, value: *mut c_void) {
        if let Some(set) = self.suites.property.propSetPointer.filter(|_| !self.handle.is_null()) {
            // SAFETY: as in `set_int`.
            unsafe { set(self.handle, name.as_ptr(), 0, value) };
        }
    }

    /// Sets left, bottom, right, top.
    pub(super) fn set_rect(&self, name: &CStr, rect: &OfxRectD) {
        for (index, side) in (0..).zip([rect.x1, rect.y1, rect.x2, rect.y2]) {
            self.set_double(name, index, side);
        }
    }
}

static LASTING: Mutex<BTreeSet<&'static CStr>> = Mutex::new(BTreeSet::new());

/// `text` as a C string that is never freed; the same text is kept once, so describing again costs nothing. Only for
/// texts out of the tables: their number is bounded. Text after a NUL is left out.
pub(super) fn lasting(text: &str) -> &'static CStr {
    let text = c_string(text);
    let mut kept = LASTING.lock();
    if let Some(known) = kept.get(text.as_c_str()) {
        return known;
    }
    let text: &'static CStr = Box::leak(text.into_boxed_c_str());
    kept.insert(text);
    text
}

/// `text` as a C string; text after a NUL is left out.
pub(super) fn c_string(text: &str) -> CString {
    let whole = text.split('\0').next().unwrap_or_default();
    CString::new(whole).unwrap_or_default()
}
