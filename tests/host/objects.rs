//! What a host keeps: property sets, clips with pictures, parameters, effects.

use openfx::sys::generic::core::*;
use openfx::sys::image_effect_v1::image_effect::*;
use openfx::sys::image_effect_v1::param::*;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};

/// A property's value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Int(c_int),
    Double(f64),
    Text(CString),
    Pointer(usize),
}

/// Texts that the plug-in handed over, by address, with what they said: some hosts read them when they please.
pub(crate) static HANDED: Mutex<BTreeMap<usize, CString>> = Mutex::new(BTreeMap::new());

/// Every text that was handed over still stands where it stood.
pub(crate) fn assert_texts_last() {
    for (address, text) in HANDED.lock().iter() {
        // SAFETY: the plug-in promises that its texts live as long as the library, which is still loaded.
        let now = unsafe { CStr::from_ptr(*address as *const c_char) };
        assert_eq!(now, text.as_c_str(), "a text was thrown away");
    }
}

/// Pictures lent out and not given back, of all effects.
pub(crate) static LENT: AtomicUsize = AtomicUsize::new(0);

/// A property set; with `refuses`, properties whose name contains it are unknown to this host.
#[derive(Debug, Default)]
pub(crate) struct PropSet {
    values: Mutex<BTreeMap<CString, Vec<Value>>>,
    refuses: Option<String>,
}

impl PropSet {
    pub(crate) fn refusing(name: Option<&str>) -> Self {
        Self { refuses: name.map(str::to_owned), ..Self::default() }
    }

    pub(crate) fn handle(&self) -> OfxPropertySetHandle {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    /// Frees a picture's set.
    pub(crate) unsafe fn take_back(handle: OfxPropertySetHandle) {
        LENT.fetch_sub(1, Ordering::SeqCst);
        drop(unsafe { Box::from_raw(handle.cast::<Self>()) });
    }

    fn knows(&self, name: &CStr) -> bool {
        let refused = self.refuses.as_ref().filter(|refused| !refused.is_empty());
        !refused.is_some_and(|refused| name.to_string_lossy().contains(refused.as_str()))
    }

    pub(crate) fn set(&self, name: &CStr, index: usize, value: Value) -> OfxStatus {
        if !self.knows(name) {
            return kOfxStatErrUnknown;
        }
        let mut values = self.values.lock();
        let entry = values.entry(name.to_owned()).or_default();
        if index > entry.len() {
            return kOfxStatErrBadIndex;
        }
        entry.truncate(entry.len().max(index));
        if index == entry.len() {
            entry.push(value);
        } else {
            entry[index] = value;
        }
        kOfxStatOK
    }

    pub(crate) fn with(self, name: &CStr, values: impl IntoIterator<Item = Value>) -> Self {
        for (index, value) in values.into_iter().enumerate() {
            self.set(name, index, value);
        }
        self
    }

    pub(crate) fn read<T>(&self, name: &CStr, index: usize, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        if !self.knows(name) {
            return None;
        }
        self.values.lock().get(name)?.get(index).and_then(read)
    }

    pub(crate) fn all(&self, name: &CStr) -> Vec<Value> {
        self.values.lock().get(name).cloned().unwrap_or_default()
    }

    pub(crate) fn text(&self, name: &CStr) -> String {
        let text =
            |value: &Value| if let Value::Text(text) = value { text.to_str().ok().map(str::to_owned) } else { None };
        self.read(name, 0, text).unwrap_or_default()
    }

    fn copy(&self) -> Self {
        Self { values: Mutex::new(self.values.lock().clone()), refuses: self.refuses.clone() }
    }
}

/// Pixels in a host's memory, with rows padded and possibly upside down.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) bounds: OfxRectI,
    pub(crate) depth: &'static CStr,
    pub(crate) components: &'static CStr,
    pub(crate) premultiplication: &'static CStr,
    pub(crate) row_bytes: isize,
    /// Shared, so that the test sees what was written.
    pub(crate) memory: Arc<Mutex<Vec<u8>>>,
    /// Offset of the bottom row in the memory.
    pub(crate) bottom: usize,
    /// Whether the host forgets to say where the pixels are.
    pub(crate) null: bool,
}

/// A clip.
#[derive(Debug)]
pub(crate) struct Clip {
    pub(crate) props: PropSet,
    pub(crate) picture: Mutex<Option<Picture>>,
    /// How far its region of definition moves to the right with every frame.
    pub(crate) drift_px: Mutex<f64>,
}

