//! Values of parameters, out of a host's hands and back into them.
//!
//! Input: the parameter set of an instance, a time. Output: checked [`Values`]; what an artist's press changes. Invariants: rectangles
//! are canonical in hosts (origin at the bottom left, pixels at full scale) and become pictures' rectangles (origin at the top left)
//! on the way in; numbers beyond a range are clamped; nothing is written inside a render. Cost: one host call a value.

use super::clips::Frame;
use super::describe;
use super::params::{DEFAULT_CORNER, DEFAULT_SIZE, automatic};
use super::props::c_string;
use super::suites::Suites;
use super::sys::*;
use crate::nodes::param::{Area, Kind, Param, ParamError, Value, Values};
use crate::nodes::{Node, font_stylize, hosted, prompts, shared};
use crate::schedule::Key;
use std::ffi::{CStr, c_char, c_int, c_uint};

/// Reads the values of one instance at one time.
#[derive(Clone, Copy)]
pub(super) struct Reader {
    pub(super) set: OfxParamSetHandle,
    pub(super) time: OfxTime,
    pub(super) suites: Suites,
    /// Bottom left and size of the project, of which hosts take fractions for defaults.
    project: [[f64; 2]; 2],
}

impl Reader {
    /// Of the instance `effect`; one that is null has no parameters.
    pub(super) fn new(effect: OfxImageEffectHandle, time: OfxTime, suites: Suites) -> Self {
        // A host need not bear being asked about no effect.
        if effect.is_null() {
            return Self { set: std::ptr::null_mut(), time, suites, project: [[0.0; 2]; 2] };
        }
        let props = describe::effect_props(effect, suites);
        let pair = |name| [0, 1].map(|axis| props.and_then(|props| props.double(name, axis)).unwrap_or(0.0));
        let project = [kOfxImageEffectPropProjectOffset, kOfxImageEffectPropProjectSize].map(pair);
        Self { set: super::param_set(effect, suites), time, suites, project }
    }

