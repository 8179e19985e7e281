//! Rectangles in a viewer: what the plug-in draws into it and what a pen does to them.
//!
//! The viewer's function tables live here; what they are told is kept a thread, so that tests do not see each other.

use super::mini::{Host, Layout, Manners, text};
use super::objects::{Effect, ParamValue, PropSet, Value};
use super::{EDIT, FILTER, VECTORIZE, connect, disc, quick, set, whole};
use openfx::sys::generic::core::*;
use openfx::sys::image_effect_v1::draw_suite::*;
use openfx::sys::image_effect_v1::image_effect::*;
use openfx::sys::image_effect_v1::interact::*;
use openfx::sys::image_effect_v1::param::*;
use openfx::sys::image_effect_v1::pixels::OfxRGBAColourF;
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};

/// What the plug-in asked the host for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Call {
    Begin,
    End,
    Write([f64; 2]),
    Line(Vec<[f64; 2]>),
    Filled(Vec<[f64; 2]>),
    Words(String),
}

thread_local! {
    static CALLS: RefCell<Vec<Call>> = const { RefCell::new(Vec::new()) };
}

fn note(call: Call) -> OfxStatus {
    CALLS.with_borrow_mut(|calls| calls.push(call));
    kOfxStatOK
}

/// What was asked for since the last time.
pub(super) fn calls() -> Vec<Call> {
    CALLS.take()
}

/// How many steps to undo were made since the last time.
pub(super) fn steps() -> usize {
    calls().iter().filter(|call| **call == Call::Begin).count()
}

pub(super) unsafe extern "C" fn edit_begin(_set: OfxParamSetHandle, _name: *const c_char) -> OfxStatus {
    note(Call::Begin)
}
pub(super) unsafe extern "C" fn edit_end(_set: OfxParamSetHandle) -> OfxStatus {
    note(Call::End)
}

/// Notes that a rectangle's corner or size was written.
pub(super) fn wrote(pair: [f64; 2]) {
    note(Call::Write(pair));
}

unsafe extern "C" fn own_properties(handle: OfxInteractHandle, out: *mut OfxPropertySetHandle) -> OfxStatus {
    unsafe { out.write((*handle.cast::<Viewer>()).props.handle()) };
    kOfxStatOK
}
unsafe extern "C" fn ignored(_handle: OfxInteractHandle) -> OfxStatus {
    kOfxStatOK
}

pub(super) static INTERACT: OfxInteractSuiteV1 = OfxInteractSuiteV1 {
    interactSwapBuffers: Some(ignored),
    interactRedraw: Some(ignored),
    interactGetPropertySet: Some(own_properties),
};

unsafe extern "C" fn colour(_: OfxDrawContextHandle, _: OfxStandardColour, _: *mut OfxRGBAColourF) -> OfxStatus {
    kOfxStatErrValue
}
unsafe extern "C" fn set_colour(context: OfxDrawContextHandle, colour: *const OfxRGBAColourF) -> OfxStatus {
    assert!(!context.is_null() && unsafe { (*colour).a } == 1.0);
    kOfxStatOK
}
unsafe extern "C" fn draw(
    _context: OfxDrawContextHandle,
    primitive: OfxDrawPrimitive,
    points: *const OfxPointD,
    count: c_int,
) -> OfxStatus {
    let points = unsafe { std::slice::from_raw_parts(points, count as usize) };
    let points = points.iter().map(|point| [point.x, point.y]).collect::<Vec<_>>();
    assert!(points.iter().flatten().all(|at| at.is_finite()), "{points:?}");
    note(if primitive == kOfxDrawPrimitiveLineLoop { Call::Line(points) } else { Call::Filled(points) })
}
unsafe extern "C" fn words(
    _context: OfxDrawContextHandle,
    text: *const c_char,
    _at: *const OfxPointD,
    _alignment: c_int,
) -> OfxStatus {
    note(Call::Words(unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned()))
}

pub(super) static DRAW: OfxDrawSuiteV1 = OfxDrawSuiteV1 {
    getColour: Some(colour),
    setColour: Some(set_colour),
    setLineWidth: None,
    setLineStipple: None,
    draw: Some(draw),
    drawText: Some(words),
};

type Entry =
    unsafe extern "C" fn(*const c_char, *const c_void, OfxPropertySetHandle, OfxPropertySetHandle) -> OfxStatus;

/// A viewer with one interact of one instance.
struct Viewer {
    props: PropSet,
    entry: Entry,
    effect: Box<Effect>,
}