impl Clip {
    pub(crate) fn lend(&self) -> Option<OfxPropertySetHandle> {
        let picture = self.picture.lock().clone()?;
        let data = if picture.null { 0 } else { picture.memory.lock().as_mut_ptr() as usize + picture.bottom };
        let OfxRectI { x1, y1, x2, y2 } = picture.bounds;
        let text = |text: &CStr| [Value::Text(text.to_owned())];
        let set = PropSet::refusing(self.props.refuses.as_deref())
            .with(kOfxImagePropData, [Value::Pointer(data)])
            .with(kOfxImagePropRowBytes, [Value::Int(picture.row_bytes as c_int)])
            .with(kOfxImagePropBounds, [x1, y1, x2, y2].map(Value::Int))
            .with(kOfxImagePropPixelAspectRatio, [Value::Double(1.0)])
            .with(kOfxImageEffectPropPixelDepth, text(picture.depth))
            .with(kOfxImageEffectPropComponents, text(picture.components))
            .with(kOfxImageEffectPropPreMultiplication, text(picture.premultiplication));
        LENT.fetch_add(1, Ordering::SeqCst);
        Some(Box::into_raw(Box::new(set)).cast())
    }

    pub(crate) fn region(&self, time: f64) -> Option<OfxRectD> {
        let OfxRectI { x1, y1, x2, y2 } = self.picture.lock().as_ref()?.bounds;
        let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(f64::from);
        let moved = time * *self.drift_px.lock();
        Some(OfxRectD { x1: x1 + moved, y1, x2: x2 + moved, y2 })
    }
}

/// A parameter's value.
#[derive(Clone, Debug)]
pub(crate) enum ParamValue {
    Int(c_int),
    Double(f64),
    Pair(f64, f64),
    Triple([f64; 3]),
    Text(CString),
    None,
}

/// A parameter; its value is a function of time with one step: (from, value).
#[derive(Debug)]
pub(crate) struct Param {
    pub(crate) kind: CString,
    pub(crate) props: PropSet,
    keys: Mutex<Vec<(f64, ParamValue)>>,
}

impl Param {
    fn instance(&self) -> Self {
        let default = self.props.all(kOfxParamPropDefault);
        let value = match default.as_slice() {
            [Value::Double(x), Value::Double(y), Value::Double(z)] => ParamValue::Triple([*x, *y, *z]),
            [Value::Double(x), Value::Double(y)] => ParamValue::Pair(*x, *y),
            [Value::Double(x)] => ParamValue::Double(*x),
            [Value::Int(x)] => ParamValue::Int(*x),
            [Value::Text(text)] => ParamValue::Text(text.clone()),
            _ => ParamValue::None,
        };
        Self { kind: self.kind.clone(), props: self.props.copy(), keys: Mutex::new(vec![(f64::MIN, value)]) }
    }

    /// As a project keeps it: what is not kept starts anew.
    fn saved(&self) -> Self {
        let made = self.instance();
        if self.props.all(kOfxParamPropPersistant) != [Value::Int(0)] {
            made.keys.lock().clone_from(&self.keys.lock());
        }
        made
    }

    /// Sets the value from time `from` on.
    pub(crate) fn key(&self, from: f64, value: ParamValue) {
        self.keys.lock().push((from, value));
    }

    /// Times of the keys that an artist set.
    pub(crate) fn key_times(&self) -> Vec<f64> {
        self.keys.lock().iter().map(|(from, _)| *from).filter(|from| *from > f64::MIN).collect()
    }

    /// The value at `time`, as a word to know it by.
    pub(crate) fn known_at(&self, time: f64) -> String {
        format!("{:?}", self.keys.lock().iter().rfind(|(from, _)| *from <= time).map(|(_, value)| value))
    }

    /// The text at `time`.
    pub(crate) fn text_at(&self, time: f64) -> String {
        match self.keys.lock().iter().rfind(|(from, _)| *from <= time) {
            Some((_, ParamValue::Text(text))) => text.to_string_lossy().into_owned(),
            other => panic!("no text at {time}: {other:?}"),
        }
    }

    /// What the plug-in writes: whole numbers and texts come as `one`, numbers as `x` and `y`.
    pub(crate) unsafe fn take_value(&self, one: *const c_void, x: f64, y: f64) -> OfxStatus {
        let mut keys = self.keys.lock();
        let Some((_, value)) = keys.last_mut() else { return kOfxStatErrUnknown };
        *value = match value {
            ParamValue::Int(_) => ParamValue::Int(one as usize as c_int),
            ParamValue::Double(_) => ParamValue::Double(x),
            ParamValue::Pair(..) => ParamValue::Pair(x, y),
            ParamValue::Text(_) => ParamValue::Text(unsafe { CStr::from_ptr(one.cast()) }.to_owned()),
            ParamValue::Triple(_) | ParamValue::None => return kOfxStatErrUnknown,
        };
        kOfxStatOK
    }

