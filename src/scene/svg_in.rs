//! SVG file to scene, through `usvg`: transforms, CSS, shapes, strokes and `use` are resolved, what a scene cannot
//! hold is reported.
//!
//! Input: the bytes of an SVG file, trusted in nothing. Output: a valid [`Scene`] in canvas pixels and a [`Notice`]
//! for everything that was left out or replaced. Invariants: ids are unique in the scene; paths share a fill exactly
//! where the file gave the colour through one CSS rule or one inherited attribute (`source`); no file is opened and
//! nothing is fetched. Determinism: document order only. Cost: one XML pass of our own (`prepare`, `guard`), `usvg`'s
//! parse, one walk of its tree (`collect`, `layers`), all on a thread whose stack is deep enough for
//! [`MAX_DEPTH`] nested elements.

mod collect;
mod guard;
mod layers;
mod outline;
mod prepare;
mod source;

use crate::fault::Fault;
use std::fmt;

use super::{Scene, SceneError};

/// Largest file that is read, in bytes.
pub const MAX_BYTES: usize = 128 << 20;
/// Most elements after every `use` and every reference is followed.
pub const MAX_ELEMENTS: u64 = 4_000_000;
/// Deepest nesting of elements and references.
pub const MAX_DEPTH: u32 = 1_000;
/// Most cubic segments in the scene, outlines of strokes included.
pub const MAX_SEGMENTS: usize = 4_000_000;
/// Longest side of the canvas, in pixels.
pub const MAX_SIDE_PX: f32 = 65_536.0;
/// Furthest coordinate from the origin, in pixels; beyond it a float no longer resolves a pixel.
pub const MAX_COORDINATE_PX: f32 = 8_388_608.0;

/// `MAX_DEPTH` levels of the parser's recursion in an unoptimised build, with room to spare; only touched pages count.
const STACK_BYTES: usize = 256 << 20;

/// Something in the file that a scene of filled paths cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feature {
    /// Linear or radial gradient as a fill or a stroke.
    Gradient,
    /// Pattern as a fill or a stroke.
    Pattern,
    /// Raster or nested picture.
    Image,
    /// Text; fonts differ between machines.
    Text,
    /// An element that holds foreign content.
    Foreign,
    /// Filter effect.
    Filter,
    /// Mask.
    Mask,
    /// Clip path or the border of a nested viewport.
    ClipPath,
    /// Blend mode other than normal.
    BlendMode,
    /// Opacity of a group inside a group that has an opacity.
    NestedOpacity,
    /// An element with `display: none`.
    Hidden,
    /// A path whose points are not finite or too far away.
    Coordinates,
}

/// One thing that was not taken over as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Id of the element, generated when it had none.
    pub id: String,
    /// What could not be kept.
    pub feature: Feature,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, instead) = match self.feature {
            Feature::Gradient => ("gradient", "replaced by its mean colour"),
            Feature::Pattern => ("pattern", "the paint was left out"),
            Feature::Image => ("image", "left out; vectorize it first"),
            Feature::Text => ("text", "left out; convert it to outlines first"),
            Feature::Foreign => ("foreign content", "left out"),
            Feature::Filter => ("filter", "left out; its shapes are kept"),
            Feature::Mask => ("mask", "left out; its shapes are kept whole"),
            Feature::ClipPath => ("clip path", "left out; its shapes are kept whole"),
            Feature::BlendMode => ("blend mode", "drawn with normal blending"),
            Feature::NestedOpacity => ("opacity of nested groups", "multiplied into the inner group"),
            Feature::Hidden => ("hidden element", "left out"),
            Feature::Coordinates => ("coordinates", "left out: not finite or too far away"),
        };
        write!(f, "{}: {what}: {instead}", self.id)
    }
}

