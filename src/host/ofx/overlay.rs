//! The rectangles of a node in the host's viewer: drawn, and dragged by their handles.
//!
//! Input: interact actions of a host. Output: lines, and the parameters of the rectangle that is dragged. Invariants:
//! rectangles that are switched off are neither drawn nor touched; a drag is one undo step; a rectangle is written only
//! where it changes, so that a drag keys nothing else; what is not ours is left to the host. Nothing hangs on an
//! interact: drags in progress lie in one table, and the table is never locked while the host is called. Cost: some
//! thirty host calls an action.

use super::guard;
use super::handles::{HALF_HANDLE_SCREEN_PX, HANDLES, Handle, Rectangle, Side};
use super::paint::{Brush, Ink};
use super::picker;
use super::process;
use super::props::Props;
use super::reader::Reader;
use super::status;
use super::suites::{Suites, suites};
use super::sys::*;
use crate::nodes::{Node, hosted};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_void};

/// What an undo list calls a drag.
const EDIT: &CStr = c"Move rectangle";
/// Size of a screen pixel beyond which a host cannot mean it.
const COARSEST_PX: f64 = 1e6;

/// A handle on its way.
#[derive(Clone, Debug)]
struct Drag {
    id: String,
    handle: Handle,
    /// The rectangle and the pen when it was pressed.
    start: Rectangle,
    pen: [f64; 2],
}

/// What an undo list calls a region around a shape.
const PICK: &CStr = c"Region from a shape";

/// Where pens are that pick shapes, by the address of their interact.
static PENS: Mutex<BTreeMap<usize, [f64; 2]>> = Mutex::new(BTreeMap::new());

/// Drags in progress by the address of their interact.
static DRAGS: Mutex<BTreeMap<usize, Drag>> = Mutex::new(BTreeMap::new());

/// Tells the host of the overlay where `node` has rectangles and the host has a viewer to draw into.
pub(super) fn register(node: &Node, effect: &Props, suites: Suites) {
    if !has_viewer(suites) || !hosted::has_rectangles(node) {
        return;
    }
    let entry: super::Entry = entry;
    effect.set_pointer(kOfxImageEffectPluginPropOverlayInteractV1, entry as *mut c_void);
    // The second version asks for drawing through the suite alone.
    if suites.draw.is_some() {
        effect.set_pointer(kOfxImageEffectPluginPropOverlayInteractV2, entry as *mut c_void);
    }
}

/// Whether the host has a viewer that plug-ins may draw into.
pub(super) fn has_viewer(suites: Suites) -> bool {
    let draws = Props::of_host(suites).int(kOfxImageEffectPropSupportsOverlays, 0) == Some(1);
    draws && !process::is_in_background(suites)
}

/// One entry for all nodes: the parameters that an instance has say which rectangles there are.
unsafe extern "C" fn entry(
    action: *const c_char,
    handle: *const c_void,
    arguments: OfxPropertySetHandle,
    _answers: OfxPropertySetHandle,
) -> OfxStatus {
    guard::guarded(std::ptr::null_mut(), || {
        let Some(suites) = suites() else { return kOfxStatErrMissingHostFeature };
        if action.is_null() || handle.is_null() {
            return kOfxStatErrBadHandle;
        }
        // SAFETY: the host names the action with a C string.
        let action = unsafe { CStr::from_ptr(action) };
        // A host may end an effect before its viewer: the effect is not asked unless a drag is left to end.
        let is_known = || DRAGS.lock().contains_key(&handle.addr()) || PENS.lock().contains_key(&handle.addr());
        let over = action == kOfxActionDestroyInstance && !is_known();
        if over || action == kOfxActionDescribe {
            return kOfxStatOK;
        }
        let view = View::new(handle.cast_mut().cast(), Props::new(arguments, suites), suites);
        // A second door, for now it is known which node complains.
        guard::guarded(view.effect.cast(), || act(action, &view))
    })
}

fn act(action: &CStr, view: &View) -> OfxStatus {
    if action == kOfxActionCreateInstance {
        view.follow_parameters();
        kOfxStatOK
    } else if action == kOfxActionDestroyInstance {
        PENS.lock().remove(&view.key());
        view.end_drag();
        kOfxStatOK
    } else if action == kOfxInteractActionDraw {
        view.draw()
    } else if action == kOfxInteractActionPenDown {
        view.pen_down()
    } else if action == kOfxInteractActionPenMotion {
        view.pen_motion()
    } else if action == kOfxInteractActionPenUp {
        view.pen_up()
    } else {
        // The pen may have been let go elsewhere; whatever else happens with the focus is the host's.
        if action == kOfxInteractActionLoseFocus {
            view.end_drag();
        } else if action == kOfxInteractActionGainFocus {
            view.show_status();
        }
        kOfxStatReplyDefault
    }
}

/// A rectangle that can be seen.
struct Shown {
    rectangle: hosted::Rectangle,
    place: Rectangle,
}

