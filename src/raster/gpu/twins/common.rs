//! What every twin shares: `shaders/common.wgsl`.
//!
//! Input: lines in raster pixels. Output: tiles they touch, and winding in fixed point. Invariants: structs have the fields of
//! their namesakes in the shader, in its order. Determinism: IEEE basic operations and integers. Cost: none.

use super::super::constants::{FIXED_BITS, Frame, NONE, TILE, counter};
use super::vector::{Vec2, Vec4};

/// Side of a tile.
pub(super) const SIDE: f32 = TILE as f32;
/// One winding in fixed point.
pub(super) const FIXED: f32 = (1 << FIXED_BITS) as f32;

/// One line of a flattened cubic.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Line {
    pub start: Vec2,
    pub end: Vec2,
    pub curve: u32,
    /// part | parts << 16: the line stands for t = part / parts ..= (part + 1) / parts.
    pub part: u32,
    pub first_ref: u32,
    pub refs: u32,
}

/// The tiles that a path may touch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PathCells {
    pub first_cell: u32,
    pub column: u32,
    pub columns: u32,
    pub row: u32,
    pub rows: u32,
}

impl PathCells {
    /// Number of tiles.
    pub(super) fn count(&self) -> u32 {
        self.columns * self.rows
    }
}

/// One path in one tile. The first items of the list are one a tile and say where its items are: `cell` is the first item,
/// `first_ref` the number of items, `refs` the first checkpoint.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Item {
    pub cell: u32,
    pub first_ref: u32,
    pub refs: u32,
    pub even_odd: u32,
    pub rgba: Vec4,
    /// Group that the path is a layer of, or [`NONE`].
    pub layer: u32,
    pub layer_opacity: f32,
    /// No stage reads it; tests do.
    pub path: u32,
}

impl Item {
    /// What stands behind the last item of a tile.
    pub(super) fn missing() -> Self {
        Self { layer: NONE, ..Self::default() }
    }
}

/// Rows of tiles between two heights, clipped to the strip: first and one past the last.
pub(super) fn rows_between(low: f32, high: f32, frame: &Frame) -> [i32; 2] {
    let top = (frame.first_row * TILE) as f32;
    let bottom = (frame.end_row * TILE).min(frame.height) as f32;
    if high < top || low >= bottom {
        return [0, 0];
    }
    let first = (low.max(top) / SIDE).floor() as i32;
    // A line that ends on a border has nothing behind it, a horizontal line on a border has.
    let end = if high == low { first + 1 } else { (high / SIDE).ceil() as i32 };
    [first, end.max(first + 1).min(frame.end_row as i32)]
}

fn column_of(x: f32, frame: &Frame) -> i32 {
    (x.max(-1.0).min(frame.width as f32) / SIDE).floor() as i32
}

/// Columns of tiles that a line touches in a row of tiles, first and last: -1 is left of the picture.
pub(super) fn columns_in_row(a: Vec2, b: Vec2, row: i32, frame: &Frame) -> [i32; 2] {
    let top = row as f32 * SIDE;
    let low = a.x().min(b.x());
    let high = a.x().max(b.x());
    let (mut from_x, mut to_x) = (a.x(), b.x());
    if a.y() != b.y() {
        let slope = (b.x() - a.x()) / (b.y() - a.y());
        let from_y = a.y().max(top).min(top + SIDE);
        let to_y = b.y().max(top).min(top + SIDE);
        let x_at = |y: f32| (a.x() + (y - a.y()) * slope).max(low).min(high);
        from_x = if from_y == a.y() { a.x() } else { x_at(from_y) };
        to_x = if to_y == b.y() { b.x() } else { x_at(to_y) };
    }
    [column_of(from_x.min(to_x), frame), column_of(from_x.max(to_x), frame)]
}

/// Height below `top` in fixed point, clipped to a tile: equal for the two lines that share a vertex, so windings close.
pub(super) fn fixed_height(y: f32, top: f32) -> i32 {
    ((y - top).clamp(0.0, SIDE) * FIXED).round_ties_even() as i32
}

/// Signed winding that a line from height `a` to `b` adds to everything right of it in pixel row `row` of a tile.
pub(super) fn winding_in_row(a: i32, b: i32, row: i32) -> i32 {
    let low = row << FIXED_BITS;
    let high = (row + 1) << FIXED_BITS;
    b.clamp(low, high) - a.clamp(low, high)
}

/// Rows of pixels of a tile between two fixed heights.
pub(super) fn pixel_rows(from_y: i32, to_y: i32) -> std::ops::RangeInclusive<i32> {
    from_y.min(to_y) >> FIXED_BITS..=(from_y.max(to_y) >> FIXED_BITS).min(TILE as i32 - 1)
}

/// Tiles of a strip.
pub(super) fn tiles(frame: &Frame) -> u32 {
    frame.tiles_x * (frame.end_row - frame.first_row)
}

/// Whether every line found its place. A pass whose lines do not fit is repeated; lines of an earlier pass, which may lie in the
/// list, are left alone.
pub(super) fn lines_fit(frame: &Frame, counters: &[u32]) -> bool {
    counters[counter::LINES] <= frame.line_capacity && counters[counter::REFS] <= frame.ref_capacity
}

/// `first..first + count` as indices.
pub(super) fn range(first: u32, count: u32) -> std::ops::Range<usize> {
    first as usize..(first + count) as usize
}
