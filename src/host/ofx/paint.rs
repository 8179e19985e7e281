//! Lines, squares and labels in a host's viewer.
//!
//! Input: points in canonical pixels. Output: calls of the host's draw suite, or of OpenGL 1.1 where the host lends its
//! context instead. Invariants: OpenGL is looked up in the running process, so nothing is linked and a host without it
//! is drawn nothing; its state is put back as it was. Cost: a call a line.

use super::letters;
use super::props::{Props, c_string};
use super::suites::Suites;
use super::sys::*;
use std::ffi::c_int;

/// What is drawn, as far as colour goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    /// Under a line, so that it is seen on any ground.
    Shadow,
    /// A rectangle.
    Line,
    /// The rectangle under the pen.
    Held,
    /// Words.
    Words,
}

impl Ink {
    fn standard(self) -> OfxStandardColour {
        match self {
            Self::Shadow => kOfxStandardColourOverlayBackground,
            Self::Line => kOfxStandardColourOverlayActive,
            Self::Held => kOfxStandardColourOverlaySelected,
            Self::Words => kOfxStandardColourOverlayText,
        }
    }

    /// Red, green, blue where the host has no colour for it; `suggested` is the host's for all lines.
    fn usual(self, suggested: Option<[f32; 3]>) -> [f32; 3] {
        match self {
            Self::Shadow => [0.0; 3],
            Self::Held => [1.0, 0.75, 0.1],
            Self::Line | Self::Words => suggested.unwrap_or([0.9; 3]),
        }
    }
}

/// Draws into one viewer during one draw action.
pub(super) struct Brush {
    way: Way,
    suggested: Option<[f32; 3]>,
}

enum Way {
    Suite(&'static OfxDrawSuiteV1, OfxDrawContextHandle),
    Gl(gl::Gl),
}

impl Brush {
    /// The host's draw suite where it hands out a context for it, else OpenGL; none where neither is there.
    /// `interact` are the interact's own properties.
    pub(super) fn new(arguments: &Props, interact: Option<&Props>, suites: Suites) -> Option<Self> {
        let context = arguments.pointer(kOfxInteractPropDrawContext).map(<*mut _>::cast);
        let way = match (suites.draw, context) {
            (Some(suite), Some(context)) => Way::Suite(suite, context),
            _ => Way::Gl(gl::Gl::find()?),
        };
        let channel = |index: c_int| {
            let value = interact?.double(kOfxInteractPropSuggestedColour, index)?;
            value.is_finite().then_some(value as f32)
        };
        let suggested = (|| Some([channel(0)?, channel(1)?, channel(2)?]))();
        if let Way::Gl(gl) = &way {
            gl.begin();
        }
        Some(Self { way, suggested })
    }

    /// The colour of what follows.
    pub(super) fn ink(&self, ink: Ink) {
        let [r, g, b] = ink.usual(self.suggested);
        match &self.way {
            Way::Suite(suite, context) => {
                let mut colour = OfxRGBAColourF { r, g, b, a: 1.0 };
                if let Some(get) = suite.getColour {
                    let mut own = colour;
                    // SAFETY: a host function with the context of this draw action and a place for the colour.
                    if unsafe { get(*context, ink.standard(), &raw mut own) } == kOfxStatOK {
                        colour = own;
                    }
                }
                if let Some(set) = suite.setColour {
                    // SAFETY: as above.
                    unsafe { set(*context, &raw const colour) };
                }
            }
            Way::Gl(gl) => gl.color([r, g, b]),
        }
    }

    /// A closed line through `points`.
    pub(super) fn outline(&self, points: &[[f64; 2]]) {
        match &self.way {
            Way::Suite(suite, context) => draw(suite, *context, kOfxDrawPrimitiveLineLoop, points),
            Way::Gl(gl) => gl.draw(gl::LINE_LOOP, points),
        }
    }

    /// A filled rectangle from the corner `low` to the corner `high`.
    pub(super) fn filled(&self, low: [f64; 2], high: [f64; 2]) {
        match &self.way {
            Way::Suite(suite, context) => draw(suite, *context, kOfxDrawPrimitiveRectangle, &[low, high]),
            Way::Gl(gl) => gl.draw(gl::QUADS, &[low, [high[0], low[1]], high, [low[0], high[1]]]),
        }
    }

    /// `words` with their top left at `at`; in strokes of `screen_px`, where the host cannot write.
    pub(super) fn words(&self, words: &str, [x, y]: [f64; 2], screen_px: [f64; 2]) {
        match &self.way {
            Way::Suite(suite, context) => {
                let (words, at) = (c_string(words), OfxPointD { x, y });
                let alignment = (kOfxDrawTextAlignmentLeft | kOfxDrawTextAlignmentTop) as c_int;
                if let Some(write) = suite.drawText {
                    // SAFETY: a host function with the context of this draw action, a C string and a point.
                    unsafe { write(*context, words.as_ptr(), &raw const at, alignment) };
                }
            }
            Way::Gl(gl) => {
                let unit = screen_px.map(|px| STROKE_SCREEN_PX * px);
                for line in letters::lines(words) {
                    let placed =
                        line.iter().map(|[along, up]| [x + along * unit[0], y + (up - letters::HEIGHT) * unit[1]]);
                    gl.draw(gl::LINE_STRIP, &placed.collect::<Vec<_>>());
                }
            }
        }
    }
}

impl Drop for Brush {
    fn drop(&mut self) {
        if let Way::Gl(gl) = &self.way {
            gl.end();
        }
    }
}

/// A unit of a letter of strokes, in screen pixels.
const STROKE_SCREEN_PX: f64 = 2.0;

fn draw(suite: &OfxDrawSuiteV1, context: OfxDrawContextHandle, primitive: OfxDrawPrimitive, points: &[[f64; 2]]) {
    let points = points.iter().map(|&[x, y]| OfxPointD { x, y }).collect::<Vec<_>>();
    if let Some(draw) = suite.draw {
        // SAFETY: a host function with the context of this draw action and as many points as it is told.
        unsafe { draw(context, primitive, points.as_ptr(), points.len() as c_int) };
    }
}

/// OpenGL 1.1 as the host has it loaded. Its calls take plain numbers and change nothing but the host's own context.
#[cfg(unix)]
mod gl {
    use std::ffi::{CStr, c_char, c_void};