/// The interact that a descriptor names.
fn entry_of(descriptor: &Effect, version: &CStr) -> Option<Entry> {
    match descriptor.props.all(version).as_slice() {
        // SAFETY: the plug-in promises an entry point there.
        [Value::Pointer(entry)] => {
            Some(unsafe { std::mem::transmute::<*const c_void, Entry>(*entry as *const c_void) })
        }
        _ => None,
    }
}

impl Viewer {
    /// A viewer of a new Prompt Edit with region 2 switched on, at 100, 50 with a size of 60 by 40.
    fn new(host: &Host) -> Box<Self> {
        let (_, descriptor) = host.described(EDIT, FILTER);
        let entry = entry_of(&descriptor, kOfxImageEffectPluginPropOverlayInteractV1).unwrap();
        let effect = descriptor.instance();
        place(&effect, "region2", [100.0, 50.0], [60.0, 40.0]);
        let props = PropSet::default().with(kOfxPropEffectInstance, [Value::Pointer(effect.handle() as usize)]);
        let viewer = Box::new(Self { props, entry, effect });
        assert_eq!(viewer.act(kOfxActionDescribe, [0.0; 2]), kOfxStatOK);
        assert_eq!(viewer.act(kOfxActionCreateInstance, [0.0; 2]), kOfxStatOK);
        calls();
        viewer
    }

    fn act(&self, action: &CStr, pen: [f64; 2]) -> OfxStatus {
        self.act_at_scale(action, pen, [1.0, 1.0])
    }

    fn act_at_scale(&self, action: &CStr, pen: [f64; 2], scale: [f64; 2]) -> OfxStatus {
        let mut context = 0_u8;
        let arguments = PropSet::default()
            .with(kOfxPropEffectInstance, [Value::Pointer(self.effect.handle() as usize)])
            .with(kOfxPropTime, [Value::Double(3.0)])
            .with(kOfxInteractPropPixelScale, scale.map(Value::Double))
            .with(kOfxInteractPropPenPosition, pen.map(Value::Double))
            .with(kOfxInteractPropDrawContext, [Value::Pointer(&raw mut context as usize)]);
        let handle = std::ptr::from_ref(self).cast();
        // SAFETY: handles are live boxes of this host.
        unsafe { (self.entry)(action.as_ptr(), handle, arguments.handle(), std::ptr::null_mut()) }
    }

    /// The corner and the size of `id`.
    fn place(&self, id: &str) -> [[f64; 2]; 2] {
        ["BottomLeft", "Size"].map(|part| {
            let name = CString::new(format!("{id}{part}")).unwrap();
            let [mut x, mut y] = [f64::NAN; 2];
            let param = self.effect.param(&name).unwrap();
            // SAFETY: pairs are read through two pointers to double.
            unsafe { param.write_value(3.0, [(&raw mut x).cast(), (&raw mut y).cast(), std::ptr::null_mut()]) };
            [x, y]
        })
    }

    /// Presses at `from`, moves over half the way to `to` and lets go there; what the host was asked for.
    fn drag(&self, from: [f64; 2], to: [f64; 2]) -> Vec<Call> {
        let half = [0, 1].map(|axis| f64::midpoint(from[axis], to[axis]));
        for (action, pen) in
            [(kOfxInteractActionPenDown, from), (kOfxInteractActionPenMotion, half), (kOfxInteractActionPenUp, to)]
        {
            assert_eq!(self.act(action, pen), kOfxStatOK, "{action:?} at {pen:?}");
        }
        calls()
    }
}

/// Switches the rectangle `id` on.
fn place(effect: &Effect, id: &str, corner: [f64; 2], size: [f64; 2]) {
    set(effect, &format!("{id}Enable"), ParamValue::Int(1));
    set(effect, &format!("{id}BottomLeft"), ParamValue::Pair(corner[0], corner[1]));
    set(effect, &format!("{id}Size"), ParamValue::Pair(size[0], size[1]));
}

/// One edit block around every write, and no other.
fn assert_one_step(calls: &[Call]) {
    assert!(matches!(calls, [Call::Begin, .., Call::End]), "{calls:?}");
    assert!(calls[1..calls.len() - 1].iter().all(|call| matches!(call, Call::Write(_))), "{calls:?}");
}

