// What every stage of the crops shares. In front of it stand the constants of src/encoder/crops/gpu/stages.rs; behind it one
// stage. Pictures and planes hold one vec4 a pixel, row by row; only red, green and blue are read. A dispatch serves many
// jobs of one kind; each takes `groups_per_job` workgroups, and threads beyond a job's end do nothing.

struct Frame {
    mean: vec4<f32>,
    deviation: vec4<f32>,
    // Of the picture.
    width: u32,
    height: u32,
    // Of a crop.
    side: u32,
    groups_per_job: u32,
    first_job: u32,
    jobs: u32,
    // Whether gradients are added to those of windows that came before.
    adds: u32,
    padding: u32,
}

// One axis of a separable resize.
struct Resize {
    // First value of the source, and values in its row.
    source: u32,
    source_width: u32,
    // First value of the result, and its size.
    result: u32,
    columns: u32,
    rows: u32,
    // Run of the first BLOCK rows (ALONG_ROWS) or columns (ALONG_COLUMNS).
    runs: u32,
    along: u32,
    padding: u32,
    fill: vec4<f32>,
}

// Where a window lies and where its planes are.
struct Window {
    // The window before its columns are combined, and after; `span` columns wide.
    lines: u32,
    span: u32,
    // Pixels of the picture that it reads; right and bottom exclusive, top a multiple of BLOCK.
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
    // Run of BLOCK rows from `top` on: the lines that read them.
    runs: u32,
    // The crop.
    square: u32,
}

// A projective warp from output to source pixels, whose centres lie at whole numbers.
struct Warp {
    source: u32,
    source_width: u32,
    source_height: u32,
    result: u32,
    // Output pixels and samples of each a side.
    to: u32,
    samples: u32,
    edge: u32,
    tiles: u32,
    tiles_x: u32,
    // 1: the way from source to output crosses a horizon, so every tile must be looked at.
    scan_all: u32,
    padding: vec2<u32>,
    // A place in the source and the same place in the output.
    source_centre: vec2<f32>,
    centre: vec2<f32>,
    // From source to output, both counted from there: (m d) / (1 + slope . d).
    inverse: vec4<f32>,
    slope: vec2<f32>,
    more_padding: vec2<f32>,
    // What the samples reach of the source.
    least: vec2<f32>,
    most: vec2<f32>,
}

// The same warp, counted from the middle of a few output pixels: so that single precision is enough.
struct Tile {
    // Source pixel and part of a pixel of the place that everything is counted from.
    cell: vec2<i32>,
    part: vec2<f32>,
    // That place in the output.
    place: vec2<f32>,
    slope_u: vec2<f32>,
    slope_v: vec2<f32>,
    slope_d: vec2<f32>,
    // What its samples reach of the source.
    least: vec2<f32>,
    most: vec2<f32>,
}

// A run says which source pixels BLOCK neighbouring results are made of: first pixel, where its weights are, number of
// pixels, -. There lie the sums of each result's weights, then for each pixel its weights for each result.

// Shares of a value for BLOCK results.
fn products(value: vec3<f32>, shares: vec4<f32>) -> mat4x3<f32> {
    return mat4x3<f32>(value * shares.x, value * shares.y, value * shares.z, value * shares.w);
}

// Job and place in it of a thread.
struct Place {
    job: u32,
    element: u32,
}

fn place_of(group: vec3<u32>, groups: vec3<u32>, local: u32) -> Place {
    let index = group.x + group.y * groups.x;
    return Place(index / frame.groups_per_job, (index % frame.groups_per_job) * GROUP + local);
}

// Weights of source pixels `cell` and `cell + 1` in each axis; all four times `mask`, the rest to 1 is fill.
struct Spot {
    cell: vec2<i32>,
    low: vec2<f32>,
    high: vec2<f32>,
    mask: f32,
}

// Where a sample falls; `Perspective::sample` in src/encoder/crops/perspective.rs.
fn spot_of(warp: Warp, tile: Tile, sample: vec2<u32>) -> Spot {
    let from_place = (vec2<f32>(sample) + 0.5) / f32(warp.samples) - tile.place;
    let nearness = 1.0 + dot(tile.slope_d, from_place);
    let position = tile.part + vec2<f32>(dot(tile.slope_u, from_place), dot(tile.slope_v, from_place)) / nearness;
    let whole = clamp(floor(position), vec2<f32>(-FAR_PX), vec2<f32>(FAR_PX));
    var cell = tile.cell + vec2<i32>(whole);
    var part = clamp(position - whole, vec2<f32>(0.0), vec2<f32>(1.0));
    let count = vec2<i32>(i32(warp.source_width), i32(warp.source_height));
    if (warp.edge == EDGE_REPEAT) {
        let outside = (cell < vec2<i32>(0)) | (cell >= count - 1);
        part = select(part, vec2<f32>(0.0), outside);
        cell = clamp(cell, vec2<i32>(0), count - 1);
    }
    let low_inside = (cell >= vec2<i32>(0)) & (cell < count);
    let high_inside = (cell >= vec2<i32>(-1)) & (cell < count - 1);
    let low = select(vec2<f32>(0.0), 1.0 - part, low_inside);
    let high = select(vec2<f32>(0.0), part, high_inside);
    let inside = low + high;
    return Spot(cell, low, high, select(inside.x * inside.y, 1.0, warp.edge == EDGE_REPEAT));
}