/// Why a file did not become a scene.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SvgError {
    /// The file is compressed.
    #[error("the file is gzip-compressed (.svgz); unpack it first, for instance with `gunzip -S .svgz FILE`")]
    Compressed,
    /// The file is too large.
    #[error("the file has {bytes} bytes; at most {MAX_BYTES} are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The file is not text.
    #[error("the file is not UTF-8 text: byte {offset} is invalid; save it as UTF-8")]
    NotUtf8 {
        /// Offset of the first bad byte.
        offset: usize,
    },
    /// The file is not well-formed XML or has no `svg` root.
    #[error("the file is not a well-formed SVG: {reason}")]
    Malformed {
        /// The parser's words, with line and column.
        reason: String,
    },
    /// Width, height or viewBox are missing, zero or negative.
    #[error("the picture has no size: `width`, `height` and `viewBox` must be positive numbers")]
    NoSize,
    /// The canvas is too large.
    #[error("the canvas is {width} x {height} pixels; at most {MAX_SIDE_PX} a side: scale `width` and `height` down")]
    Canvas {
        /// Width in pixels.
        width: f32,
        /// Height in pixels.
        height: f32,
    },
    /// Elements or references are nested too deeply.
    #[error("elements are nested {depth} deep; at most {MAX_DEPTH} are followed")]
    TooDeep {
        /// Depth found.
        depth: u32,
    },
    /// Too many elements once references are followed.
    #[error("the file unfolds to {elements} elements or more; at most {MAX_ELEMENTS} are drawn")]
    TooManyElements {
        /// Elements found.
        elements: u64,
    },
    /// Matching style rules against elements would take too long.
    #[error("{rules} style rules for {elements} elements are too many to match; inline the styles")]
    TooManyRules {
        /// Rules in the style sheets.
        rules: usize,
        /// Elements in the file.
        elements: usize,
    },
    /// An element refers to itself.
    #[error("element `{id}` refers to itself, directly or through others")]
    Cycle {
        /// An id on the cycle, or the element's name.
        id: String,
    },
    /// A radius or a stroke width is absurd.
    #[error("element `{id}`: `{attribute}` holds a number that is too large to draw")]
    Number {
        /// Its id, or the element's name.
        id: String,
        /// The attribute.
        attribute: String,
    },
    /// Too many curves.
    #[error("the picture has more than {MAX_SEGMENTS} curve segments; simplify it first")]
    TooManySegments,
    /// The scene came out invalid.
    #[error(transparent)]
    Scene(#[from] SceneError),
    /// The SVG library or a thread failed.
    #[error("the SVG library failed on this file ({reason}); please report the file")]
    Internal {
        /// What is known.
        reason: String,
    },
}

impl SvgError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        Fault::Work
    }
}

/// Reads an SVG file: closed cubic paths in canvas pixels, in groups, with their fills.
///
/// The canvas is the picture's size in CSS pixels (96 dpi) with the viewBox applied. Top-level groups keep their ids
/// and opacity, deeper ones are dissolved into them; strokes become paths of their own named `<id>-stroke`; open
/// subpaths are closed as filling closes them; lines and quadratics become cubics. Elements without an id get one
/// (`path-1`, `group-1`), copies made by `use` get the original's with `-2`, `-3`.
/// Cost: about twice what `usvg` takes alone, most of it matching elements with style rules.
///
/// # Errors
/// [`SvgError`]: unreadable, malformed or hostile files. What can be read but not kept is a [`Notice`] instead.
pub fn scene_from_svg(svg: &[u8]) -> Result<(Scene, Vec<Notice>), SvgError> {
    let text = utf8_from_bytes(svg)?;
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new().name("svg".to_owned()).stack_size(STACK_BYTES);
        let handle = reader
            .spawn_scoped(scope, || scene_from_text(text))
            .map_err(|error| SvgError::Internal { reason: format!("cannot start a thread: {error}") })?;
        handle.join().unwrap_or_else(|panic| Err(SvgError::Internal { reason: message_of(panic.as_ref()) }))
    })
}

fn utf8_from_bytes(svg: &[u8]) -> Result<&str, SvgError> {
    if svg.starts_with(&[0x1f, 0x8b]) {
        return Err(SvgError::Compressed);
    }
    if svg.len() > MAX_BYTES {
        return Err(SvgError::TooLarge { bytes: svg.len() });
    }
    std::str::from_utf8(svg).map_err(|error| SvgError::NotUtf8 { offset: error.valid_up_to() })
}

fn scene_from_text(text: &str) -> Result<(Scene, Vec<Notice>), SvgError> {
    let prepared = prepare::prepare(text)?;
    let tree = usvg::Tree::from_str(&prepared.text, &closed_options()).map_err(error_from_usvg)?;
    let (width, height) = (tree.size().width(), tree.size().height());
    if width > MAX_SIDE_PX || height > MAX_SIDE_PX {
        return Err(SvgError::Canvas { width, height });
    }
    let mut notices = prepared.notices;
    let hidden = prepared.sources.hidden.iter().cloned();
    notices.extend(hidden.map(|id| Notice { id, feature: Feature::Hidden }));
    let layers = collect::collect(&tree, &prepared.sources, &mut notices)?;
    let scene = layers::scene_from_layers(width, height, layers, &mut notices);
    scene.validate()?;
    Ok((scene, notices))
}

/// Options under which no `href` opens a file or decodes a picture.
fn closed_options() -> usvg::Options<'static> {
    usvg::Options {
        image_href_resolver: usvg::ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..usvg::Options::default()
    }
}

fn error_from_usvg(error: usvg::Error) -> SvgError {
    match error {
        usvg::Error::InvalidSize => SvgError::NoSize,
        usvg::Error::ElementsLimitReached => SvgError::TooManyElements { elements: MAX_ELEMENTS },
        usvg::Error::ParsingFailed(reason) => SvgError::Malformed { reason: reason.to_string() },
        other => SvgError::Malformed { reason: other.to_string() },
    }
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
