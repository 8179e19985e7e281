//! Parameters: defined from the tables of [`crate::nodes`], read back as their checked values.
//!
//! Input: a node, the host's parameter set, a time. Output: [`Values`]. Invariants: one definition feeds the host and
//! the command line; rectangles are canonical here (origin at the bottom left, pixels at full scale) and become
//! pictures' rectangles (origin at the top left) on the way in. Hosts may hand out numbers beyond a range: they are
//! clamped. Cost: one host call a value.

use super::clips::Frame;
use super::describe;
use super::props::{Props, c_string, lasting};
use super::quirks::Quirks;
use super::suites::Suites;
use super::sys::*;
use crate::nodes::param::{Area, Kind, Param, ParamError, Value, Values};
use crate::nodes::{Node, hosted, prompts, shared};
use crate::schedule::Key;
use std::ffi::{CStr, c_char, c_int};

/// The page that every parameter lies on.
const PAGE: &str = "Controls";
/// Largest whole number that hosts have.
const LARGEST: i64 = i32::MAX as i64;
/// Default, range and display range of a number; some hosts need both ranges.
const RANGE: [&CStr; 5] =
    [kOfxParamPropDefault, kOfxParamPropMin, kOfxParamPropMax, kOfxParamPropDisplayMin, kOfxParamPropDisplayMax];

/// Where a rectangle lies at first, as fractions of the project.
const DEFAULT_CORNER: f64 = 0.25;
const DEFAULT_SIZE: f64 = 0.5;

/// Defines every parameter of `node`.
pub(super) fn define(node: &Node, set: OfxParamSetHandle, host: &Props, suites: Suites) {
    let mut page = Definer { set, suites, children: Vec::new(), groups: Vec::new(), keys: keyed_strings(host) };
    let [prompts, presets] = if node.edits { [prompts::PARAMS, hosted::PROMPTS] } else { [[].as_slice(); 2] };
    let overlay = if hosted::has_rectangles(node) { hosted::OVERLAY } else { &[] };
    let own = node.params.iter().chain(prompts).chain(presets).chain(overlay);
    let mask = if Quirks::of_host(suites).has_phantom_inputs { [hosted::USE_MASK.param].as_slice() } else { &[] };
    for param in own.chain(hosted::PARAMS).chain(mask).chain(shared::LAYING) {
        page.param(param);
    }
    for button in hosted::buttons(node) {
        page.button(button);
    }
    let prompt = node.edits.then_some(&hosted::EFFECTIVE_PROMPT);
    for read_out in prompt.into_iter().chain(hosted::STATUSES).chain([&hosted::ABOUT]) {
        page.read_out(read_out);
    }
    page.counter(hosted::BAKED);
    page.finish();
}

/// Whether the host can key texts.
fn keyed_strings(host: &Props) -> bool {
    host.int(kOfxParamHostPropSupportsStringAnimation, 0) == Some(1)
}

struct Definer {
    set: OfxParamSetHandle,
    suites: Suites,
    children: Vec<String>,
    groups: Vec<&'static str>,
    keys: bool,
}

impl Definer {
    /// Defines one host parameter and gives what all kinds share.
    fn define(&self, kind: &CStr, name: &str, label: &str, hint: &str) -> Option<Props> {
        let mut handle = std::ptr::null_mut();
        let define = self.suites.param.paramDefine?;
        // SAFETY: a host function with the live set of this describe action and texts that are never freed.
        let status = unsafe { define(self.set, kind.as_ptr(), lasting(name).as_ptr(), &raw mut handle) };
        if status != kOfxStatOK {
            return None;
        }
        let props = Props::new(handle, self.suites);
        props.set_string(kOfxPropLabel, 0, label);
        props.set_static(kOfxParamPropScriptName, 0, lasting(name));
        if !hint.is_empty() {
            props.set_string(kOfxParamPropHint, 0, hint);
        }
        Some(props)
    }