    pub(super) const LINE_LOOP: u32 = 2;
    pub(super) const LINE_STRIP: u32 = 3;
    pub(super) const QUADS: u32 = 7;
    /// Colour, line and switches.
    const SAVED: u32 = 0x1 | 0x4 | 0x2000;
    const LIGHTING: u32 = 0x0B50;
    const TEXTURE_2D: u32 = 0x0DE1;
    const LINE_STIPPLE: u32 = 0x0B24;

    type OfMask = unsafe extern "C" fn(u32);
    type OfNothing = unsafe extern "C" fn();
    type OfColor = unsafe extern "C" fn(f32, f32, f32);
    type OfPoint = unsafe extern "C" fn(f64, f64);

    /// The functions that are needed, all of them there.
    pub(super) struct Gl {
        push: OfMask,
        pop: OfNothing,
        disable: OfMask,
        width: unsafe extern "C" fn(f32),
        color: OfColor,
        start: OfMask,
        vertex: OfPoint,
        stop: OfNothing,
    }

    unsafe extern "C" {
        /// Of the C library, which every program on Unix has.
        fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    }

    /// The libraries of the whole process.
    fn anywhere() -> *mut c_void {
        let number: isize = if cfg!(any(target_os = "linux", target_os = "android")) { 0 } else { -2 };
        std::ptr::without_provenance_mut(number.cast_unsigned())
    }

    /// One function; none where no library of the process has it.
    ///
    /// # Safety
    /// `F` must be the type of a pointer to the function `name`.
    unsafe fn function<F: Copy>(name: &CStr) -> Option<F> {
        const { assert!(size_of::<F>() == size_of::<*mut c_void>(), "a pointer to a function") };
        // SAFETY: a C function with a C string.
        let found = unsafe { dlsym(anywhere(), name.as_ptr()) };
        // SAFETY: not null and, as the caller promises, the address of a function of this type.
        (!found.is_null()).then(|| unsafe { std::mem::transmute_copy::<*mut c_void, F>(&found) })
    }

    impl Gl {
        /// Not kept: a host may load OpenGL after its first viewer.
        pub(super) fn find() -> Option<Self> {
            // SAFETY: the types are those of the OpenGL 1.1 standard.
            unsafe {
                Some(Self {
                    push: function(c"glPushAttrib")?,
                    pop: function(c"glPopAttrib")?,
                    disable: function(c"glDisable")?,
                    width: function(c"glLineWidth")?,
                    color: function(c"glColor3f")?,
                    start: function(c"glBegin")?,
                    vertex: function(c"glVertex2d")?,
                    stop: function(c"glEnd")?,
                })
            }
        }

        pub(super) fn begin(&self) {
            // SAFETY: plain numbers; the host made its context current for this draw action.
            unsafe {
                (self.push)(SAVED);
                for switch in [LIGHTING, TEXTURE_2D, LINE_STIPPLE] {
                    (self.disable)(switch);
                }
                (self.width)(1.0);
            }
        }

        pub(super) fn end(&self) {
            // SAFETY: as in `begin`.
            unsafe { (self.pop)() };
        }

        pub(super) fn color(&self, [r, g, b]: [f32; 3]) {
            // SAFETY: as in `begin`.
            unsafe { (self.color)(r, g, b) };
        }

        pub(super) fn draw(&self, primitive: u32, points: &[[f64; 2]]) {
            // SAFETY: as in `begin`; every start is followed by its stop.
            unsafe {
                (self.start)(primitive);
                for [x, y] in points {
                    (self.vertex)(*x, *y);
                }
                (self.stop)();
            }
        }
    }
}

/// Elsewhere only the draw suite draws.
#[cfg(not(unix))]
mod gl {
    pub(super) const LINE_LOOP: u32 = 2;
    pub(super) const LINE_STRIP: u32 = 3;
    pub(super) const QUADS: u32 = 7;

    /// Never there.
    pub(super) enum Gl {}

    impl Gl {
        pub(super) fn find() -> Option<Self> {
            None
        }

        pub(super) fn begin(&self) {
            match *self {}
        }

        pub(super) fn end(&self) {
            match *self {}
        }

        pub(super) fn color(&self, _: [f32; 3]) {
            match *self {}
        }

        pub(super) fn draw(&self, _: u32, _: &[[f64; 2]]) {
            match *self {}
        }
    }
}
