//! One band of rows from runs of lines, back to front.
//!
//! Input: a plan and a band. Output: the band's pixels and, for the way back, the band's covers. Invariants: outside
//! a layer's bounds the layer buffer is clear (no light, full transmittance); the record holds every block a path
//! changes, in drawing order. Determinism: a band reads the plan only. Cost: see `coverage` and `composite`; a band
//! of W pixels needs 16 W N values, so memory does not grow with the picture's height.

use std::ops::Range;

use super::composite::{Block, Paint, blend, blend_layer, blend_solid};
use super::coverage::{Accumulator, Found, LANES, blocks_of};
use super::flatten::BAND_ROWS;
use super::plan::{Band, NO_LAYER, Plan, Style};
use super::real::Real;

/// Neighbouring blocks of one row that a path covers: one by one, or all fully.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// First block of the row.
    pub first: u16,
    /// Number of blocks.
    pub blocks: u16,
    /// Row in the band.
    pub row: u8,
    /// Whether every pixel is fully inside, with no edge of the path in it.
    pub solid: bool,
}

impl Span {
    /// Its blocks in a band buffer with `stride` blocks a row.
    pub(super) fn range(&self, stride: usize) -> Range<usize> {
        let start = usize::from(self.row) * stride + usize::from(self.first);
        start..start + usize::from(self.blocks)
    }
}

/// One path in one band, as drawn.
#[derive(Clone, Debug)]
pub(super) struct DrawnRun {
    /// Index of the path.
    pub path: u32,
    /// Chunk of its lines.
    pub chunk: u32,
    /// Its lines, as a range of the chunk's.
    pub lines: Range<u32>,
    /// Its spans.
    pub spans: Range<u32>,
    /// Its signed areas, a block each for the spans that are not solid.
    pub areas: Range<u32>,
}

/// What a band needs to find its way back.
#[derive(Debug, Default)]
pub(super) struct BandRecord<T> {
    /// Back to front.
    pub runs: Vec<DrawnRun>,
    /// Of all runs.
    pub spans: Vec<Span>,
    /// Of all spans that are not solid.
    pub areas: Vec<[T; LANES]>,
}

impl<T: Real> BandRecord<T> {
    fn clear(&mut self) {
        self.runs.clear();
        self.spans.clear();
        self.areas.clear();
    }

    #[inline(always)]
    fn push(&mut self, row: usize, found: &Found<T>, run_start: usize) {
        let (first, blocks, solid) = match found {
            Found::Edge { block, areas } => {
                self.areas.push(*areas);
                (*block as u16, 1, false)
            }
            Found::Solid { first, blocks } => (*first as u16, *blocks as u16, true),
        };
        let open = self.spans.len() > run_start;
        match self.spans.last_mut() {
            Some(last)
                if open && !solid && !last.solid && last.row == row as u8 && last.first + last.blocks == first =>
            {
                last.blocks += 1;
            }
            _ => self.spans.push(Span { first, blocks, row: row as u8, solid }),
        }
    }
}

/// Rectangle of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    rows: (usize, usize),
    blocks: (usize, usize),
}

impl Bounds {
    /// Nothing.
    pub(super) const EMPTY: Self = Self { rows: (usize::MAX, 0), blocks: (usize::MAX, 0) };

    /// Grows to hold blocks `first..end` of `row`.
    #[inline(always)]
    pub(super) fn include(&mut self, row: usize, first: usize, end: usize) {
        self.rows = (self.rows.0.min(row), self.rows.1.max(row + 1));
        self.blocks = (self.blocks.0.min(first), self.blocks.1.max(end));
    }

    /// Grows to hold `other`.
    pub(super) fn join(&mut self, other: Self) {
        self.rows = (self.rows.0.min(other.rows.0), self.rows.1.max(other.rows.1));
        self.blocks = (self.blocks.0.min(other.blocks.0), self.blocks.1.max(other.blocks.1));
    }

    /// Its rows as ranges of a band buffer with `stride` blocks a row.
    pub(super) fn row_ranges(self, stride: usize) -> impl DoubleEndedIterator<Item = Range<usize>> {
        let (first, end) = self.blocks;
        (self.rows.0..self.rows.1.max(self.rows.0)).map(move |row| row * stride + first..row * stride + end)
    }
}

/// Light and transmittance of a layer with nothing on it.
pub(super) fn clear_block<T: Real>() -> Block<T, 4> {
    [[T::ZERO; LANES], [T::ZERO; LANES], [T::ZERO; LANES], [T::ONE; LANES]]
}

/// `style` for N planes; planes after the third are transmittance.
#[inline(always)]
pub(super) fn paint<T: Real, const N: usize>(style: &Style<T>) -> Paint<T, N> {
    let fill = std::array::from_fn(|plane| style.rgb.get(plane).copied().unwrap_or(T::ZERO));
    Paint { fill, opacity: style.opacity }
}

/// Buffers of one drawing task.
#[derive(Debug)]
pub(super) struct DrawScratch<T, const N: usize> {
    accumulator: Accumulator<T>,
    /// The band's pixels.
    pub frame: Vec<Block<T, N>>,
    layer: Vec<Block<T, 4>>,
}

impl<T: Real, const N: usize> Default for DrawScratch<T, N> {
    fn default() -> Self {
        Self { accumulator: Accumulator::default(), frame: Vec::new(), layer: Vec::new() }
    }
}