#[test]
fn only_hosts_with_a_viewer_and_nodes_with_rectangles_get_an_overlay() {
    let versions = [kOfxImageEffectPluginPropOverlayInteractV1, kOfxImageEffectPluginPropOverlayInteractV2];
    let offered = |manners: Manners, id: &str| {
        let host = Host::load(manners);
        let (_, descriptor) = host.described(id, FILTER);
        versions.map(|version| entry_of(&descriptor, version).is_some())
    };
    assert_eq!(offered(Manners::default(), EDIT), [true, true]);
    assert_eq!(offered(Manners::default(), "org.linocut.Recolor"), [true, true]);
    assert_eq!(offered(Manners::default(), VECTORIZE), [false, false], "no rectangles");
    assert_eq!(offered(Manners { viewer: false, ..Manners::default() }, EDIT), [false, false], "no overlays");
    assert_eq!(offered(Manners { background: true, ..Manners::default() }, EDIT), [false, false], "nobody looks");
    let refuses = Some("SupportsOverlays");
    assert_eq!(offered(Manners { refuses, ..Manners::default() }, EDIT), [false, false], "the host does not say");
    let lacks = vec![kOfxDrawSuite];
    assert_eq!(offered(Manners { lacks, ..Manners::default() }, EDIT), [true, false], "no draw suite");
}

#[test]
fn a_rectangle_is_drawn_while_it_is_switched_on_and_rectangles_are_shown() {
    let host = Host::load(Manners::default());
    let viewer = Viewer::new(&host);
    let slaves = viewer.props.all(kOfxInteractPropSlaveToParam);
    for name in [c"interactive", c"onlyEnable", c"region1BottomLeft", c"region8Size"] {
        assert!(slaves.contains(&Value::Text(name.to_owned())), "{name:?} is not followed");
    }
    let drawn = |scale: [f64; 2]| {
        let status = viewer.act_at_scale(kOfxInteractActionDraw, [0.0; 2], scale);
        (status, calls())
    };
    let (status, calls) = drawn([1.0, 1.0]);
    assert_eq!(status, kOfxStatOK);
    let outline = Call::Line(vec![[100.0, 50.0], [160.0, 50.0], [160.0, 90.0], [100.0, 90.0]]);
    assert!(calls.contains(&outline), "{calls:?}");
    let said = |calls: &[Call], text: &str| calls.contains(&Call::Words(text.to_owned()));
    assert!(said(&calls, "2") && said(&calls, "60 x 40 at 100, 50"), "name and numbers: {calls:?}");
    assert!(!said(&calls, "Only shapes inside"));
    set(&viewer.effect, "region2Prompt", text("a star"));
    assert!(said(&drawn([1.0, 1.0]).1, "2: a star"), "the region's own words");
    set(&viewer.effect, "region2Prompt", text(""));
    let squares = |calls: &[Call]| {
        let side = |points: &Vec<[f64; 2]>| points[1][0] - points[0][0];
        calls
            .iter()
            .filter_map(|call| if let Call::Filled(points) = call { Some(side(points)) } else { None })
            .collect()
    };
    let near: Vec<f64> = squares(&calls);
    assert_eq!(near, [7.0; 18], "nine handles and their shadows");
    let (_, far) = drawn([4.0, 4.0]);
    assert_eq!(squares(&far), vec![28.0; 18], "as large on the screen at a quarter of the zoom");
    for scale in [[f64::NAN, 0.0], [f64::INFINITY, -1.0]] {
        assert_eq!(drawn(scale), (kOfxStatOK, calls.clone()), "a scale of {scale:?}");
    }
    place(&viewer.effect, "only", [0.0, 0.0], [400.0, 300.0]);
    let words = drawn([1.0, 1.0]).1.into_iter().filter(|call| matches!(call, Call::Words(_))).collect::<Vec<_>>();
    let wanted = ["Only shapes inside", "400 x 300 at 0, 0", "2", "60 x 40 at 100, 50"];
    assert_eq!(words, wanted.map(|word| Call::Words(word.to_owned())), "the lowest first");
    set(&viewer.effect, "interactive", ParamValue::Int(0));
    assert_eq!(drawn([1.0, 1.0]), (kOfxStatReplyDefault, Vec::new()), "hidden");
    assert_eq!(viewer.act(kOfxInteractActionPenDown, [100.0, 50.0]), kOfxStatReplyDefault, "hidden handles");
    set(&viewer.effect, "interactive", ParamValue::Int(1));
    for id in ["only", "region2"] {
        set(&viewer.effect, &format!("{id}Enable"), ParamValue::Int(0));
    }
    assert_eq!(drawn([1.0, 1.0]), (kOfxStatReplyDefault, Vec::new()), "switched off");
}

