//! A word and a font to a scene: one filled path a letter, ready for shape optimisation (Word-As-Image, SIGGRAPH 2023).
//!
//! Input: text, the bytes of a TrueType, OpenType/CFF or collection file, and [`TextOptions`]. Output: a [`Scene`] with
//! group `ground` (one rectangle) and group `letters` (paths `glyph-0-A`, `glyph-1-b`, … with non-zero rule, one
//! shared fill), fitted into the canvas. Invariants: lines run left to right and are centred; pair kerning of the font
//! is applied; a variable font is drawn at its default instance, a collection with its first face. Marks and
//! scripts that need shaping are set letter by letter. Determinism: plain arithmetic. Cost: microseconds a letter.

mod kerning;

use skrifa::charmap::Charmap;
use skrifa::metrics::GlyphMetrics;
use skrifa::outline::{DrawSettings, OutlineGlyph, OutlineGlyphCollection, OutlinePen};
use skrifa::prelude::{LocationRef, Size};
use skrifa::{FontRef, GlyphId, MetadataProvider};

use crate::fault::Fault;
use crate::scene::contours::{Contour, Contours, segments_of};
use crate::scene::{FillRule, GROUND, LETTERS, Rgba, Scene, SceneError};
use kerning::Kerning;

/// Longest text, in characters.
pub const MAX_CHARACTERS: usize = 1_000;
/// Most times that curves are split in two.
pub const MAX_SUBDIVISIONS: u32 = 4;
/// The ground reaches this far beyond the canvas, as vectorization's bottom rectangle does.
const BLEED_PX: f32 = 2.0;

/// How the letters are set.
#[derive(Clone, Debug, PartialEq)]
pub struct TextOptions {
    /// Canvas width in pixels.
    pub width_px: f32,
    /// Canvas height in pixels.
    pub height_px: f32,
    /// Free border on every side, in pixels.
    pub margin_px: f32,
    /// Colour of the letters.
    pub color: Rgba,
    /// Colour of the ground.
    pub ground: Rgba,
    /// How many times every curve is split in two, 0 to [`MAX_SUBDIVISIONS`]: more points give shape optimisation
    /// more freedom without changing the letters.
    pub subdivisions: u32,
}

impl Default for TextOptions {
    /// Black on white, 512 x 512 pixels, a border of 32.
    fn default() -> Self {
        Self {
            width_px: 512.0,
            height_px: 512.0,
            margin_px: 32.0,
            color: [0.0, 0.0, 0.0, 1.0],
            ground: [1.0; 4],
            subdivisions: 0,
        }
    }
}

/// Why a text did not become a scene.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TextError {
    /// No letter to draw.
    #[error("the text is empty: give at least one letter that leaves a mark")]
    Empty,
    /// Too much text.
    #[error("the text has {characters} characters; at most {MAX_CHARACTERS} are set")]
    TooLong {
        /// Characters given.
        characters: usize,
    },
    /// The options leave no room.
    #[error(
        "a canvas of {width_px} x {height_px} pixels with a margin of {margin_px} has no room for letters; \
         both sides must be larger than twice the margin"
    )]
    NoRoom {
        /// Canvas width.
        width_px: f32,
        /// Canvas height.
        height_px: f32,
        /// Margin.
        margin_px: f32,
    },
    /// Too many subdivisions.
    #[error("{subdivisions} subdivisions are too many; at most {MAX_SUBDIVISIONS}")]
    Subdivisions {
        /// Number asked for.
        subdivisions: u32,
    },
    /// The file is not a font that can be read.
    #[error("the font cannot be read ({reason}); give a TrueType or OpenType file")]
    Font {
        /// The reader's words.
        reason: String,
    },
    /// The font has no such letter.
    #[error("the font has no letter {character:?} (U+{:04X}); use another font or text", u32::from(*.character))]
    Missing {
        /// The character.
        character: char,
    },
    /// The font's outline of a letter is broken.
    #[error("the font's outline of {character:?} is broken ({reason})")]
    Glyph {
        /// The character.
        character: char,
        /// The reader's words.
        reason: String,
    },
    /// The scene came out invalid.
    #[error(transparent)]
    Scene(#[from] SceneError),
}

impl TextError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        if let Self::Empty | Self::TooLong { .. } = self { Fault::Usage } else { Fault::Work }
    }
}