/// One interact during one action.
struct View {
    interact: OfxInteractHandle,
    /// The interact's own properties, where the host has them.
    own: Option<Props>,
    arguments: Props,
    effect: OfxImageEffectHandle,
    reader: Reader,
    suites: Suites,
    /// Canonical pixels that a screen pixel covers, across and up.
    screen_px: [f64; 2],
}

impl View {
    fn new(interact: OfxInteractHandle, arguments: Props, suites: Suites) -> Self {
        let mut handle = std::ptr::null_mut();
        if let Some(get) = suites.interact.and_then(|suite| suite.interactGetPropertySet) {
            // SAFETY: a host function with a live interact and a place for a handle.
            unsafe { get(interact, &raw mut handle) };
        }
        let own = (!handle.is_null()).then(|| Props::new(handle, suites));
        let effect = arguments.pointer(kOfxPropEffectInstance);
        let effect = effect.or_else(|| own?.pointer(kOfxPropEffectInstance)).unwrap_or(std::ptr::null_mut());
        let effect: OfxImageEffectHandle = effect.cast();
        let time = arguments.double(kOfxPropTime, 0).filter(|time| time.is_finite()).unwrap_or(0.0);
        let sensible = |scale: &f64| *scale > 0.0 && *scale < COARSEST_PX;
        let screen_px =
            [0, 1].map(|axis| arguments.double(kOfxInteractPropPixelScale, axis).filter(sensible).unwrap_or(1.0));
        Self { interact, own, arguments, effect, reader: Reader::new(effect, time, suites), suites, screen_px }
    }

    /// Has the host draw again when a rectangle changes.
    fn follow_parameters(&self) {
        let Some(own) = &self.own else { return };
        let names = hosted::rectangles().flat_map(|rectangle| {
            let id = rectangle.id;
            ["Enable", "BottomLeft", "Size"].map(|part| format!("{id}{part}"))
        });
        let all = names.chain(hosted::OVERLAY.iter().map(|param| param.id.to_owned()));
        // Before there is an effect its parameters cannot be asked for: then all of them are named.
        let known = all.filter(|name| self.reader.set.is_null() || self.reader.handle(name).is_some());
        for (index, name) in (0..).zip(known) {
            own.set_string(kOfxInteractPropSlaveToParam, index, &name);
        }
    }

    /// The rectangles that can be seen, the lowest first.
    fn shown(&self) -> Vec<Shown> {
        if self.reader.set.is_null() || self.reader.integer(hosted::INTERACTIVE.id) == Some(0) {
            return Vec::new();
        }
        let shown = |rectangle: hosted::Rectangle| {
            let is_on = self.reader.is_on(&rectangle.id);
            let [corner, size] = is_on.then(|| self.reader.place(&rectangle.id)).flatten()?;
            Some(Shown { place: Rectangle::new(corner, size)?, rectangle })
        };
        hosted::rectangles().filter_map(shown).collect()
    }

    /// The address that drags are kept under.
    fn key(&self) -> usize {
        self.interact.addr()
    }

    fn pen(&self) -> Option<[f64; 2]> {
        let along = |axis| self.arguments.double(kOfxInteractPropPenPosition, axis).filter(|at| at.is_finite());
        Some([along(0)?, along(1)?])
    }

    fn draw(&self) -> OfxStatus {
        let (shown, picked) = (self.shown(), self.shape_under_pen());
        if shown.is_empty() && picked.is_none() {
            return kOfxStatReplyDefault;
        }
        let held = DRAGS.lock().get(&self.key()).map(|drag| drag.id.clone());
        let Some(brush) = Brush::new(&self.arguments, self.own.as_ref(), self.suites) else {
            return kOfxStatReplyDefault;
        };
        for Shown { rectangle, place } in &shown {
            let line = if held.as_ref() == Some(&rectangle.id) { Ink::Held } else { Ink::Line };
            self.draw_lines(&brush, place, Ink::Shadow, [1.0, -1.0]);
            self.draw_lines(&brush, place, line, [0.0, 0.0]);
            let [x, y] = place.at([Side::Low, Side::High]);
            let inset = [0, 1].map(|axis| 2.0 * HALF_HANDLE_SCREEN_PX * self.screen_px[axis]);
            brush.ink(Ink::Words);
            brush.words(&self.title(rectangle), [x + inset[0], y - inset[1]], self.screen_px);
            let ([left, bottom], [width, height]) = (place.corner, place.size);
            let numbers = format!("{width:.0} x {height:.0} at {left:.0}, {bottom:.0}");
            let [x, y] = place.at([Side::Low, Side::Low]);
            brush.words(&numbers, [x + inset[0], y - inset[1] / 2.0], self.screen_px);
        }
        for line in picked.iter().flat_map(|shape| &shape.outline) {
            brush.ink(Ink::Held);
            brush.outline(line);
        }
        kOfxStatOK
    }

    /// Number and prompt of a rectangle.
    fn title(&self, rectangle: &hosted::Rectangle) -> String {
        let prompt = self.reader.text(&format!("{}{}", rectangle.id, hosted::REGION_PROMPT)).unwrap_or_default();
        match prompt.trim() {
            "" => rectangle.title.clone(),
            prompt => format!("{}: {prompt}", rectangle.title),
        }
    }