    pub(crate) unsafe fn write_value(&self, time: f64, to: [*mut c_void; 3]) -> OfxStatus {
        let [one, two, three] = to;
        let keys = self.keys.lock();
        let held = keys.iter().rfind(|(from, _)| *from <= time);
        match held.map(|(_, value)| value) {
            Some(ParamValue::Int(value)) => unsafe { one.cast::<c_int>().write(*value) },
            Some(ParamValue::Double(value)) => unsafe { one.cast::<f64>().write(*value) },
            Some(ParamValue::Pair(x, y)) => unsafe {
                one.cast::<f64>().write(*x);
                two.cast::<f64>().write(*y);
            },
            Some(ParamValue::Triple([x, y, z])) => unsafe {
                one.cast::<f64>().write(*x);
                two.cast::<f64>().write(*y);
                three.cast::<f64>().write(*z);
            },
            Some(ParamValue::Text(text)) => unsafe { one.cast::<*const c_char>().write(text.as_ptr()) },
            _ => return kOfxStatErrUnknown,
        }
        kOfxStatOK
    }
}

/// A descriptor or an instance. Boxed entries never move, so handles stay good while more are defined.
#[derive(Debug)]
pub(crate) struct Effect {
    pub(crate) props: PropSet,
    clips: Mutex<BTreeMap<CString, Box<Clip>>>,
    params: Mutex<BTreeMap<CString, Box<Param>>>,
    /// Errors at the node.
    pub(crate) messages: Mutex<Vec<String>>,
    /// What was mentioned at the node, and is no error.
    pub(crate) notices: Mutex<Vec<String>>,
    /// What the artist was asked.
    pub(crate) questions: Mutex<Vec<String>>,
    /// Whether the artist's answer is no.
    pub(crate) says_no: AtomicBool,
    pub(crate) polls_until_abort: AtomicI32,
    refuses: Option<String>,
}

impl Effect {
    pub(crate) fn new(refuses: Option<&str>) -> Box<Self> {
        Box::new(Self {
            props: PropSet::refusing(refuses),
            clips: Mutex::default(),
            params: Mutex::default(),
            messages: Mutex::default(),
            notices: Mutex::default(),
            questions: Mutex::default(),
            says_no: AtomicBool::new(false),
            polls_until_abort: AtomicI32::new(i32::MAX),
            refuses: refuses.map(str::to_owned),
        })
    }

    pub(crate) fn handle(&self) -> *const c_void {
        std::ptr::from_ref(self).cast()
    }

    /// An instance of this descriptor, every parameter at its default.
    pub(crate) fn instance(&self) -> Box<Self> {
        let made = Self::new(self.refuses.as_deref());
        for name in self.clips.lock().keys() {
            made.define_clip(name.clone());
        }
        let params =
            self.params.lock().iter().map(|(name, param)| (name.clone(), Box::new(param.instance()))).collect();
        *made.params.lock() = params;
        made
    }

    /// What a project that is opened again has in place of this instance.
    pub(crate) fn saved(&self) -> Box<Self> {
        let made = self.instance();
        let params = self.params.lock().iter().map(|(name, param)| (name.clone(), Box::new(param.saved()))).collect();
        *made.params.lock() = params;
        made
    }

    pub(crate) fn define_clip(&self, name: CString) -> OfxPropertySetHandle {
        let mut clips = self.clips.lock();
        let new = || {
            Box::new(Clip {
                props: PropSet::refusing(self.refuses.as_deref()),
                picture: Mutex::default(),
                drift_px: Mutex::default(),
            })
        };
        clips.entry(name).or_insert_with(new).props.handle()
    }

    pub(crate) fn clip(&self, name: &CStr) -> Option<&Clip> {
        let clip: *const Clip = &raw const **self.clips.lock().get(name)?;
        // SAFETY: entries are boxed and never removed.
        Some(unsafe { &*clip })
    }

    pub(crate) fn connect(&self, name: &CStr, picture: Picture) {
        let clip = self.clip(name).unwrap();
        clip.props.set(kOfxImageClipPropConnected, 0, Value::Int(1));
        *clip.picture.lock() = Some(picture);
    }

    pub(crate) fn define_param(&self, kind: CString, name: CString) -> Option<OfxPropertySetHandle> {
        let mut params = self.params.lock();
        if params.contains_key(&name) {
            return None;
        }
        let props = PropSet::refusing(self.refuses.as_deref());
        let param = Box::new(Param { kind, props, keys: Mutex::default() });
        Some(params.entry(name).or_insert(param).props.handle())
    }

    pub(crate) fn param(&self, name: &CStr) -> Option<&Param> {
        let param: *const Param = &raw const **self.params.lock().get(name)?;
        // SAFETY: entries are boxed and never removed.
        Some(unsafe { &*param })
    }

    pub(crate) fn params(&self) -> Vec<(String, &Param)> {
        let names = self.params.lock().keys().cloned().collect::<Vec<_>>();
        let found = |name: CString| (name.to_str().unwrap().to_owned(), self.param(&name).unwrap());
        names.into_iter().map(found).collect()
    }
}