/// Draws `band` over `background` into `scratch.frame`, and into `record` where there is one.
pub(super) fn draw_band<T: Real, const N: usize>(
    plan: &Plan<T>,
    band: Band,
    background: [T; N],
    scratch: &mut DrawScratch<T, N>,
    mut record: Option<&mut BandRecord<T>>,
) {
    let stride = blocks_of(plan.grid.width_px);
    let DrawScratch { accumulator, frame, layer } = scratch;
    accumulator.fit(plan.grid.width_px);
    frame.clear();
    frame.resize(stride * BAND_ROWS, background.map(|value| [value; LANES]));
    if let Some(record) = record.as_deref_mut() {
        record.clear();
    }
    let top = T::from_index(band.top);
    let mut open = (NO_LAYER, Bounds::EMPTY);
    for run in plan.runs(band.index) {
        let style = &plan.styles[run.path as usize];
        if style.layer != open.0 {
            close_layer(plan, open, stride, frame, layer);
            open = (style.layer, Bounds::EMPTY);
        }
        for line in run.lines {
            accumulator.add(line, top, band.rows);
        }
        let starts = record.as_deref().map(|record| (record.spans.len() as u32, record.areas.len() as u32));
        if style.layer == NO_LAYER {
            draw_run(accumulator, style, band.rows, stride, frame, record.as_deref_mut());
        } else {
            layer.resize(stride * BAND_ROWS, clear_block());
            let bounds = draw_run(accumulator, style, band.rows, stride, layer, record.as_deref_mut());
            open.1.join(bounds);
        }
        if let (Some(record), Some((spans, areas))) = (record.as_deref_mut(), starts) {
            let (spans, areas) = (spans..record.spans.len() as u32, areas..record.areas.len() as u32);
            if !spans.is_empty() {
                record.runs.push(DrawnRun { path: run.path, chunk: run.chunk, lines: run.run_lines, spans, areas });
            }
        }
    }
    close_layer(plan, open, stride, frame, layer);
}

/// Lays the accumulated areas of one path over `frame`; returns where it drew.
#[inline(always)]
fn draw_run<T: Real, const N: usize>(
    accumulator: &mut Accumulator<T>,
    style: &Style<T>,
    rows: usize,
    stride: usize,
    frame: &mut [Block<T, N>],
    mut record: Option<&mut BandRecord<T>>,
) -> Bounds {
    let paint = paint::<T, N>(style);
    let mut bounds = Bounds::EMPTY;
    let run_start = record.as_deref().map_or(0, |record| record.spans.len());
    for row in 0..rows {
        accumulator.sweep(row, style.rule, |found| {
            match &found {
                Found::Edge { block, areas } => {
                    bounds.include(row, *block, block + 1);
                    if let Some(pixels) = frame.get_mut(row * stride + block) {
                        blend(pixels, areas, &paint);
                    }
                }
                Found::Solid { first, blocks } => {
                    bounds.include(row, *first, first + blocks);
                    let start = row * stride + first;
                    if let Some(pixels) = frame.get_mut(start..start + blocks) {
                        blend_solid(pixels, &paint);
                    }
                }
            }
            if let Some(record) = record.as_deref_mut() {
                record.push(row, &found, run_start);
            }
        });
    }
    bounds
}

/// Lays the open layer over the frame and clears it.
fn close_layer<T: Real, const N: usize>(
    plan: &Plan<T>,
    (layer_index, bounds): (u32, Bounds),
    stride: usize,
    frame: &mut [Block<T, N>],
    layer: &mut [Block<T, 4>],
) {
    if layer_index == NO_LAYER {
        return;
    }
    let opacity = plan.group_opacity[layer_index as usize];
    for range in bounds.row_ranges(stride) {
        for (base, layer) in frame[range.clone()].iter_mut().zip(&mut layer[range]) {
            blend_layer(base, layer, opacity);
            *layer = clear_block();
        }
    }
}

/// Copies the planes of `frame` into rows of `width_px` values.
pub(super) fn copy_planes<T: Real, O, const N: usize>(
    frame: &[Block<T, N>],
    width_px: usize,
    rows: [&mut [O]; N],
    convert: impl Fn(T) -> O + Copy,
) {
    let stride = blocks_of(width_px);
    for (plane, rows) in rows.into_iter().enumerate() {
        for (row, blocks) in rows.chunks_mut(width_px).zip(frame.chunks(stride)) {
            let (whole, rest) = row.as_chunks_mut::<LANES>();
            for (pixels, block) in whole.iter_mut().zip(blocks) {
                *pixels = block[plane].map(convert);
            }
            if let Some(block) = blocks.last() {
                rest.iter_mut().zip(block[plane]).for_each(|(pixel, value)| *pixel = convert(value));
            }
        }
    }
}

/// Copies rows of `width_px` values into the planes of `frame`; columns behind the last one become 0.
pub(super) fn load_planes<T: Real, const N: usize>(frame: &mut Vec<Block<T, N>>, width_px: usize, rows: [&[T]; N]) {
    let stride = blocks_of(width_px);
    frame.clear();
    frame.resize(stride * BAND_ROWS, [[T::ZERO; LANES]; N]);
    for (plane, rows) in rows.into_iter().enumerate() {
        for (row, blocks) in rows.chunks(width_px).zip(frame.chunks_mut(stride)) {
            for (pixels, block) in row.chunks(LANES).zip(blocks) {
                block[plane].iter_mut().zip(pixels).for_each(|(value, &pixel)| *value = pixel);
            }
        }
    }
}
