// What is drawn in each tile, back to front; a workgroup a tile. A thread looks at neighbouring paths, so that the order of
// the threads is the order of the paths.

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> path_cells: array<PathCells>;
// Fill, 1 for even-odd, group.
@group(0) @binding(2) var<storage, read> paths: array<vec4<u32>>;
// Fills: red, green, blue, opacity; then groups: opacity.
@group(0) @binding(3) var<storage, read> paints: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> cells: array<vec2<u32>>;
@group(0) @binding(5) var<storage, read> winding: array<i32>;
@group(0) @binding(6) var<storage, read_write> items: array<Item>;
@group(0) @binding(7) var<storage, read_write> counters: array<atomic<u32>>;

var<workgroup> base: u32;

// The path's cell in the tile, or NONE where it covers nothing of it.
fn cell_in(path: u32, column: u32, row: u32) -> u32 {
    let held = path_cells[path];
    // Wraps around for tiles before the first.
    let x = column - held.column;
    let y = row - held.row;
    if (x >= held.columns || y >= held.rows) {
        return NONE;
    }
    let cell = held.first_cell + y * held.columns + x;
    var covered = cells[cell].x > 0u;
    for (var pixel = 0u; pixel < TILE && !covered; pixel++) {
        covered = winding[cell * TILE + pixel] != 0;
    }
    return select(NONE, cell, covered);
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let tiles = frame.tiles_x * (frame.end_row - frame.first_row);
    let tile = group.x + group.y * groups.x;
    let column = tile % frame.tiles_x;
    let row = frame.first_row + tile / frame.tiles_x;
    let share = (frame.paths + GROUP - 1u) / GROUP;
    let first = min(local * share, frame.paths);
    let end = min(first + share, frame.paths);
    var own = 0u;
    for (var path = first; path < end; path++) {
        own += select(0u, 1u, cell_in(path, column, row) != NONE);
    }
    let taken = sum_up_to(local, vec2<u32>(own, 0u)).x;
    if (local == GROUP - 1u && tile < tiles) {
        let count = taken;
        base = tiles + atomicAdd(&counters[ITEMS], count);
        let batches = (max(count, 1u) - 1u) / BATCH;
        let first_batch = atomicAdd(&counters[BATCHES], batches);
        var header: Item;
        if (base + count <= frame.item_capacity && first_batch + batches <= frame.batch_capacity) {
            header.cell = base;
            header.first_ref = count;
            header.refs = first_batch;
        }
        items[tile] = header;
    }
    workgroupBarrier();
    var next = base + taken - own;
    for (var path = first; path < end && tile < tiles; path++) {
        let cell = cell_in(path, column, row);
        if (cell == NONE || next >= frame.item_capacity) {
            continue;
        }
        let about = paths[path];
        let opacity = paints[frame.fills + about.z].x;
        let layer = select(NONE, about.z, opacity < 1.0);
        let lines = cells[cell];
        items[next] = Item(cell, lines.y, lines.x, about.y, paints[about.x], layer, opacity, path, 0u);
        next++;
    }
}
