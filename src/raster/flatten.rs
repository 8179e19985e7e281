//! Cubics to lines, sorted into bands of rows.
//!
//! Input: a scene and a raster size. Output: per chunk of paths, its lines in raster space, grouped into runs of
//! one path and one band. Invariants: neighbouring lines share their vertex bit for bit, so contours close; every
//! line that can change a pixel or its derivative is in each band it touches, in curve order; lines above, below
//! or right of the canvas are gone. Determinism: chunks depend on the scene alone. Cost: 24 bytes and about 30
//! cycles a line; at most [`MAX_PARTS`] lines a cubic, whatever its coordinates.

use std::ops::Range;

use super::real::Real;
use super::{RasterError, Size};
use crate::scene::{Scene, as_usize};

/// Rows in a band: one task of the thread pool. 16 rows of a 512-pixel picture stay in the second-level cache.
pub(super) const BAND_ROWS: usize = 16;
/// Most lines a cubic may become.
pub(super) const MAX_PARTS: usize = 4096;
/// Coordinates are moved to this distance from the origin, in raster pixels, when they lie beyond it.
pub(super) const FAR_PX: f64 = 4_194_304.0;
/// A chunk of paths is closed once it holds this many cubics.
const CHUNK_CURVES: u32 = 512;

/// One line of a flattened cubic, in raster pixels.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Line<T> {
    /// Start, in the direction of the contour.
    pub from: [T; 2],
    /// End.
    pub to: [T; 2],
    /// Which cubic of the scene: its points are `3 curve ..= 3 curve + 2` and the chunk's `next_anchor`.
    pub curve: u32,
    /// Which part of the cubic: parameters `part / parts ..= (part + 1) / parts`.
    pub part: u16,
    /// Into how many parts the cubic was cut.
    pub parts: u16,
}

/// The lines of one path in one band.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// Index of the path in the scene.
    pub path: u32,
    /// Index of the band from the top.
    pub band: u32,
    /// The lines, as a range of [`Chunk::lines`].
    pub lines: Range<u32>,
}

/// Consecutive paths, flattened by one task.
#[derive(Debug, Default)]
pub(super) struct Chunk<T> {
    /// The paths, as a range of the scene's.
    pub paths: Range<u32>,
    /// Their control points, as a range of the scene's.
    pub points: Range<u32>,
    /// Lines, ordered by path, band, curve, part.
    pub lines: Vec<Line<T>>,
    /// Runs, ordered by path, band.
    pub runs: Vec<Run>,
    /// For each cubic of the chunk, the index of its last point in the scene.
    pub next_anchor: Vec<u32>,
    /// Number of lines before bands share some of them.
    pub line_count: u64,
    path_lines: Vec<Line<T>>,
    band_ends: Vec<u32>,
}

/// How the scene is laid on the pixel grid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid<T> {
    /// Raster pixels per canvas pixel, along x and y.
    pub scale: [T; 2],
    /// Columns.
    pub width_px: usize,
    /// Rows.
    pub height_px: usize,
    /// Largest distance between a cubic and its lines, in raster pixels.
    pub tolerance_px: T,
    /// Whether horizontal lines are kept: they cover nothing, but moving them does.
    pub keep_horizontal: bool,
}

impl<T: Real> Grid<T> {
    /// The grid of `size` for `scene`.
    pub(super) fn new(scene: &Scene, size: Size, tolerance_px: f64, keep_horizontal: bool) -> Self {
        let scale = |px: usize, canvas: f32| T::from_f64(px as f64 / f64::from(canvas));
        Self {
            scale: [scale(size.width_px, scene.width), scale(size.height_px, scene.height)],
            width_px: size.width_px,
            height_px: size.height_px,
            tolerance_px: T::from_f64(tolerance_px),
            keep_horizontal,
        }
    }

    /// Number of bands.
    pub(super) fn bands(&self) -> usize {
        self.height_px.div_ceil(BAND_ROWS)
    }

    fn raster_from_canvas(&self, [x, y]: [f32; 2]) -> [T; 2] {
        let far = T::from_f64(FAR_PX);
        let [scale_x, scale_y] = self.scale;
        [(T::of(x) * scale_x).within(-far, far), (T::of(y) * scale_y).within(-far, far)]
    }
}