    /// Puts a parameter into the group called `parent`, or onto the page where that is empty.
    fn child(&mut self, props: &Props, name: &str, parent: &str) {
        if parent.is_empty() {
            self.children.push(name.to_owned());
        } else {
            props.set_string(kOfxParamPropParent, 0, parent);
        }
    }

    /// Defines the group of the tables once and returns its host name; only a node's first group is open.
    fn group(&mut self, group: &'static str) -> String {
        let name = group_name(group);
        if name.is_empty() || self.groups.contains(&group) {
            return name;
        }
        self.groups.push(group);
        if let Some(props) = self.define(kOfxParamTypeGroup, &name, group, "") {
            props.set_int(kOfxParamPropGroupOpen, 0, (self.groups.len() == 1).into());
            self.children.push(name.clone());
        }
        name
    }

    fn param(&mut self, param: &Param) {
        let parent = self.group(param.group);
        match param.kind {
            Kind::Rect => self.rect(param.id, param.label, param.hint, &parent),
            Kind::Regions => self.regions(param, &parent),
            _ => self.single(param, param.id, &parent),
        }
    }

    fn single(&mut self, param: &Param, name: &str, parent: &str) {
        let kind = match param.kind {
            Kind::Number { .. } => kOfxParamTypeDouble,
            Kind::Integer { .. } => kOfxParamTypeInteger,
            Kind::Choice { .. } => kOfxParamTypeChoice,
            Kind::Switch { .. } => kOfxParamTypeBoolean,
            _ => kOfxParamTypeString,
        };
        let Some(props) = self.define(kind, name, param.label, param.hint) else { return };
        self.child(&props, name, parent);
        let text = matches!(param.kind, Kind::Text { .. } | Kind::Lines | Kind::Integers { .. } | Kind::File);
        props.set_int(kOfxParamPropAnimates, 0, (param.animates && (self.keys || !text)).into());
        match param.kind {
            Kind::Number { default, min, max } => number_range(&props, [default, min, max]),
            Kind::Integer { default, min, max } => {
                let [default, min, max] = [default, min, max].map(|value| value.clamp(-LARGEST, LARGEST) as c_int);
                for (property, value) in RANGE.into_iter().zip([default, min, max, min, max]) {
                    props.set_int(property, 0, value);
                }
            }
            Kind::Choice { default, options } => {
                for (index, option) in (0..).zip(options) {
                    props.set_string(kOfxParamPropChoiceOption, index, option);
                }
                let default = options.iter().position(|option| *option == default);
                props.set_int(kOfxParamPropDefault, 0, default.unwrap_or(0) as c_int);
            }
            Kind::Switch { default } => props.set_int(kOfxParamPropDefault, 0, default.into()),
            _ => {
                props.set_string(kOfxParamPropDefault, 0, &param.default_text());
                let file = param.kind == Kind::File;
                let mode = match param.kind {
                    Kind::File => kOfxParamStringIsFilePath,
                    Kind::Lines => kOfxParamStringIsMultiLine,
                    _ => kOfxParamStringIsSingleLine,
                };
                props.set_static(kOfxParamPropStringMode, 0, mode);
                if file {
                    // An old project whose file is gone must still open.
                    props.set_int(kOfxParamPropStringFilePathExists, 0, 0);
                }
            }
        }
    }

    fn button(&mut self, button: &hosted::Button) {
        let parent = self.group(button.group);
        if let Some(props) = self.define(kOfxParamTypePushButton, button.id, button.label, button.hint) {
            self.child(&props, button.id, &parent);
        }
    }

    /// A text that an artist cannot change and that asks for no render.
    fn read_out(&mut self, read_out: &hosted::ReadOut) {
        let parent = self.group(read_out.group);
        let hint = read_out.hint;
        let Some(props) = self.define(kOfxParamTypeString, read_out.id, read_out.label, hint) else { return };
        self.child(&props, read_out.id, &parent);
        // A label: a text that is switched off is hard to read in some hosts.
        props.set_static(kOfxParamPropStringMode, 0, kOfxParamStringIsLabel);
        props.set_string(kOfxParamPropDefault, 0, read_out.default);
        for flag in
            [kOfxParamPropAnimates, kOfxParamPropEnabled, kOfxParamPropEvaluateOnChange, kOfxParamPropPersistant]
        {
            props.set_int(flag, 0, 0);
        }
    }

