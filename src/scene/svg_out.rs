//! Scene to SVG file: groups, ids, shared fills as classes, metadata; reading it back gives the same scene.
//!
//! Input: a valid [`Scene`]. Output: the text of an SVG 1.1 file. Invariants: groups and paths keep their order; shared
//! fills stay shared; cubics that are straight to within a unit become lines. Coordinates are rounded to about a millionth of the canvas's longer
//! side (three decimals from 318 to 3162 pixels), colours to 8 bits a channel (off by at most 1/510), opacities to four
//! decimals: less than one step of an 8-bit picture at any size up to that of the canvas times a thousand.
//! Paths without contours are not written. Determinism: the same scene gives the same bytes. Cost: linear in points.

use std::fmt::Write as _;

use super::names::Names;
use super::{FillRule, Path, Rgba, Scene};

/// What the file says about its making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Title shown by viewers; empty: none.
    pub title: String,
    /// Key of what was made.
    pub job_hash: Option<String>,
    /// Seed of its random numbers.
    pub seed: Option<u64>,
    /// Hash of the encoder's weights.
    pub encoder_hash: Option<String>,
}

/// Writes `scene` as an SVG file. Cost: about 22 bytes and 2 microseconds a curve.
pub fn svg_from_scene(scene: &Scene, meta: &Metadata) -> String {
    let style = Style::new(scene);
    let mut svg = String::with_capacity(64 * scene.points.len() / 3 + 128 * scene.paths.len() + 1024);
    head(&mut svg, scene, meta);
    style.write_classes(&mut svg, scene);
    let digits = Digits::for_canvas(scene);
    let mut names = Names::default();
    for group in &scene.groups {
        let id = names.unique(non_empty(&group.id, "group"));
        push(&mut svg, format_args!("<g id=\"{}\"", Escaped(&id)));
        if let Some(opacity) = below_one(group.opacity) {
            push(&mut svg, format_args!(" opacity=\"{opacity}\""));
        }
        svg.push_str(">\n");
        let paths = scene.paths.get(super::as_usize(&group.paths)).unwrap_or_default();
        for path in paths.iter().filter(|path| !path.contours.is_empty()) {
            let id = names.unique(non_empty(&path.id, "path"));
            push(&mut svg, format_args!("<path id=\"{}\"", Escaped(&id)));
            style.write_paint(&mut svg, scene, path);
            svg.push_str(" d=\"");
            digits.write_path(&mut svg, scene, path);
            svg.push_str("\"/>\n");
        }
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

fn head(svg: &mut String, scene: &Scene, meta: &Metadata) {
    let (width, height) = (scene.width, scene.height);
    svg.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"");
    push(svg, format_args!(" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n"));
    if !meta.title.is_empty() {
        push(svg, format_args!("<title>{}</title>\n", Escaped(&meta.title)));
    }
    svg.push_str("<metadata><linocut:job xmlns:linocut=\"https://linocut.org/ns/1\"");
    push(svg, format_args!(" version=\"{}\"", env!("CARGO_PKG_VERSION")));
    if let Some(hash) = &meta.job_hash {
        push(svg, format_args!(" job=\"{}\"", Escaped(hash)));
    }
    if let Some(seed) = meta.seed {
        push(svg, format_args!(" seed=\"{seed}\""));
    }
    if let Some(hash) = &meta.encoder_hash {
        push(svg, format_args!(" encoder=\"{}\"", Escaped(hash)));
    }
    svg.push_str("/></metadata>\n");
}

/// Writing to a string cannot fail.
fn push(svg: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = svg.write_fmt(text);
}

fn non_empty<'a>(id: &'a str, otherwise: &'a str) -> &'a str {
    if id.is_empty() { otherwise } else { id }
}

/// Which fills are classes.
struct Style {
    /// For each fill the number of its class, counted by first use; `None` where at most one path has it.
    class_of_fill: Vec<Option<u32>>,
}

impl Style {
    fn new(scene: &Scene) -> Self {
        let written = || scene.paths.iter().filter(|path| !path.contours.is_empty()).map(|path| path.fill as usize);
        let mut uses = vec![0_u32; scene.fills.len()];
        for fill in written() {
            if let Some(count) = uses.get_mut(fill) {
                *count += 1;
            }
        }
        let (mut class_of_fill, mut next) = (vec![None; scene.fills.len()], 0);
        for fill in written() {
            if let (Some(class @ None), Some(2..)) = (class_of_fill.get_mut(fill), uses.get(fill)) {
                *class = Some(next);
                next += 1;
            }
        }
        Self { class_of_fill }
    }

    fn write_classes(&self, svg: &mut String, scene: &Scene) {
        let mut classes: Vec<_> = self.class_of_fill.iter().zip(&scene.fills).collect();
        classes.retain(|(class, _)| class.is_some());
        classes.sort_by_key(|(class, _)| **class);
        if classes.is_empty() {
            return;
        }
        svg.push_str("<style>\n");
        for (number, (_, rgba)) in classes.into_iter().enumerate() {
            push(svg, format_args!(".c{number}{{fill:{}", Hex(rgba)));
            if let Some(alpha) = below_one(rgba[3]) {
                push(svg, format_args!(";fill-opacity:{alpha}"));
            }
            svg.push_str("}\n");
        }
        svg.push_str("</style>\n");
    }

    fn write_paint(&self, svg: &mut String, scene: &Scene, path: &Path) {
        let rgba = scene.fills.get(path.fill as usize).copied().unwrap_or([0.0, 0.0, 0.0, 1.0]);
        match self.class_of_fill.get(path.fill as usize) {
            Some(Some(class)) => push(svg, format_args!(" class=\"c{class}\"")),
            _ => {
                push(svg, format_args!(" fill=\"{}\"", Hex(&rgba)));
                if let Some(alpha) = below_one(rgba[3]) {
                    push(svg, format_args!(" fill-opacity=\"{alpha}\""));
                }
            }
        }
        if path.rule == FillRule::EvenOdd {
            svg.push_str(" fill-rule=\"evenodd\"");
        }
    }
}

/// `opacity` to four decimals, or `None` where that is 1, the default.
fn below_one(opacity: f32) -> Option<Decimal> {
    let rounded = fixed(opacity.clamp(0.0, 1.0), 4);
    (rounded < 10_000).then_some(Decimal(rounded, 4))
}

/// Colour as `#rrggbb`.
struct Hex<'a>(&'a Rgba);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A float-to-integer cast saturates, and NaN becomes 0.
        let byte = |channel: f32| (channel * 255.0).round() as u8;
        let [red, green, blue, _] = *self.0;
        write!(f, "#{:02x}{:02x}{:02x}", byte(red), byte(green), byte(blue))
    }
}