/// Cuts the scene's paths into chunks of about [`CHUNK_CURVES`] cubics, reusing the buffers in `chunks`.
pub(super) fn chunk_paths<T: Real>(scene: &Scene, chunks: &mut Vec<Chunk<T>>) {
    let mut used = 0;
    let mut first = 0;
    let (mut start, mut end) = (0, 0);
    for (index, path) in scene.paths.iter().enumerate() {
        let contours = scene.contours.get(as_usize(&path.contours)).unwrap_or_default();
        end = contours.last().map_or(end, |contour| contour.end);
        let last = index + 1 == scene.paths.len();
        if last || end - start >= 3 * CHUNK_CURVES {
            if used == chunks.len() {
                chunks.push(Chunk::default());
            }
            if let Some(chunk) = chunks.get_mut(used) {
                chunk.paths = first..index as u32 + 1;
                chunk.points = start..end;
            }
            used += 1;
            (first, start) = (index as u32 + 1, end);
        }
    }
    chunks.truncate(used);
}

impl<T: Real> Chunk<T> {
    /// Flattens the chunk's paths.
    ///
    /// # Errors
    /// [`RasterError::NotFinite`] for the first path with a bad coordinate.
    pub(super) fn flatten(&mut self, scene: &Scene, grid: &Grid<T>) -> Result<(), RasterError> {
        self.lines.clear();
        self.runs.clear();
        self.next_anchor.clear();
        self.line_count = 0;
        for index in self.paths.clone() {
            let Some(path) = scene.paths.get(index as usize) else { break };
            self.path_lines.clear();
            for contour in scene.contours.get(as_usize(&path.contours)).unwrap_or_default() {
                let points = scene.points.get(as_usize(contour)).unwrap_or_default();
                let finite = points.iter().fold(true, |ok, [x, y]| ok & x.is_finite() & y.is_finite());
                if !finite {
                    return Err(RasterError::NotFinite { path: path.id.clone() });
                }
                self.flatten_contour(points, contour.start, grid);
            }
            self.line_count += self.path_lines.len() as u64;
            self.sort_into_bands(index, grid);
        }
        Ok(())
    }

    fn flatten_contour(&mut self, points: &[[f32; 2]], start: u32, grid: &Grid<T>) {
        let (segments, _) = points.as_chunks::<3>();
        let Some(&first) = points.first() else { return };
        let first = grid.raster_from_canvas(first);
        let mut from = first;
        for (at, [_, control_a, control_b]) in segments.iter().enumerate() {
            let (to, next_anchor) = match segments.get(at + 1) {
                Some([anchor, ..]) => (grid.raster_from_canvas(*anchor), start + 3 * (at as u32 + 1)),
                None => (first, start),
            };
            let controls = [from, grid.raster_from_canvas(*control_a), grid.raster_from_canvas(*control_b), to];
            let curve = start / 3 + at as u32;
            self.next_anchor.push(next_anchor);
            let parts = parts_of(&controls, grid);
            push_lines(&controls, curve, parts, grid, &mut self.path_lines);
            from = to;
        }
    }

    /// Moves the lines of path `path` to the end of `lines`, band by band.
    fn sort_into_bands(&mut self, path: u32, grid: &Grid<T>) {
        let height = T::from_index(grid.height_px);
        let bands_of = |line: &Line<T>| {
            let ([_, y0], [_, y1]) = (line.from, line.to);
            let rows = y0.least(y1).index()..y0.most(y1).least(height).index().min(grid.height_px - 1);
            rows.start / BAND_ROWS..rows.end / BAND_ROWS + 1
        };
        let Some(&first) = self.path_lines.first() else { return };
        // The bands of one line that is as high as all of them.
        let extremes = self.path_lines.iter().fold(first, |all, line| Line {
            from: [T::ZERO, all.from[1].least(line.from[1]).least(line.to[1])],
            to: [T::ZERO, all.to[1].most(line.from[1]).most(line.to[1])],
            ..all
        });
        let Range { start: low, end: high } = bands_of(&extremes);
        let base = self.lines.len() as u32;
        if high - low == 1 {
            self.lines.extend_from_slice(&self.path_lines);
            self.runs.push(Run { path, band: low as u32, lines: base..self.lines.len() as u32 });
            return;
        }
        let counts = &mut self.band_ends;
        counts.clear();
        counts.resize(high - low, 0);
        for line in &self.path_lines {
            for band in bands_of(line) {
                counts[band - low] += 1;
            }
        }
        let mut end = base;
        for (at, count) in counts.iter_mut().enumerate() {
            let start = end;
            end += *count;
            if end > start {
                self.runs.push(Run { path, band: (low + at) as u32, lines: start..end });
            }
            *count = start;
        }
        self.lines.resize(end as usize, Line::default());
        for line in &self.path_lines {
            for band in bands_of(line) {
                let slot = &mut counts[band - low];
                self.lines[*slot as usize] = *line;
                *slot += 1;
            }
        }
    }
}

