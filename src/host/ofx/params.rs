//! Parameters of a node as a host is told of them.
//!
//! Input: a node and the host's parameter set. Output: its panel, defined from the tables of [`crate::nodes`]. Invariants: one
//! definition feeds the host and the command line. Cost: some host calls a parameter.

use super::props::{Props, lasting};
use super::quirks::Quirks;
use super::suites::Suites;
use super::sys::*;
use crate::nodes::panel::{self, Item};
use crate::nodes::param::{Kind, Param};
use crate::nodes::{Node, hosted, shared};
use std::ffi::{CStr, c_int};

/// The page that every parameter lies on.
const PAGE: &str = "Controls";
/// Largest whole number that hosts have.
const LARGEST: i64 = i32::MAX as i64;
/// Default, range and display range of a number; some hosts need both ranges.
const RANGE: [&CStr; 5] =
    [kOfxParamPropDefault, kOfxParamPropMin, kOfxParamPropMax, kOfxParamPropDisplayMin, kOfxParamPropDisplayMax];

/// Where a rectangle lies at first, as fractions of the project.
pub(super) const DEFAULT_CORNER: f64 = 0.25;
pub(super) const DEFAULT_SIZE: f64 = 0.5;

/// Defines every parameter of `node`.
pub(super) fn define(node: &Node, set: OfxParamSetHandle, host: &Props, suites: Suites) {
    let mut page = Definer { set, suites, children: Vec::new(), keys: keyed_strings(host) };
    for (group, items) in panel::groups(node, Quirks::of_host(suites).has_phantom_inputs) {
        let parent = page.group(&group_name(group.title), group.title, group.is_open, "");
        for item in items {
            match item {
                Item::Param(param) => page.param(param, &parent),
                Item::Button(button) => page.button(button.id, button.label, button.hint, &parent),
                Item::ReadOut(read_out) => page.read_out(read_out, &parent),
            }
        }
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

    /// Defines a group inside `parent` and returns its host name.
    fn group(&mut self, name: &str, title: &str, is_open: bool, parent: &str) -> String {
        if let Some(props) = self.define(kOfxParamTypeGroup, name, title, "") {
            props.set_int(kOfxParamPropGroupOpen, 0, is_open.into());
            self.child(&props, name, parent);
        }
        name.to_owned()
    }

    fn param(&mut self, param: &Param, parent: &str) {
        match param.kind {
            Kind::Rect => {
                let group = self.group(&group_name(param.id), param.label, false, parent);
                self.rect(param.id, param.label, param.hint, &group);
            }
            Kind::Regions => self.regions(param, parent),
            _ => self.single(param, param.id, parent),
        }
    }

    fn single(&mut self, param: &Param, name: &str, parent: &str) {
        if let Some(label) = param.automatic_label() {
            let hint = format!("Lets the node find what '{}' says.", param.label);
            self.switch(&automatic(name), &label, &hint, true, parent);
        }
        let kind = match param.kind {
            Kind::Number { .. } | Kind::AutoNumber { .. } => kOfxParamTypeDouble,
            Kind::Integer { .. } | Kind::AutoInteger { .. } => kOfxParamTypeInteger,
            Kind::Choice { .. } => kOfxParamTypeChoice,
            Kind::Switch { .. } => kOfxParamTypeBoolean,
            Kind::Color { .. } => kOfxParamTypeRGB,
            _ => kOfxParamTypeString,
        };
        let Some(props) = self.define(kind, name, param.label, param.hint) else { return };
        self.child(&props, name, parent);
        let text = matches!(param.kind, Kind::Text { .. } | Kind::Lines | Kind::Integers { .. } | Kind::File { .. });
        props.set_int(kOfxParamPropAnimates, 0, (param.animates && (self.keys || !text)).into());
        if hosted::OVERLAY.contains(param) {
            // It changes the viewer and no picture.
            props.set_int(kOfxParamPropEvaluateOnChange, 0, 0);
        }
        match param.kind {
            Kind::Number { default, min, max } | Kind::AutoNumber { usual: default, min, max } => {
                number_range(&props, [default, min, max]);
            }
            Kind::Integer { default, min, max } | Kind::AutoInteger { usual: default, min, max } => {
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
            Kind::Color { default } => {
                for (index, value) in (0..).zip(default) {
                    for (property, value) in RANGE.into_iter().zip([value, 0.0, 1.0, 0.0, 1.0]) {
                        props.set_double(property, index, value);
                    }
                }
            }
            _ => {
                props.set_string(kOfxParamPropDefault, 0, &param.default_text());
                let mode = match param.kind {
                    Kind::File { .. } => kOfxParamStringIsFilePath,
                    Kind::Lines => kOfxParamStringIsMultiLine,
                    _ => kOfxParamStringIsSingleLine,
                };
                props.set_static(kOfxParamPropStringMode, 0, mode);
                if let Kind::File { is_read } = param.kind {
                    // Says which dialog opens: one for files that are there, or one for files to come.
                    props.set_int(kOfxParamPropStringFilePathExists, 0, is_read.into());
                }
            }
        }
    }

    fn button(&mut self, name: &str, label: &str, hint: &str, parent: &str) {
        if let Some(props) = self.define(kOfxParamTypePushButton, name, label, hint) {
            self.child(&props, name, parent);
        }
    }

    /// A text that an artist cannot change and that asks for no render.
    fn read_out(&mut self, read_out: &hosted::ReadOut, parent: &str) {
        let hint = read_out.hint;
        let Some(props) = self.define(kOfxParamTypeString, read_out.id, read_out.label, hint) else { return };
        self.child(&props, read_out.id, parent);
        // A label: a text that is switched off is hard to read in some hosts.
        props.set_static(kOfxParamPropStringMode, 0, kOfxParamStringIsLabel);
        let quirks = Quirks::of_host(self.suites);
        props.set_string(kOfxParamPropDefault, 0, &quirks.words(read_out.label, read_out.default));
        for flag in [kOfxParamPropAnimates, kOfxParamPropEvaluateOnChange, kOfxParamPropPersistant] {
            props.set_int(flag, 0, 0);
        }
        if !quirks.shows_bare_labels {
            props.set_int(kOfxParamPropEnabled, 0, 0);
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

    fn switch(&mut self, name: &str, label: &str, hint: &str, default: bool, parent: &str) {
        if let Some(props) = self.define(kOfxParamTypeBoolean, name, label, hint) {
            self.child(&props, name, parent);
            props.set_int(kOfxParamPropAnimates, 0, 0);
            props.set_int(kOfxParamPropDefault, 0, default.into());
        }
    }

    /// A switch, a corner and a size; the names are those of other OpenFX rectangles.
    fn rect(&mut self, id: &str, label: &str, hint: &str, parent: &str) {
        self.switch(&format!("{id}Enable"), "Enable", hint, false, parent);
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
            let group = self.group(&group_name(&id), &label, false, parent);
            self.rect(&id, &label, param.hint, &group);
            self.single(
                &Param { animates: true, ..shared::PROMPT.param },
                &format!("{id}{}", hosted::REGION_PROMPT),
                &group,
            );
            let copy = "Copies rectangle, prompt and settings to the next region that is free, switches that on and puts it a little \
                        beside the original.";
            self.button(&format!("{id}{}", hosted::COPY), "Copy to a free region", copy, &group);
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

/// Host name of the switch that leaves the number called `name` to the node.
pub(super) fn automatic(name: &str) -> String {
    format!("{name}Auto")
}

/// Host name of a group.
fn group_name(group: &str) -> String {
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