/// Sets `text` in `font` and fits it into the canvas; line breaks in `text` are kept.
///
/// # Errors
/// [`TextError`]: empty text, a letter that the font lacks, a broken font, no room.
pub fn scene_from_text(text: &str, font: &[u8], options: &TextOptions) -> Result<Scene, TextError> {
    check(text, options)?;
    let font = FontRef::from_index(font, 0).map_err(|error| TextError::Font { reason: error.to_string() })?;
    let letters = set_lines(text, &font)?;
    let ink = letters.iter().flat_map(|letter| &letter.contours).filter_map(|contour| bounds_of(contour));
    let ink = ink.reduce(joined);
    let canvas_from_font = fit(ink.ok_or(TextError::Empty)?, options)?;

    let mut scene = Scene::new(options.width_px, options.height_px);
    push_ground(&mut scene, options);
    scene.push_group(LETTERS.to_owned(), 1.0);
    let fill = scene.push_fill(options.color);
    for letter in letters {
        let contours: Vec<_> =
            letter.contours.iter().map(|contour| placed(contour, canvas_from_font, options)).collect();
        scene.push_path(letter.id, fill, FillRule::NonZero, &contours);
    }
    scene.validate()?;
    Ok(scene)
}

fn check(text: &str, options: &TextOptions) -> Result<(), TextError> {
    let &TextOptions { width_px, height_px, margin_px, subdivisions, .. } = options;
    let fits = |side: f32| side.is_finite() && side - 2.0 * margin_px > 0.0;
    if !(fits(width_px) && fits(height_px) && margin_px >= 0.0) {
        return Err(TextError::NoRoom { width_px, height_px, margin_px });
    }
    if subdivisions > MAX_SUBDIVISIONS {
        return Err(TextError::Subdivisions { subdivisions });
    }
    let characters = text.chars().count();
    if characters > MAX_CHARACTERS {
        return Err(TextError::TooLong { characters });
    }
    if text.trim().is_empty() { Err(TextError::Empty) } else { Ok(()) }
}

/// A letter in font units, y up, at its place on the line.
struct Letter {
    id: String,
    contours: Vec<Contour>,
}

/// Sets all lines, centred one below the other.
fn set_lines(text: &str, font: &FontRef<'_>) -> Result<Vec<Letter>, TextError> {
    let metrics = font.metrics(Size::unscaled(), LocationRef::default());
    let face = Face {
        em: f32::from(metrics.units_per_em.max(16)),
        charmap: font.charmap(),
        outlines: font.outline_glyphs(),
        advances: font.glyph_metrics(Size::unscaled(), LocationRef::default()),
        kerning: Kerning::new(font),
    };
    let pitch = metrics.ascent - metrics.descent + metrics.leading;
    let pitch = if pitch > 0.0 { pitch } else { 1.2 * face.em };
    let (mut letters, mut number) = (Vec::new(), 0);
    for (row, line) in text.lines().enumerate() {
        let first = letters.len();
        let width = set_line(line.trim_end(), &face, &mut number, &mut letters)?;
        for letter in letters.iter_mut().skip(first) {
            shift(&mut letter.contours, [-width / 2.0, -(row as f32) * pitch]);
        }
        number += 1;
    }
    Ok(letters)
}

/// What setting needs of a font, looked up once.
struct Face<'a> {
    /// Font units in an em.
    em: f32,
    charmap: Charmap<'a>,
    outlines: OutlineGlyphCollection<'a>,
    advances: GlyphMetrics<'a>,
    kerning: Kerning<'a>,
}

/// Sets one line from the origin and returns its width. `number` counts characters through the whole text.
fn set_line(line: &str, face: &Face<'_>, number: &mut usize, letters: &mut Vec<Letter>) -> Result<f32, TextError> {
    let (mut pen_x, mut before): (f32, Option<GlyphId>) = (0.0, None);
    for character in line.chars() {
        let glyph = face.charmap.map(character).filter(|glyph| glyph.to_u32() != 0);
        let glyph = glyph.ok_or(TextError::Missing { character })?;
        if let Some(before) = before {
            pen_x += face.kerning.between(before, glyph);
        }
        let outline = face.outlines.get(glyph).ok_or_else(|| TextError::Glyph {
            character,
            reason: "it has no outline, perhaps only a picture".to_owned(),
        })?;
        let mut contours = outline_of(&outline, character, face.em)?;
        if contours.iter().flatten().flatten().any(|value| !value.is_finite()) {
            return Err(TextError::Glyph { character, reason: "a coordinate is not finite".to_owned() });
        }
        if !contours.is_empty() {
            shift(&mut contours, [pen_x, 0.0]);
            letters.push(Letter { id: format!("glyph-{number}-{character}"), contours });
        }
        pen_x += face.advances.advance_width(glyph).filter(|advance| advance.is_finite()).unwrap_or(face.em);
        before = Some(glyph);
        *number += 1;
    }
    Ok(pen_x)
}