    /// A whole number that nobody sees and that asks for a render when it changes.
    fn counter(&self, name: &str) {
        if let Some(props) = self.define(kOfxParamTypeInteger, name, name, "Counts what was baked.") {
            for (property, value) in RANGE.into_iter().zip([0, 0, c_int::MAX, 0, c_int::MAX]) {
                props.set_int(property, 0, value);
            }
            props.set_int(kOfxParamPropAnimates, 0, 0);
            props.set_int(kOfxParamPropSecret, 0, 1);
        }
    }

    fn switch(&mut self, name: &str, label: &str, hint: &str, parent: &str) {
        if let Some(props) = self.define(kOfxParamTypeBoolean, name, label, hint) {
            self.child(&props, name, parent);
            props.set_int(kOfxParamPropAnimates, 0, 0);
            props.set_int(kOfxParamPropDefault, 0, 0);
        }
    }

    /// A switch, a corner and a size; the names are those of other OpenFX rectangles.
    fn rect(&mut self, id: &str, label: &str, hint: &str, parent: &str) {
        self.switch(&format!("{id}Enable"), label, hint, parent);
        let corners = [
            ("BottomLeft", "Bottom left", kOfxParamDoubleTypeXYAbsolute, ["x", "y"], DEFAULT_CORNER),
            ("Size", "Size", kOfxParamDoubleTypeXY, ["w", "h"], DEFAULT_SIZE),
        ];
        for (suffix, title, kind, dimensions, default) in corners {
            let name = format!("{id}{suffix}");
            let hint = format!("{title} of the rectangle of '{label}', in pixels of the full picture.");
            let Some(props) = self.define(kOfxParamTypeDouble2D, &name, title, &hint) else { continue };
            self.child(&props, &name, parent);
            props.set_static(kOfxParamPropDoubleType, 0, kind);
            props.set_static(kOfxParamPropDefaultCoordinateSystem, 0, kOfxParamCoordinatesNormalised);
            props.set_int(kOfxParamPropAnimates, 0, 1);
            for (index, dimension) in (0..).zip(dimensions) {
                props.set_double(kOfxParamPropDefault, index, default);
                props.set_double(kOfxParamPropMin, index, -1e6);
                props.set_double(kOfxParamPropMax, index, 1e6);
                props.set_double(kOfxParamPropDisplayMin, index, 0.0);
                props.set_double(kOfxParamPropDisplayMax, index, 10_000.0);
                props.set_string(kOfxParamPropDimensionLabel, index, dimension);
            }
        }
    }

    fn regions(&mut self, param: &Param, parent: &str) {
        for number in 1..=hosted::MOST_REGIONS {
            let id = format!("{}{number}", param.id);
            let label = format!("{} {number}", param.label);
            let group = group_name(&id);
            if let Some(props) = self.define(kOfxParamTypeGroup, &group, &label, "") {
                self.child(&props, &group, parent);
                props.set_int(kOfxParamPropGroupOpen, 0, 0);
            }
            self.rect(&id, &label, param.hint, &group);
            self.single(&Param { animates: true, ..shared::PROMPT.param }, &format!("{id}Prompt"), &group);
            for own in [hosted::REGION_WEIGHT.param, hosted::REGION_PATCHES.param, hosted::REGION_ONLY.param] {
                self.single(&own, &format!("{id}{}", own.id), &group);
            }
        }
    }

    fn finish(self) {
        let Some(page) = self.define(kOfxParamTypePage, PAGE, PAGE, "") else { return };
        for (index, child) in (0..).zip(&self.children) {
            page.set_string(kOfxParamPropPageChild, index, child);
        }
    }
}