#[test]
fn dragging_a_handle_moves_its_sides_in_one_undo_step() {
    let host = Host::load(Manners::default());
    let cases = [
        ("a corner", [162.0, 91.0], [182.0, 71.0], [[100.0, 50.0], [80.0, 20.0]]),
        ("the other corner", [100.0, 50.0], [90.0, 60.0], [[90.0, 60.0], [70.0, 30.0]]),
        ("an edge", [100.0, 70.0], [110.0, 100.0], [[110.0, 50.0], [50.0, 40.0]]),
        ("an edge beyond the opposite one", [160.0, 70.0], [80.0, 70.0], [[80.0, 50.0], [20.0, 40.0]]),
        ("the centre", [130.0, 70.0], [30.0, 75.0], [[0.0, 55.0], [60.0, 40.0]]),
    ];
    for (what, from, to, wanted) in cases {
        let viewer = Viewer::new(&host);
        let calls = viewer.drag(from, to);
        assert_eq!(viewer.place("region2"), wanted, "{what}");
        assert_one_step(&calls);
        assert_eq!(viewer.act(kOfxInteractActionPenMotion, [0.0; 2]), kOfxStatReplyDefault, "{what}: let go");
    }
    let viewer = Viewer::new(&host);
    let writes = viewer.drag([160.0, 70.0], [200.0, 70.0]);
    assert_eq!(writes.len(), 4, "the right edge changes the size alone, once a motion: {writes:?}");
}

#[test]
fn the_highest_rectangle_under_the_pen_is_taken() {
    let host = Host::load(Manners::default());
    let viewer = Viewer::new(&host);
    for id in ["only", "region1", "region7"] {
        place(&viewer.effect, id, [100.0, 50.0], [60.0, 40.0]);
    }
    viewer.drag([100.0, 50.0], [95.0, 45.0]);
    let places = ["only", "region1", "region2", "region7"].map(|id| viewer.place(id));
    let (still, moved) = ([[100.0, 50.0], [60.0, 40.0]], [[95.0, 45.0], [65.0, 45.0]]);
    assert_eq!(places, [still, still, still, moved]);
}

#[test]
fn what_is_not_ours_is_left_to_the_host() {
    let host = Host::load(Manners::default());
    let viewer = Viewer::new(&host);
    let pens = [[115.0, 60.0], [300.0, 300.0], [f64::NAN, 50.0], [f64::INFINITY, f64::NEG_INFINITY]];
    for pen in pens {
        for action in [kOfxInteractActionPenDown, kOfxInteractActionPenMotion, kOfxInteractActionPenUp] {
            assert_eq!(viewer.act(action, pen), kOfxStatReplyDefault, "{action:?} at {pen:?}");
        }
    }
    for action in [kOfxInteractActionGainFocus, kOfxInteractActionKeyDown, c"OfxInteractActionOfTomorrow"] {
        assert_eq!(viewer.act(action, [100.0, 50.0]), kOfxStatReplyDefault, "{action:?}");
    }
    assert_eq!(calls(), [], "nothing was touched");
}

#[test]
fn numbers_that_are_none_move_nothing() {
    let host = Host::load(Manners::default());
    let viewer = Viewer::new(&host);
    assert_eq!(viewer.act(kOfxInteractActionPenDown, [160.0, 90.0]), kOfxStatOK);
    for wild in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(viewer.act(kOfxInteractActionPenMotion, [wild, 90.0]), kOfxStatOK, "still held");
        assert_eq!(viewer.place("region2"), [[100.0, 50.0], [60.0, 40.0]], "{wild}");
    }
    assert_eq!(viewer.act(kOfxInteractActionPenUp, [f64::NAN, f64::NAN]), kOfxStatOK);
    assert_eq!(calls(), [Call::Begin, Call::End], "the step is closed");
    place(&viewer.effect, "region2", [f64::NAN, 0.0], [1.0, f64::INFINITY]);
    assert_eq!(viewer.act(kOfxInteractActionDraw, [0.0; 2]), kOfxStatReplyDefault, "nowhere");
}

#[test]
fn a_drag_that_the_host_forgets_is_one_step_all_the_same() {
    let host = Host::load(Manners::default());
    let viewer = Viewer::new(&host);
    let press = || viewer.act(kOfxInteractActionPenDown, [100.0, 50.0]);
    assert_eq!((press(), press()), (kOfxStatOK, kOfxStatOK), "pressed twice");
    assert_eq!(viewer.act(kOfxInteractActionLoseFocus, [0.0; 2]), kOfxStatReplyDefault);
    assert_eq!(viewer.act(kOfxInteractActionPenMotion, [0.0; 2]), kOfxStatReplyDefault, "let go");
    assert_eq!(calls(), [Call::Begin, Call::End, Call::Begin, Call::End]);
}