fn outline_of(outline: &OutlineGlyph<'_>, character: char, em: f32) -> Result<Vec<Contour>, TextError> {
    let mut pen = Pen(Contours::new(em));
    let settings = DrawSettings::unhinted(Size::unscaled(), LocationRef::default());
    let drawn = outline.draw(settings, &mut pen);
    drawn.map_err(|error| TextError::Glyph { character, reason: error.to_string() })?;
    Ok(pen.0.into_contours())
}

struct Pen(Contours);

impl OutlinePen for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.move_to([x, y]);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.0.line_to([x, y]);
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        self.0.quad_to([cx, cy], [x, y]);
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        self.0.cubic_to([cx0, cy0], [cx1, cy1], [x, y]);
    }

    fn close(&mut self) {
        self.0.close();
    }
}

fn shift(contours: &mut [Contour], by: [f32; 2]) {
    for point in contours.iter_mut().flatten() {
        *point = [point[0] + by[0], point[1] + by[1]];
    }
}

/// Left, bottom, right, top of the curves themselves, not of their controls.
fn bounds_of(contour: &[[f32; 2]]) -> Option<[f32; 4]> {
    // Not `Box2D::union`: it passes over boxes without area, such as those of upright and level lines.
    let boxes = segments_of(contour).map(|segment| segment.bounding_box());
    boxes.map(|area| [area.min.x, area.min.y, area.max.x, area.max.y]).reduce(joined)
}

/// The smallest rectangle (left, low, right, high) around two.
fn joined(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
    [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]
}

/// Scale and offset that centre `ink` (font units, y up) between the margins (pixels, y down).
fn fit(ink: [f32; 4], options: &TextOptions) -> Result<[f32; 3], TextError> {
    let room = [options.width_px - 2.0 * options.margin_px, options.height_px - 2.0 * options.margin_px];
    let size = [ink[2] - ink[0], ink[3] - ink[1]];
    let scale = (room[0] / size[0]).min(room[1] / size[1]);
    if !(scale.is_finite() && scale > 0.0) {
        return Err(TextError::Empty);
    }
    let left = options.width_px / 2.0 - scale * (ink[0] + ink[2]) / 2.0;
    let base = options.height_px / 2.0 + scale * (ink[1] + ink[3]) / 2.0;
    Ok([scale, left, base])
}

/// `contour` in canvas pixels, every curve split as often as asked.
fn placed(contour: &[[f32; 2]], [scale, left, base]: [f32; 3], options: &TextOptions) -> Contour {
    let on_canvas: Contour = contour.iter().map(|p| [left + scale * p[0], base - scale * p[1]]).collect();
    (0..options.subdivisions).fold(on_canvas, |contour, _| halved(&contour))
}

/// Splits every cubic at its middle by de Casteljau's construction; the curve stays the same.
fn halved(contour: &[[f32; 2]]) -> Contour {
    let mut finer = Contour::with_capacity(2 * contour.len());
    for segment in segments_of(contour) {
        let (first, second) = segment.split(0.5);
        for half in [first, second] {
            finer.extend([half.from, half.ctrl1, half.ctrl2].map(|p| [p.x, p.y]));
        }
    }
    finer
}

fn push_ground(scene: &mut Scene, options: &TextOptions) {
    let (right, bottom) = (options.width_px + BLEED_PX, options.height_px + BLEED_PX);
    let mut rectangle = Contours::new(right.max(bottom));
    rectangle.move_to([-BLEED_PX, -BLEED_PX]);
    for corner in [[right, -BLEED_PX], [right, bottom], [-BLEED_PX, bottom]] {
        rectangle.line_to(corner);
    }
    scene.push_group(GROUND.to_owned(), 1.0);
    let fill = scene.push_fill(options.ground);
    scene.push_path("ground-rectangle".to_owned(), fill, FillRule::NonZero, &rectangle.into_contours());
}