/// Text inside an attribute or element. Characters that XML cannot hold become U+FFFD.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\t' | '\n' | '\r' => write!(f, "&#{};", u32::from(c))?,
                '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => f.write_str("\u{fffd}")?,
                _ => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// `value` in units of `10^-digits`.
fn fixed(value: f32, digits: u32) -> i64 {
    (f64::from(value) * 10_f64.powi(digits as i32)).round() as i64
}

/// A whole number of units of `10^-digits`, in the shortest form: no leading or trailing zero.
#[derive(Clone, Copy)]
struct Decimal(i64, u32);

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = 10_u64.pow(self.1);
        let (whole, mut fraction) = (self.0.unsigned_abs() / unit, self.0.unsigned_abs() % unit);
        if self.0 < 0 {
            f.write_char('-')?;
        }
        if whole > 0 || fraction == 0 {
            write!(f, "{whole}")?;
        }
        if fraction > 0 {
            let mut width = self.1 as usize;
            while fraction % 10 == 0 {
                fraction /= 10;
                width -= 1;
            }
            write!(f, ".{fraction:0width$}")?;
        }
        Ok(())
    }
}

/// How finely coordinates are written.
#[derive(Clone, Copy)]
struct Digits {
    digits: u32,
}

impl Digits {
    /// The unit nearest to a millionth of the longer side.
    fn for_canvas(scene: &Scene) -> Self {
        let side_px = f64::from(scene.width.max(scene.height));
        Self { digits: (1e6 / side_px).log10().round().clamp(1.0, 6.0) as u32 }
    }