#[test]
fn a_viewer_without_the_draw_or_the_interact_suite_survives() {
    for lacks in [vec![kOfxDrawSuite], vec![kOfxDrawSuite, kOfxInteractSuite]] {
        let host = Host::load(Manners { lacks: lacks.clone(), ..Manners::default() });
        let viewer = Viewer::new(&host);
        // A process without OpenGL: nothing is drawn.
        assert_eq!(viewer.act(kOfxInteractActionDraw, [0.0; 2]), kOfxStatReplyDefault, "{lacks:?}");
        assert_one_step(&viewer.drag([130.0, 70.0], [140.0, 70.0]));
        assert_eq!(viewer.place("region2"), [[110.0, 50.0], [60.0, 40.0]], "{lacks:?}");
    }
}

#[test]
fn a_hundred_viewers_leave_nothing() {
    let host = Host::load(Manners::default());
    let viewer = Viewer::new(&host);
    for _ in 0..100 {
        assert_eq!(viewer.act(kOfxActionCreateInstance, [0.0; 2]), kOfxStatOK);
        assert_eq!(viewer.act(kOfxInteractActionPenDown, [100.0, 50.0]), kOfxStatOK);
        assert_eq!(viewer.act(kOfxActionDestroyInstance, [0.0; 2]), kOfxStatOK);
        assert_eq!(calls(), [Call::Begin, Call::End], "a drag ends with its viewer");
        assert_eq!(viewer.act(kOfxInteractActionPenMotion, [0.0; 2]), kOfxStatReplyDefault, "nothing is held");
    }
    assert_eq!(viewer.place("region2"), [[100.0, 50.0], [60.0, 40.0]]);
}

#[test]
fn a_region_is_put_around_the_shape_under_the_pen() {
    let host = Host::load(Manners::default());
    let viewer = Viewer::new(&host);
    let (node, _) = host.described(EDIT, FILTER);
    quick(&viewer.effect, "a green disc");
    set(&viewer.effect, "mode", ParamValue::Int(1));
    let output = connect(&viewer.effect, &Layout::default(), &disc());
    set(&viewer.effect, "region2Enable", ParamValue::Int(0));
    set(&viewer.effect, "region1Enable", ParamValue::Int(0));
    assert_eq!(node.render(&viewer.effect, 3.0, whole(&output)), kOfxStatOK, "{:?}", viewer.effect.messages);
    // Left of the disc's middle, which the tracing cuts into bands of light.
    let pen = [14.0, 21.0];
    assert_eq!(viewer.act(kOfxInteractActionPenMotion, pen), kOfxStatReplyDefault, "nothing is picked unasked");
    assert_eq!(viewer.act(kOfxInteractActionPenDown, pen), kOfxStatReplyDefault);
    set(&viewer.effect, "pickRegion", ParamValue::Int(1));
    viewer.act(kOfxInteractActionPenMotion, pen);
    calls();
    assert_eq!(viewer.act(kOfxInteractActionDraw, pen), kOfxStatOK);
    let lines = calls().into_iter().filter_map(|call| if let Call::Line(points) = call { Some(points) } else { None });
    let outline = lines.flatten().collect::<Vec<_>>();
    assert!(outline.len() > 8, "the outline of the shape: {outline:?}");
    let least = |axis: usize| outline.iter().map(|point| point[axis]).fold(f64::MAX, f64::min);
    let most = |axis: usize| outline.iter().map(|point| point[axis]).fold(f64::MIN, f64::max);
    assert_eq!(viewer.act(kOfxInteractActionPenDown, pen), kOfxStatOK);
    assert_one_step(&calls());
    let [[left, bottom], [width, height]] = viewer.place("region1");
    let found = [left, bottom, left + width, bottom + height];
    let wanted = [least(0), least(1), most(0), most(1)];
    assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?} is not around {wanted:?}");
    assert!((left..left + width).contains(&pen[0]) && (bottom..bottom + height).contains(&pen[1]), "{found:?}");
    assert!(width < 32.0 && height < 32.0, "a part of the disc, not of the ground: {found:?}");
    let known = |name: &CStr| viewer.effect.param(name).unwrap().known_at(0.0);
    assert_eq!((known(c"region1Enable"), known(c"pickRegion")), ("Some(Int(1))".to_owned(), "Some(Int(0))".to_owned()));
}
