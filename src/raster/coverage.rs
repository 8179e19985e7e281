//! Lines to signed winding areas: the exact integral of the winding number over each pixel of a band.
//!
//! Input: the lines of one path in one band. Output: per touched row, winding areas in blocks of four pixels, told
//! apart into edge blocks and solid runs. Invariants: the accumulator is all zero between two paths; the sum over
//! a row's entries is the row's net winding. Determinism: lines are added in their stored order. Cost: a few adds
//! a crossed pixel, independent of how long the line is outside the canvas.
//!
//! For the piece of a line inside pixel column i, from (x0, y0) to (x1, y1), the accumulator gets
//! `d (1 - m)` at i and `d m` at i + 1, with `d = y1 - y0` and `m = (x0 + x1) / 2 - i`; the prefix sum of the row is
//! then the winding area of each pixel (the accumulation-buffer method of libart and font-rs).

use super::flatten::{BAND_ROWS, Line};
use super::real::Real;
use crate::scene::FillRule;

/// Pixels in a block: the lanes that every row loop handles at once.
pub(super) const LANES: usize = 4;

/// Number of blocks that hold `width_px` pixels.
pub(super) fn blocks_of(width_px: usize) -> usize {
    width_px.div_ceil(LANES)
}

/// Dense accumulator of one band.
#[derive(Debug, Default)]
pub(super) struct Accumulator<T> {
    values: Vec<T>,
    width_px: usize,
    stride: usize,
    /// Touched blocks of each row.
    touched: [(u32, u32); BAND_ROWS],
    /// Blocks of each row with a horizontal edge: it covers nothing, but what moves there does.
    flat: [Vec<(u32, u32)>; BAND_ROWS],
}

const UNTOUCHED: (u32, u32) = (u32::MAX, 0);

impl<T: Real> Accumulator<T> {
    /// Makes room for rows of `width_px` pixels; all zero.
    pub(super) fn fit(&mut self, width_px: usize) {
        // One block more than the row: a line on the right border adds to the two columns behind it.
        let stride = (blocks_of(width_px) + 1) * LANES;
        if self.stride != stride || self.values.is_empty() {
            self.values.clear();
            self.values.resize(stride * BAND_ROWS, T::ZERO);
            self.stride = stride;
        }
        self.width_px = width_px;
        self.touched = [UNTOUCHED; BAND_ROWS];
    }

    /// Adds the part of `line` that lies in the `rows` rows below `top`.
    #[inline]
    pub(super) fn add(&mut self, line: &Line<T>, top: T, rows: usize) {
        let ([fx, fy], [tx, ty]) = (line.from, line.to);
        let (sign, x0, y0, x1, y1) =
            if fy < ty { (T::ONE, fx, fy - top, tx, ty - top) } else { (-T::ONE, tx, ty - top, fx, fy - top) };
        let bottom = T::from_index(rows);
        if y0 == y1 {
            return self.mark(y0, x0, x1, rows);
        }
        if y1 <= T::ZERO || y0 >= bottom {
            return;
        }
        let slope = (x1 - x0) / (y1 - y0);
        let (left, right) = (x0.least(x1), x0.most(x1));
        let x_at = |y: T| (x0 + (y - y0) * slope).within(left, right);
        let (start, start_x) = if y0 < T::ZERO { (T::ZERO, x_at(T::ZERO)) } else { (y0, x0) };
        let (end, end_x) = if y1 > bottom { (bottom, x_at(bottom)) } else { (y1, x1) };
        let inside = left >= T::ZERO && right <= T::from_index(self.width_px);

        let mut row = start.index();
        let mut edge = T::from_index(row + 1);
        let (mut x, mut y) = (start_x, start);
        while edge < end {
            let next = x_at(edge);
            self.add_in_row(row, x, next, sign * (edge - y), inside);
            (x, y) = (next, edge);
            row += 1;
            edge += T::ONE;
        }
        self.add_in_row(row, x, end_x, sign * (end - y), inside);
    }

    /// Remembers a horizontal edge. Where it lies on the border of two rows it belongs to the lower one, like every line.
    #[cold]
    #[inline(never)]
    fn mark(&mut self, y: T, x0: T, x1: T, rows: usize) {
        let (left, right) = (x0.least(x1), x0.most(x1));
        let width = T::from_index(self.width_px);
        if y < T::ZERO || y >= T::from_index(rows) || right < T::ZERO || left >= width {
            return;
        }
        let row = y.index() % BAND_ROWS;
        let first = (left.index() / LANES) as u32;
        let end = (right.least(width).index() / LANES + 1).min(blocks_of(self.width_px)) as u32;
        self.flat[row].push((first, end));
        let touched = &mut self.touched[row];
        *touched = (touched.0.min(first), touched.1.max(end));
    }

    #[inline(always)]
    fn add_in_row(&mut self, row: usize, x0: T, x1: T, winding: T, inside: bool) {
        let (left, right) = if x0 < x1 { (x0, x1) } else { (x1, x0) };
        if inside { self.add_piece(row, left, right, winding) } else { self.add_clipped(row, left, right, winding) }
    }

    /// Adds a piece that may leave the canvas: its part on the left counts at column 0, its part on the right not.
    #[cold]
    #[inline(never)]
    fn add_clipped(&mut self, row: usize, left: T, right: T, winding: T) {
        let width = T::from_index(self.width_px);
        if left >= width {
            return;
        }
        if right <= T::ZERO {
            return self.add_piece(row, T::ZERO, T::ZERO, winding);
        }
        if left >= T::ZERO && right <= width {
            return self.add_piece(row, left, right, winding);
        }
        let per_px = winding / (right - left);
        if left < T::ZERO {
            self.add_piece(row, T::ZERO, T::ZERO, -left * per_px);
        }
        let (low, high) = (left.most(T::ZERO), right.least(width));
        self.add_piece(row, low, high, (high - low) * per_px);
    }

