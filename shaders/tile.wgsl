// What the two fine stages share: the areas of a batch of items in one tile, and how a fill is laid over a pixel.

struct Tile {
    header: Item,
    // First pixel.
    origin: vec2<f32>,
    // This thread's pixel, and whether it belongs to the picture.
    pixel: vec2<u32>,
    inside: bool,
}

// Signed areas of the batch's items, pixel by pixel; on the way back dL/darea as bits.
var<workgroup> areas: array<atomic<i32>, AREAS>;
var<workgroup> batch: array<Item, BATCH>;
var<workgroup> header: Item;

// The tile of a workgroup; behind the last tile of the strip one without items.
fn enter_tile(index: u32, local: u32) -> Tile {
    let row = frame.first_row + index / frame.tiles_x;
    let is_of_strip = row < frame.end_row;
    if (local == 0u) {
        var none: Item;
        header = none;
        if (is_of_strip) {
            header = items[index];
        }
    }
    let corner = vec2<u32>(index % frame.tiles_x, row) * TILE;
    let pixel = corner + vec2<u32>(local % TILE, local / TILE);
    let inside = is_of_strip && pixel.x < frame.width && pixel.y < frame.height;
    return Tile(workgroupUniformLoad(&header), vec2<f32>(corner), pixel, inside);
}

fn load_batch(tile: Tile, first: u32, local: u32) {
    if (local < BATCH) {
        var item: Item;
        item.layer = NONE;
        if (first + local < tile.header.first_ref) {
            item = items[tile.header.cell + first + local];
        }
        batch[local] = item;
    }
    for (var at = local; at < AREAS; at += GROUP) {
        atomicStore(&areas[at], 0);
    }
}

// Lines of the batch are dealt out to the threads one by one: item and line of the n-th, or BATCH behind the last.
fn deal(n: u32) -> vec2<u32> {
    var rest = n;
    for (var item = 0u; item < BATCH; item++) {
        if (rest < batch[item].refs) {
            return vec2<u32>(item, batch[item].first_ref + rest);
        }
        rest -= batch[item].refs;
    }
    return vec2<u32>(BATCH, 0u);
}

// Adds the part of a line in one row of pixels, from `left` to `right` in tile pixels: area of pixel c is `turned` times the
// mean of clamp(c + 1 - x, 0, 1), rounded once, so that the row's sum is exact.
fn add_row(at: u32, left: f32, right: f32, turned: i32) {
    if (left >= f32(TILE) || turned == 0) {
        return;
    }
    let first = i32(floor(left));
    let last = i32(floor(right));
    if (last < 0) {
        atomicAdd(&areas[at], turned);
        return;
    }
    let per_px = 1.0 / max(right - left, 1e-30);
    var before = 0;
    for (var column = max(first, 0); column <= min(last, i32(TILE) - 1); column++) {
        let border = f32(column + 1);
        var share: f32;
        if (first == last) {
            share = border - 0.5 * (left + right);
        } else if (column == first) {
            share = 0.5 * per_px * (border - left) * (border - left);
        } else if (column == last) {
            let beyond = right - f32(last);
            share = 1.0 - 0.5 * per_px * beyond * beyond;
        } else {
            share = per_px * (border - left - 0.5);
        }
        let area = i32(round(share * f32(turned)));
        atomicAdd(&areas[at + u32(column)], area - before);
        before = area;
    }
    if (last + 1 < i32(TILE)) {
        atomicAdd(&areas[at + u32(last + 1)], turned - before);
    }
}

// Adds a line to the areas of item `item`; nothing for horizontal lines.
fn add_line(item: u32, line: Line, origin: vec2<f32>) {
    let a = line.start - origin;
    let b = line.end - origin;
    let from_y = fixed_height(line.start.y, origin.y);
    let to_y = fixed_height(line.end.y, origin.y);
    if (from_y == to_y) {
        return;
    }
    let slope = (b.x - a.x) / (b.y - a.y);
    let low = min(a.x, b.x);
    let high = max(a.x, b.x);
    let top = min(a.y, b.y);
    let bottom = max(a.y, b.y);
    for (var y = min(from_y, to_y) >> FIXED_BITS; y <= min(max(from_y, to_y) >> FIXED_BITS, i32(TILE) - 1); y++) {
        let enter = max(top, f32(y));
        let leave = min(bottom, f32(y + 1));
        let x0 = clamp(a.x + (enter - a.y) * slope, low, high);
        let x1 = clamp(a.x + (leave - a.y) * slope, low, high);
        let at = (item * TILE + u32(y)) * TILE;
        add_row(at, min(x0, x1), max(x0, x1), winding_in_row(from_y, to_y, y));
    }
}

// Sums of each row from left to right, starting with the winding at the tile's left border.
fn sum_rows(local: u32) {
    if (local < BATCH * TILE) {
        var sum = winding[batch[local / TILE].cell * TILE + local % TILE];
        for (var at = local * TILE; at < (local + 1u) * TILE; at++) {
            sum += atomicLoad(&areas[at]);
            atomicStore(&areas[at], sum);
        }
    }
}

// The areas of the batch that begins with item `first`: its lines, then its rows summed. Ready when it returns.
fn fill_areas(tile: Tile, first: u32, local: u32) {
    load_batch(tile, first, local);
    workgroupBarrier();
    for (var n = local; ; n += GROUP) {
        let dealt = deal(n);
        if (dealt.x == BATCH) {
            break;
        }
        add_line(dealt.x, lines[cell_lines[dealt.y].x], tile.origin);
    }
    workgroupBarrier();
    sum_rows(local);
    workgroupBarrier();
}

// Place of this thread's pixel in the list of checkpoints, of the batch that begins with item `first` and is not the first.
fn checkpoint_at(tile: Tile, first: u32, local: u32) -> u32 {
    return ((tile.header.refs + first / BATCH - 1u) * GROUP + local) * frame.checkpoint_stride;
}

// The area of pixel `local` in item `item` as src/raster/coverage.rs snaps it.
fn area_at(item: u32, local: u32) -> f32 {
    var area = f32(atomicLoad(&areas[item * GROUP + local])) / FIXED;
    if (batch[item].even_odd != 0u) {
        area -= 2.0 * round(0.5 * area);
    }
    var magnitude = abs(area);
    if (abs(magnitude - 1.0) < SNAP) {
        magnitude = 1.0;
    }
    if (magnitude < SNAP) {
        magnitude = 0.0;
    }
    return select(magnitude, -magnitude, area < 0.0);
}

// Lays a fill over premultiplied color and transmittance.
fn blend(below: vec4<f32>, item: u32, area: f32) -> vec4<f32> {
    let rgba = batch[item].rgba;
    return below + rgba.w * min(abs(area), 1.0) * (vec4<f32>(rgba.rgb, 0.0) - below);
}

// Lays an isolated layer over the base.
fn blend_layer(base: vec4<f32>, layer: vec4<f32>, opacity: f32) -> vec4<f32> {
    let shade = opacity * (1.0 - layer.w);
    return base + opacity * vec4<f32>(layer.rgb, 0.0) - shade * base;
}