    fn unit(self, point: [f32; 2]) -> [i64; 2] {
        point.map(|value| fixed(value, self.digits))
    }

    /// Path data: one absolute move a contour, relative segments on whole units so that errors never add up.
    fn write_path(self, svg: &mut String, scene: &Scene, path: &Path) {
        let mut data = Data { svg, digits: self.digits, command: ' ', tight: true, fractional: false };
        for contour in scene.contours_of(path) {
            let Some(&first) = contour.first() else { continue };
            let start = self.unit(first);
            data.command('M');
            data.point(start, [0, 0]);
            let count = contour.len() / 3;
            let mut from = start;
            for (index, segment) in contour.chunks_exact(3).enumerate() {
                let &[_, b, c] = segment else { continue };
                let next = contour.get(3 * index + 3).copied().unwrap_or(first);
                let (first_control, second_control, to) = (self.unit(b), self.unit(c), self.unit(next));
                if is_straight([from, first_control, second_control, to]) {
                    // `z` draws the last line, unless its length rounds to nothing and reading would lose it.
                    if index + 1 < count || from == to {
                        data.line(from, to);
                    }
                } else {
                    data.command('c');
                    data.point(first_control, from);
                    data.point(second_control, from);
                    data.point(to, from);
                }
                from = to;
            }
            data.command('z');
        }
    }
}

/// Whether a cubic, in whole units, is a line with controls at thirds, as near as rounding and floats of that size
/// allow. Deciding on the written numbers keeps lines lines and curves curves however often a file is rewritten.
fn is_straight([from, first, second, to]: [[i64; 2]; 4]) -> bool {
    (0..2).all(|axis| {
        let (a, d) = (from[axis] as f64, to[axis] as f64);
        let slack = 0.5 + 2.0 * f64::from(f32::EPSILON) * a.abs().max(d.abs());
        let off = |control: i64, near: f64, far: f64| (control as f64 - (2.0 * near + far) / 3.0).abs();
        off(first[axis], a, d) <= slack && off(second[axis], d, a) <= slack
    })
}

/// Path data in the making: knows what may be left out before the next token.
struct Data<'a> {
    svg: &'a mut String,
    digits: u32,
    command: char,
    /// Nothing has to separate the next number from what stands there.
    tight: bool,
    /// The number before has a decimal point, so that one beginning with a point needs no separator.
    fractional: bool,
}

impl Data<'_> {
    /// Repeated `c` and `l` are implied.
    fn command(&mut self, command: char) {
        if command == self.command && matches!(command, 'c' | 'l' | 'h' | 'v') {
            return;
        }
        self.svg.push(command);
        self.command = command;
        self.tight = true;
    }

    fn line(&mut self, from: [i64; 2], to: [i64; 2]) {
        match [to[0].saturating_sub(from[0]), to[1].saturating_sub(from[1])] {
            [dx, 0] => {
                self.command('h');
                self.number(dx);
            }
            [0, dy] => {
                self.command('v');
                self.number(dy);
            }
            _ => {
                self.command('l');
                self.point(to, from);
            }
        }
    }

    fn point(&mut self, point: [i64; 2], from: [i64; 2]) {
        self.number(point[0].saturating_sub(from[0]));
        self.number(point[1].saturating_sub(from[1]));
    }

    fn number(&mut self, value: i64) {
        let start = self.svg.len();
        push(self.svg, format_args!("{}", Decimal(value, self.digits)));
        let written = self.svg.get(start..).unwrap_or_default();
        let fractional = written.contains('.');
        let joins = self.tight || written.starts_with('-') || (written.starts_with('.') && self.fractional);
        if !joins {
            self.svg.insert(start, ' ');
        }
        self.tight = false;
        self.fractional = fractional;
    }
}