    fn picks(&self) -> bool {
        !self.reader.set.is_null() && self.reader.integer(hosted::PICK.id).is_some_and(|on| on != 0)
    }

    /// The shape under the pen, where shapes are picked.
    fn shape_under_pen(&self) -> Option<picker::Shape> {
        let pen = PENS.lock().get(&self.key()).copied().filter(|_| self.picks())?;
        picker::under(self.effect.addr(), pen)
    }

    /// Puts the next free region around the shape under the pen and ends the picking; whether there was one.
    fn pick(&self) -> bool {
        let (true, Some(pen)) = (self.picks(), self.pen()) else { return false };
        let Some(shape) = picker::under(self.effect.addr(), pen) else { return false };
        let Some(free) = hosted::regions().find(|id| !self.reader.is_on(id)) else { return false };
        self.reader.in_one_step(PICK, || {
            self.reader.write_place(&free, [shape.bounds.corner, shape.bounds.size]);
            self.reader.switch_on(&free);
            self.reader.write_integer(hosted::PICK.id, 0);
        });
        self.redraw();
        true
    }

    /// The outline and the handles of one rectangle, `off` by some screen pixels.
    fn draw_lines(&self, brush: &Brush, place: &Rectangle, ink: Ink, off: [f64; 2]) {
        let shifted = |at: [f64; 2], by: f64| [0, 1].map(|axis| at[axis] + (off[axis] + by) * self.screen_px[axis]);
        let [[left, bottom], [right, top]] =
            [place.corner, [0, 1].map(|axis| place.corner[axis] + place.size[axis])].map(|at| shifted(at, 0.0));
        brush.ink(ink);
        brush.outline(&[[left, bottom], [right, bottom], [right, top], [left, top]]);
        for handle in HANDLES {
            let at = place.at(handle);
            brush.filled(shifted(at, -HALF_HANDLE_SCREEN_PX), shifted(at, HALF_HANDLE_SCREEN_PX));
        }
    }

    fn pen_down(&self) -> OfxStatus {
        // A host that let go without saying so.
        self.end_drag();
        if self.pick() {
            return kOfxStatOK;
        }
        let (Some(pen), Some(_)) = (self.pen(), self.suites.param.paramSetValue) else { return kOfxStatReplyDefault };
        let under = |shown: Shown| Some((shown.place.hit(pen, self.screen_px)?, shown));
        let Some((handle, Shown { rectangle, place })) = self.shown().into_iter().rev().find_map(under) else {
            return kOfxStatReplyDefault;
        };
        DRAGS.lock().insert(self.key(), Drag { id: rectangle.id, handle, start: place, pen });
        if let Some(begin) = self.suites.param.paramEditBegin {
            // SAFETY: a host function with the live set of this instance and a text that is never freed.
            unsafe { begin(self.reader.set, EDIT.as_ptr()) };
        }
        self.redraw();
        kOfxStatOK
    }

    fn pen_motion(&self) -> OfxStatus {
        self.show_status();
        if let (true, Some(pen)) = (self.picks(), self.pen()) {
            PENS.lock().insert(self.key(), pen);
            self.redraw();
        }
        let drag = DRAGS.lock().get(&self.key()).cloned();
        let Some(drag) = drag else { return kOfxStatReplyDefault };
        self.follow(&drag);
        kOfxStatOK
    }

    fn pen_up(&self) -> OfxStatus {
        let drag = DRAGS.lock().get(&self.key()).cloned();
        let Some(drag) = drag else { return kOfxStatReplyDefault };
        self.follow(&drag);
        self.end_drag();
        self.redraw();
        kOfxStatOK
    }

    /// A render may not write its words; a pen in the viewer, where its picture is, may.
    fn show_status(&self) {
        if !self.reader.set.is_null() {
            status::show_between(self.effect, &self.reader);
        }
    }

    /// Lets the rectangle follow the pen.
    fn follow(&self, drag: &Drag) {
        let Some([x, y]) = self.pen() else { return };
        let place = drag.start.moved(drag.handle, [x - drag.pen[0], y - drag.pen[1]]);
        self.reader.write_place(&drag.id, [place.corner, place.size]);
    }

    /// Forgets the drag of this interact and closes its undo step.
    fn end_drag(&self) {
        let held = DRAGS.lock().remove(&self.key()).is_some();
        let end = self.suites.param.paramEditEnd.filter(|_| held && !self.reader.set.is_null());
        if let Some(end) = end {
            // SAFETY: a host function with the live set of this instance.
            unsafe { end(self.reader.set) };
        }
    }

    /// Asks for a new drawing, where nothing but the colour changed.
    fn redraw(&self) {
        if let Some(redraw) = self.suites.interact.and_then(|suite| suite.interactRedraw) {
            // SAFETY: a host function with a live interact.
            unsafe { redraw(self.interact) };
        }
    }
}