    /// Adds a line piece inside one row and inside the canvas, from column `left` to `right`.
    #[inline(always)]
    fn add_piece(&mut self, row: usize, left: T, right: T, winding: T) {
        let (first, last) = (left.index(), right.index());
        let touched = &mut self.touched[row % BAND_ROWS];
        touched.0 = touched.0.min((first / LANES) as u32);
        touched.1 = touched.1.max(((last + 1) / LANES + 1) as u32);
        let base = row * self.stride;
        let Some(values) = self.values.get_mut(base + first..base + last + 2) else { return };
        let from_left = left - T::from_index(first);
        if let [one, two] = values {
            let behind = winding * (from_left + T::HALF * (right - left));
            *one += winding - behind;
            *two += behind;
            return;
        }
        let per_px = T::ONE / (right - left);
        let before_first = T::ONE - from_left;
        let mut area = T::HALF * per_px * before_first * before_first;
        let beyond = right - T::from_index(last);
        let tail = T::HALF * per_px * beyond * beyond;
        if let [head, middle @ .., second_last, end] = values {
            *head += winding * area;
            let mut next = per_px * (before_first + T::HALF);
            for value in middle {
                *value += winding * (next - area);
                area = next;
                next += per_px;
            }
            *second_last += winding * (T::ONE - tail - area);
            *end += winding * tail;
        }
    }

    /// Turns the touched part of `row` into winding areas and empties it. Hands every block that holds an edge to
    /// `edge(block, values)` and every run of blocks fully inside to `solid(first block, blocks)`, left to right.
    #[inline(always)]
    pub(super) fn sweep(&mut self, row: usize, rule: FillRule, mut emit: impl FnMut(Found<T>)) {
        let (low, high) = std::mem::replace(&mut self.touched[row], UNTOUCHED);
        if low >= high {
            return;
        }
        let (low, high) = (low as usize, high as usize);
        let blocks = self.stride / LANES - 1;
        let start = row * self.stride;
        let Some(values) = self.values.get_mut(start + low * LANES..start + (high * LANES).min(self.stride)) else {
            return;
        };
        let mut winding = T::ZERO;
        let mut solid_from = None;
        let flat = &mut self.flat[row];
        for (at, values) in values.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let block = low + at;
            if block == blocks {
                *values = [T::ZERO; LANES];
                break;
            }
            let [a, b, c, d] = *values;
            let quiet = (a == T::ZERO) & (b == T::ZERO) & (c == T::ZERO) & (d == T::ZERO);
            let inside = snap(winding, rule);
            if quiet && inside == T::ZERO {
                continue;
            }
            let has_edge = || flat.iter().any(|(first, end)| (*first..*end).contains(&(block as u32)));
            if quiet && inside.abs() >= T::ONE && !has_edge() {
                solid_from.get_or_insert(block);
                continue;
            }
            if let Some(first) = solid_from.take() {
                emit(Found::Solid { first, blocks: block - first });
            }
            let ab = a + b;
            let areas = [winding + a, winding + ab, winding + (ab + c), winding + (ab + (c + d))];
            winding = areas[3];
            *values = [T::ZERO; LANES];
            emit(Found::Edge { block, areas: areas.map(|area| snap(area, rule)) });
        }
        flat.clear();
        if let Some(first) = solid_from {
            emit(Found::Solid { first, blocks: high.min(blocks) - first });
        }
        let inside = snap(winding, rule);
        if inside.abs() >= T::ONE && high < blocks {
            emit(Found::Solid { first: high, blocks: blocks - high });
        } else if inside != T::ZERO {
            (high..blocks).for_each(|block| emit(Found::Edge { block, areas: [inside; LANES] }));
        }
    }
}

/// What a row sweep finds.
pub(super) enum Found<T> {
    /// A block with an edge or partial cover: signed areas as [`snap`] gives them.
    Edge {
        /// Block from the left.
        block: usize,
        /// Signed area of each pixel.
        areas: [T; LANES],
    },
    /// Blocks fully inside.
    Solid {
        /// First block.
        first: usize,
        /// Number of blocks.
        blocks: usize,
    },
}

/// Signed area of a pixel from its winding area: cover is `min(|area|, 1)`, its derivative by the winding area is
/// the sign where `0 < |area| <= 1` and 0 elsewhere. Rounding residues next to 0 and 1 are removed.
#[inline(always)]
fn snap<T: Real>(winding: T, rule: FillRule) -> T {
    let area = match rule {
        FillRule::NonZero => winding,
        FillRule::EvenOdd => {
            let half = winding * T::HALF;
            let turns = (half + T::ROUND) - T::ROUND;
            winding - (turns + turns)
        }
    };
    let magnitude = area.abs();
    let snapped = if (magnitude - T::ONE).abs() < T::SNAP { T::ONE } else { magnitude };
    let snapped = if magnitude < T::SNAP { T::ZERO } else { snapped };
    if area < T::ZERO { -snapped } else { snapped }
}

/// Part of a pixel that is covered, from its signed area.
#[inline(always)]
pub(super) fn cover<T: Real>(area: T) -> T {
    area.abs().least(T::ONE)
}

/// Derivative of [`cover`] by the winding area.
#[inline(always)]
pub(super) fn cover_slope<T: Real>(area: T) -> T {
    let sign = if area < T::ZERO { -T::ONE } else { T::ONE };
    let magnitude = area.abs();
    if magnitude > T::ONE || magnitude == T::ZERO { T::ZERO } else { sign }
}