/// Host name of a group of the tables; empty for none.
fn group_name(group: &str) -> String {
    if group.is_empty() {
        return String::new();
    }
    let mut name: String = group.split_whitespace().collect();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    name + "Group"
}

fn number_range(props: &Props, [default, min, max]: [f64; 3]) {
    for (property, value) in RANGE.into_iter().zip([default, min, max, min, max]) {
        props.set_double(property, 0, value);
    }
    props.set_static(kOfxParamPropDoubleType, 0, kOfxParamDoubleTypePlain);
    props.set_double(kOfxParamPropIncrement, 0, (max - min) / 100.0);
}

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

    /// The value of `param` under the host name `name`.
    fn value(&self, param: &Param, name: &str, frame: &Frame) -> Result<Option<Value>, ParamError> {
        Ok(match param.kind {
            Kind::Text { .. } | Kind::Lines | Kind::File => self.text(name).map(Value::Text),
            Kind::Integers { .. } => match self.text(name) {
                Some(text) if !text.trim().is_empty() => Some(param.parse(text.trim())?),
                _ => None,
            },
            Kind::Number { min, max, .. } => self.number(name).map(|value| Value::Number(value.clamp(min, max))),
            Kind::Integer { min, max, .. } => {
                self.integer(name).map(|value| Value::Integer(i64::from(value).clamp(min, max)))
            }
            Kind::Switch { .. } => self.integer(name).map(|value| Value::Switch(value != 0)),
            Kind::Choice { options, .. } => {
                let index = self.integer(name).and_then(|index| usize::try_from(index).ok());
                index.and_then(|index| options.get(index)).map(|option| Value::Text((*option).to_owned()))
            }
            Kind::Rect => Some(Value::Rect(self.rect(name, frame))),
            Kind::Regions => {
                let region = |number| {
                    let id = format!("{}{number}", param.id);
                    let prompt = self.text(&format!("{id}Prompt")).filter(|prompt| !prompt.trim().is_empty())?;
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
        self.integer(&format!("{id}Enable")).filter(|&on| on != 0)?;
        let corner = self.pair(&format!("{id}BottomLeft"))?;
        let size = self.pair(&format!("{id}Size"))?;
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

    /// Puts the rectangle `id` into the middle of `region`, in canonical pixels, where nobody has moved it yet; whether it was.
    pub(super) fn fit_rect(&self, id: &str, region: &OfxRectD) -> bool {
        let [corner_name, size_name] = ["BottomLeft", "Size"].map(|part| format!("{id}{part}"));
        let (Some(corner), Some(size)) = (self.pair(&corner_name), self.pair(&size_name)) else { return false };
        if !self.is_untouched(corner, size) {
            return false;
        }
        let (low, side) = ([region.x1, region.y1], [region.x2 - region.x1, region.y2 - region.y1]);
        self.write_pair(&corner_name, [0, 1].map(|axis| low[axis] + DEFAULT_CORNER * side[axis]));
        self.write_pair(&size_name, side.map(|side| DEFAULT_SIZE * side));
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
        let (Some(handle), Some(count), Some(at)) =
            (self.handle(name), self.suites.param.paramGetNumKeys, self.suites.param.paramGetKeyTime)
        else {
            return Vec::new();
        };
        let mut number = 0;
        // SAFETY: host functions with a live parameter and places for a count and a time.
        if unsafe { count(handle, &raw mut number) } != kOfxStatOK || number < 2 {
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

    /// Whether an artist has keyed a text.
    pub(super) fn has_keys(&self, name: &str) -> bool {
        let mut number = 0;
        let (Some(handle), Some(count)) = (self.handle(name), self.suites.param.paramGetNumKeys) else { return false };
        // SAFETY: a host function with a live parameter and a place for a count.
        unsafe { count(handle, &raw mut number) == kOfxStatOK && number > 0 }
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