    /// The values of `params` at the reader's time; rectangles in pixels of `frame`, origin at its top left.
    ///
    /// # Errors
    /// [`ParamError`] for a text that does not parse.
    pub(super) fn values<'a>(
        &self,
        params: impl IntoIterator<Item = &'a Param> + Clone,
        frame: &Frame,
    ) -> Result<Values, ParamError> {
        let mut values = Values::defaults(params.clone());
        for param in params {
            if let Some(value) = self.value(param, param.id, frame)? {
                values.set(param, value)?;
            }
        }
        Ok(values)
    }

    /// The values of which the prompt of the whole picture is made.
    ///
    /// # Errors
    /// As [`Self::values`].
    pub(super) fn prompt_values(&self) -> Result<Values, ParamError> {
        self.values([&shared::PROMPT.param].into_iter().chain(prompts::PARAMS), &Frame::EMPTY)
    }

    /// Whether `node` is to draw a word of its own.
    pub(super) fn has_word(&self, node: &Node) -> bool {
        node.draws_its_source() && self.text(font_stylize::TEXT.id).is_some_and(|word| !word.trim().is_empty())
    }

    /// The value of `param` under the host name `name`.
    fn value(&self, param: &Param, name: &str, frame: &Frame) -> Result<Option<Value>, ParamError> {
        Ok(match param.kind {
            Kind::Text { .. } | Kind::Lines | Kind::File { .. } => self.text(name).map(Value::Text),
            Kind::AutoNumber { .. } | Kind::AutoInteger { .. } if self.integer(&automatic(name)) != Some(0) => None,
            Kind::Integers { .. } => match self.text(name) {
                Some(text) if !text.trim().is_empty() => Some(param.parse(text.trim())?),
                _ => None,
            },
            Kind::Number { min, max, .. } | Kind::AutoNumber { min, max, .. } => {
                self.number(name).map(|value| Value::Number(value.clamp(min, max)))
            }
            Kind::Integer { min, max, .. } | Kind::AutoInteger { min, max, .. } => {
                self.integer(name).map(|value| Value::Integer(i64::from(value).clamp(min, max)))
            }
            Kind::Switch { .. } => self.integer(name).map(|value| Value::Switch(value != 0)),
            // In the host's own numbers; who knows what they mean converts them.
            Kind::Color { .. } => self.triple(name).map(|color| Value::Color(color.map(|value| value.clamp(0.0, 1.0)))),
            Kind::Choice { options, .. } => {
                let index = self.integer(name).and_then(|index| usize::try_from(index).ok());
                index.and_then(|index| options.get(index)).map(|option| Value::Text((*option).to_owned()))
            }
            Kind::Rect => Some(Value::Rect(self.rect(name, frame))),
            Kind::Regions => {
                let region = |number| {
                    let id = format!("{}{number}", param.id);
                    let prompt = self
                        .text(&format!("{id}{}", hosted::REGION_PROMPT))
                        .filter(|prompt| !prompt.trim().is_empty())?;
                    let own = |param: Param| self.value(&param, &format!("{id}{}", param.id), frame).ok().flatten();
                    let mut area = Area::new(self.rect(&id, frame)?, &prompt);
                    if let Some(Value::Number(weight)) = own(*hosted::REGION_WEIGHT) {
                        area.weight = weight;
                    }
                    if let Some(Value::Integer(patches)) = own(*hosted::REGION_PATCHES) {
                        area.patches = patches;
                    }
                    area.only = own(*hosted::REGION_ONLY) == Some(Value::Switch(true));
                    Some(area)
                };
                Some(Value::Regions((1..=hosted::MOST_REGIONS).filter_map(region).collect()))
            }
        })
    }

    /// The rectangle `id` where it is switched on.
    fn rect(&self, id: &str, frame: &Frame) -> Option<[f64; 4]> {
        self.is_on(id).then_some(())?;
        let [corner, size] = self.place(id)?;
        if self.is_untouched(corner, size) {
            let [width, height] = [frame.width() as f64, frame.height() as f64];
            let [corner, size] = [DEFAULT_CORNER, DEFAULT_SIZE].map(|share| [share * width, share * height]);
            return Some([corner[0], corner[1], size[0], size[1]]);
        }
        Some(frame.rect_px_from_canonical(corner, size))
    }

    /// Whether a rectangle lies where the host put it at first: at fractions of the project, which may be another than the
    /// source's format; or at half a pixel, in hosts that take the fractions for pixels.
    fn is_untouched(&self, corner: [f64; 2], size: [f64; 2]) -> bool {
        let [offset, project] = self.project;
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-3 * b.abs().max(1.0);
        let is_fraction = (0..2).all(|axis| {
            let usual = [offset[axis] + DEFAULT_CORNER * project[axis], DEFAULT_SIZE * project[axis]];
            near(corner[axis], usual[0]) && near(size[axis], usual[1])
        });
        (corner, size) == ([DEFAULT_CORNER; 2], [DEFAULT_SIZE; 2]) || is_fraction
    }

    /// Bottom left and size of the rectangle `id` in canonical pixels, as the host has them.
    pub(super) fn place(&self, id: &str) -> Option<[[f64; 2]; 2]> {
        Some([self.pair(&format!("{id}BottomLeft"))?, self.pair(&format!("{id}Size"))?])
    }

    /// Moves the rectangle `id`; never inside a render.
    pub(super) fn write_place(&self, id: &str, [corner, size]: [[f64; 2]; 2]) {
        self.write_pair(&format!("{id}BottomLeft"), corner);
        self.write_pair(&format!("{id}Size"), size);
    }

    /// Whether the rectangle `id` is switched on.
    pub(super) fn is_on(&self, id: &str) -> bool {
        self.integer(&format!("{id}Enable")).is_some_and(|on| on != 0)
    }

    /// Switches the rectangle `id` on; never inside a render.
    pub(super) fn switch_on(&self, id: &str) {
        self.write_integer(&format!("{id}Enable"), 1);
    }

    /// Gives the region `to` all that the region `from` has but its place, and switches it on.
    pub(super) fn copy_region(&self, from: &str, to: &str, place: Option<[[f64; 2]; 2]>) {
        if let Some(place) = place {
            self.write_place(to, place);
        }
        if let Some(prompt) = self.text(&format!("{from}{}", hosted::REGION_PROMPT)) {
            self.write_text(&format!("{to}{}", hosted::REGION_PROMPT), &prompt);
        }
        if let Some(weight) = self.number(&format!("{from}{}", hosted::REGION_WEIGHT.id)) {
            self.write_number(&format!("{to}{}", hosted::REGION_WEIGHT.id), weight);
        }
        let patches = hosted::REGION_PATCHES.id;
        for part in [patches, &automatic(patches), hosted::REGION_ONLY.id] {
            if let Some(number) = self.integer(&format!("{from}{part}")) {
                self.write_integer(&format!("{to}{part}"), number);
            }
        }
        self.switch_on(to);
    }

    /// Switches off that the node finds the number `name`, which somebody has just typed.
    pub(super) fn take_over(&self, name: &str) {
        let switch = automatic(name);
        if self.integer(&switch).is_some_and(|on| on != 0) {
            self.write_integer(&switch, 0);
        }
    }

    /// Puts the rectangle `id` into the middle of `region`, in canonical pixels, where nobody has moved it yet; whether it was.
    pub(super) fn fit_rect(&self, id: &str, region: &OfxRectD) -> bool {
        let Some([corner, size]) = self.place(id) else { return false };
        if !self.is_untouched(corner, size) {
            return false;
        }
        let (low, side) = ([region.x1, region.y1], [region.x2 - region.x1, region.y2 - region.y1]);
        let corner = [0, 1].map(|axis| low[axis] + DEFAULT_CORNER * side[axis]);
        self.write_place(id, [corner, side.map(|side| DEFAULT_SIZE * side)]);
        true
    }

    /// The parameter `name`, where the instance has it.
    pub(super) fn handle(&self, name: &str) -> Option<OfxParamHandle> {
        let mut handle = std::ptr::null_mut();
        let get = self.suites.param.paramGetHandle?;
        let name = c_string(name);
        // SAFETY: a host function with the live set of this instance; the properties are not asked for.
        let status = unsafe { get(self.set, name.as_ptr(), &raw mut handle, std::ptr::null_mut()) };
        (status == kOfxStatOK && !handle.is_null()).then_some(handle)
    }

    /// A whole number, a switch or the index of a choice.
    pub(super) fn integer(&self, name: &str) -> Option<c_int> {
        let (handle, get) = (self.handle(name)?, self.suites.param.paramGetValueAtTime?);
        let mut value: c_int = 0;
        // SAFETY: integers, switches and choices are read through one pointer to int.
        (unsafe { get(handle, self.time, &raw mut value) } == kOfxStatOK).then_some(value)
    }

    /// A number; NaN reads as none.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        let (handle, get) = (self.handle(name)?, self.suites.param.paramGetValueAtTime?);
        let mut value = 0.0_f64;
        // SAFETY: doubles are read through one pointer to double.
        let found = unsafe { get(handle, self.time, &raw mut value) } == kOfxStatOK;
        (found && !value.is_nan()).then_some(value)
    }

    /// The keys of a text, where the host has two or more and hands them out.
    pub(super) fn keys(&self, name: &str) -> Vec<Key> {
        let (Some(handle), Some(at)) = (self.handle(name), self.suites.param.paramGetKeyTime) else {
            return Vec::new();
        };
        let number = self.key_count(name);
        if number < 2 {
            return Vec::new();
        }
        let key = |index| {
            let mut frame = 0.0;
            // SAFETY: as above.
            let found = unsafe { at(handle, index, &raw mut frame) } == kOfxStatOK && f64::is_finite(frame);
            let prompt = Self { time: frame, ..*self }.text(name)?;
            found.then_some(Key { frame, prompt })
        };
        (0..number).filter_map(key).collect()
    }

    /// How many keys an artist has set; none where the host does not say.
    pub(super) fn key_count(&self, name: &str) -> c_uint {
        let mut number = 0;
        let (Some(handle), Some(count)) = (self.handle(name), self.suites.param.paramGetNumKeys) else { return 0 };
        // SAFETY: a host function with a live parameter and a place for a count.
        if unsafe { count(handle, &raw mut number) } == kOfxStatOK { number } else { 0 }
    }

    /// Writes a text; never inside a render.
    pub(super) fn write_text(&self, name: &str, text: &str) {
        if let (Some(handle), Some(set)) = (self.handle(name), self.suites.param.paramSetValue) {
            let text = c_string(text);
            // SAFETY: a host function with a live parameter; texts are written through one char pointer, and the host
            // copies it.
            unsafe { set(handle, text.as_ptr()) };
        }
    }

    /// Writes a whole number; never inside a render.
    pub(super) fn write_integer(&self, name: &str, number: c_int) {
        if let (Some(handle), Some(set)) = (self.handle(name), self.suites.param.paramSetValue) {
            // SAFETY: a host function with a live parameter; whole numbers are written as one int.
            unsafe { set(handle, number) };
        }
    }

    /// Writes a number; never inside a render.
    pub(super) fn write_number(&self, name: &str, number: f64) {
        if let (Some(handle), Some(set)) = (self.handle(name), self.suites.param.paramSetValue) {
            // SAFETY: a host function with a live parameter; numbers are written as one double.
            unsafe { set(handle, number) };
        }
    }

    /// Writes two numbers where they are others than before; never inside a render.
    pub(super) fn write_pair(&self, name: &str, [x, y]: [f64; 2]) {
        if self.set.is_null() || self.pair(name) == Some([x, y]) {
            return;
        }
        if let (Some(handle), Some(set)) = (self.handle(name), self.suites.param.paramSetValue) {
            // SAFETY: pairs are written as two doubles.
            unsafe { set(handle, x, y) };
        }
    }

    /// Makes what `change` writes one step of the host's undo list, which calls it `name`.
    pub(super) fn in_one_step<R>(&self, name: &CStr, change: impl FnOnce() -> R) -> R {
        if let Some(begin) = self.suites.param.paramEditBegin {
            // SAFETY: a host function with the live set of this instance and a C string.
            unsafe { begin(self.set, name.as_ptr()) };
        }
        let changed = change();
        if let Some(end) = self.suites.param.paramEditEnd {
            // SAFETY: as above.
            unsafe { end(self.set) };
        }
        changed
    }

    /// Two numbers; none where one is not finite.
    pub(super) fn pair(&self, name: &str) -> Option<[f64; 2]> {
        let (handle, get) = (self.handle(name)?, self.suites.param.paramGetValueAtTime?);
        let [mut x, mut y] = [0.0_f64; 2];
        // SAFETY: pairs are read through two pointers to double.
        let found = unsafe { get(handle, self.time, &raw mut x, &raw mut y) } == kOfxStatOK;
        (found && x.is_finite() && y.is_finite()).then_some([x, y])
    }

    /// Three numbers; none where one is not finite.
    fn triple(&self, name: &str) -> Option<[f64; 3]> {
        let (handle, get) = (self.handle(name)?, self.suites.param.paramGetValueAtTime?);
        let [mut x, mut y, mut z] = [0.0_f64; 3];
        // SAFETY: colours of three channels are read through three pointers to double.
        let found = unsafe { get(handle, self.time, &raw mut x, &raw mut y, &raw mut z) } == kOfxStatOK;
        (found && [x, y, z].iter().all(|value| value.is_finite())).then_some([x, y, z])
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let (handle, get) = (self.handle(name)?, self.suites.param.paramGetValueAtTime?);
        let mut value: *mut c_char = std::ptr::null_mut();
        // SAFETY: texts are read through one pointer to char pointer.
        let found = unsafe { get(handle, self.time, &raw mut value) } == kOfxStatOK;
        // SAFETY: the host answered with a C string, copied before it is called again.
        (found && !value.is_null()).then(|| unsafe { CStr::from_ptr(value) }.to_string_lossy().into_owned())
    }
}