/// Into how many lines the cubic is cut (0: it cannot change the picture), by Wang's formula: see
/// `n = sqrt(6 |second difference| / (8 tolerance))` in Wang 1984, "The subdivision method for finding the
/// intersection between two Bezier curves". A straight cubic with its controls at the thirds gives 1.
fn parts_of<T: Real>(controls: &[[T; 2]; 4], grid: &Grid<T>) -> usize {
    let [[x0, y0], [x1, y1], [x2, y2], [x3, y3]] = *controls;
    let (top, bottom) = (y0.least(y1).least(y2.least(y3)), y0.most(y1).most(y2.most(y3)));
    if bottom < T::ZERO || top >= T::from_index(grid.height_px) {
        return 0;
    }
    let (left, right) = (x0.least(x1).least(x2.least(x3)), x0.most(x1).most(x2.most(x3)));
    if left >= T::from_index(grid.width_px) {
        return 0;
    }
    if right <= T::ZERO {
        // Left of the canvas only the rows it passes count.
        return 1;
    }
    let two = T::ONE + T::ONE;
    let bend = |a: T, b: T, c: T| a - two * b + c;
    let square = |x: T, y: T| x * x + y * y;
    let largest = square(bend(x0, x1, x2), bend(y0, y1, y2)).most(square(bend(x1, x2, x3), bend(y1, y2, y3)));
    let parts_squared = T::from_f64(0.75) * largest.sqrt() / grid.tolerance_px;
    if parts_squared <= T::ONE {
        return 1;
    }
    let parts = parts_squared.sqrt();
    let whole = parts.least(T::from_index(MAX_PARTS)).index();
    (whole + usize::from(T::from_index(whole) < parts)).min(MAX_PARTS)
}

fn push_lines<T: Real>(controls: &[[T; 2]; 4], curve: u32, parts: usize, grid: &Grid<T>, lines: &mut Vec<Line<T>>) {
    let (width, height) = (T::from_index(grid.width_px), T::from_index(grid.height_px));
    let mut push = |from: [T; 2], to: [T; 2], part: usize| {
        let ([x0, y0], [x1, y1]) = (from, to);
        let outside = (y0 < T::ZERO && y1 < T::ZERO) || (y0 >= height && y1 >= height) || (x0 >= width && x1 >= width);
        let flat = if grid.keep_horizontal { from == to } else { y0 == y1 };
        if !outside && !flat {
            lines.push(Line { from, to, curve, part: part as u16, parts: parts as u16 });
        }
    };
    let [first, .., last] = *controls;
    if parts == 1 {
        return push(first, last, 0);
    }
    let polynomial = [coefficients(controls, 0), coefficients(controls, 1)];
    let step = T::ONE / T::from_index(parts.max(1));
    let mut from = first;
    for part in 0..parts {
        let to = if part + 1 == parts {
            last
        } else {
            let t = T::from_index(part + 1) * step;
            polynomial.map(|[c0, c1, c2, c3]| c0 + t * (c1 + t * (c2 + t * c3)))
        };
        push(from, to, part);
        from = to;
    }
}

/// The cubic's coordinate `axis` as a polynomial in t, constant term first.
fn coefficients<T: Real>(controls: &[[T; 2]; 4], axis: usize) -> [T; 4] {
    let [p0, p1, p2, p3] = controls.map(|point| point[axis]);
    let three = T::from_f64(3.0);
    [p0, three * (p1 - p0), three * (p2 - p1 - (p1 - p0)), p3 - p0 - three * (p2 - p1)]
}
