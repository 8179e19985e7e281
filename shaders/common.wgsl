// What every stage of the rasterizer shares. In front of it stand the constants of src/raster/gpu/constants.rs; behind it one stage.
// Coordinates: raster pixels, x to the right, y down, pixel i from i to i + 1; tiles of TILE x TILE pixels. Winding areas
// are whole numbers of 1 / FIXED, so that sums do not depend on their order.

struct Frame {
    // Behind the scene: red, green, blue, transmittance.
    background: vec4<f32>,
    // Raster pixels per canvas pixel.
    scale: vec2<f32>,
    tolerance_px: f32,
    trained: u32,
    width: u32,
    height: u32,
    tiles_x: u32,
    // Tile rows of this strip: first and one past the last.
    first_row: u32,
    end_row: u32,
    curves: u32,
    paths: u32,
    fills: u32,
    points: u32,
    line_capacity: u32,
    ref_capacity: u32,
    cell_capacity: u32,
    item_capacity: u32,
    batch_capacity: u32,
    // vec4s that one pixel of a batch's checkpoint takes: 2 where the scene has layers.
    checkpoint_stride: u32,
    unused: u32,
}

// One line of a flattened cubic.
struct Line {
    start: vec2<f32>,
    end: vec2<f32>,
    curve: u32,
    // part | parts << 16: the line stands for t = part / parts ..= (part + 1) / parts.
    part: u32,
    first_ref: u32,
    refs: u32,
}

// The tiles that a path may touch.
struct PathCells {
    first_cell: u32,
    column: u32,
    columns: u32,
    row: u32,
    rows: u32,
}

// One path in one tile. The first items of the list are one a tile and say where its items are:
// cell is the first item, first_ref the number of items, refs the first checkpoint.
struct Item {
    cell: u32,
    first_ref: u32,
    refs: u32,
    even_odd: u32,
    rgba: vec4<f32>,
    // Group that the path is a layer of, or NONE.
    layer: u32,
    layer_opacity: f32,
    path: u32,
    unused: u32,
}

// Rows of tiles between two heights, clipped to the strip: first and one past the last.
fn rows_between(low: f32, high: f32, frame: Frame) -> vec2<i32> {
    let top = f32(frame.first_row * TILE);
    let bottom = f32(min(frame.end_row * TILE, frame.height));
    if (high < top || low >= bottom) {
        return vec2<i32>(0, 0);
    }
    let first = i32(floor(max(low, top) / f32(TILE)));
    // A line that ends on a border has nothing behind it, a horizontal line on a border has.
    let end = select(i32(ceil(high / f32(TILE))), first + 1, high == low);
    return vec2<i32>(first, min(max(end, first + 1), i32(frame.end_row)));
}

fn column_of(x: f32, frame: Frame) -> i32 {
    return i32(floor(clamp(x, -1.0, f32(frame.width)) / f32(TILE)));
}

// Columns of tiles that a line touches in a row of tiles, first and last: -1 is left of the picture.
fn columns_in_row(a: vec2<f32>, b: vec2<f32>, row: i32, frame: Frame) -> vec2<i32> {
    let top = f32(row) * f32(TILE);
    let low = min(a.x, b.x);
    let high = max(a.x, b.x);
    var from_x = a.x;
    var to_x = b.x;
    if (a.y != b.y) {
        let slope = (b.x - a.x) / (b.y - a.y);
        let from_y = clamp(a.y, top, top + f32(TILE));
        let to_y = clamp(b.y, top, top + f32(TILE));
        from_x = select(clamp(a.x + (from_y - a.y) * slope, low, high), a.x, from_y == a.y);
        to_x = select(clamp(a.x + (to_y - a.y) * slope, low, high), b.x, to_y == b.y);
    }
    return vec2<i32>(column_of(min(from_x, to_x), frame), column_of(max(from_x, to_x), frame));
}

// Height below `top` in fixed point, clipped to a tile: equal for the two lines that share a vertex, so windings close.
fn fixed_height(y: f32, top: f32) -> i32 {
    return i32(round(clamp(y - top, 0.0, f32(TILE)) * FIXED));
}

// Signed winding that a line from height `a` to `b` adds to everything right of it in pixel row `row` of a tile.
fn winding_in_row(a: i32, b: i32, row: i32) -> i32 {
    let low = row << FIXED_BITS;
    let high = (row + 1) << FIXED_BITS;
    return clamp(b, low, high) - clamp(a, low, high);
}
