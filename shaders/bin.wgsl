// Lines to the tiles they touch, and their winding to the tiles right of them; a thread a line.

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> lines: array<Line>;
@group(0) @binding(2) var<storage, read> curves: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> path_cells: array<PathCells>;
@group(0) @binding(4) var<storage, read> counters: array<u32>;
// Two a cell: the number of lines, and the first of them, which a later stage writes.
@group(0) @binding(5) var<storage, read_write> cells: array<atomic<u32>>;
// TILE a cell: winding at the left border of each row of pixels.
@group(0) @binding(6) var<storage, read_write> winding: array<atomic<i32>>;
// One a line and tile: the cell, and which of its lines.
@group(0) @binding(7) var<storage, read_write> refs: array<vec2<u32>>;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let index = id.x + id.y * groups.x * GROUP;
    // A pass whose lines do not fit is repeated; lines of an earlier pass, which may lie in the list, are left alone.
    let fits = counters[LINES] <= frame.line_capacity && counters[REFS] <= frame.ref_capacity;
    if (!fits || index >= counters[LINES]) {
        return;
    }
    let line = lines[index];
    let held = path_cells[curves[line.curve].x];
    let end = line.first_ref + line.refs;
    var slot = line.first_ref;
    let rows = rows_between(min(line.start.y, line.end.y), max(line.start.y, line.end.y), frame);
    let first_column = i32(held.column);
    let end_column = i32(held.column + held.columns);
    for (var row = max(rows.x, i32(held.row)); row < min(rows.y, i32(held.row + held.rows)); row++) {
        let columns = columns_in_row(line.start, line.end, row, frame);
        let row_cell = i32(held.first_cell) + (row - i32(held.row)) * i32(held.columns) - first_column;
        for (var column = max(columns.x, first_column); column <= min(columns.y, end_column - 1); column++) {
            if (slot < end) {
                let cell = u32(row_cell + column);
                refs[slot] = vec2<u32>(cell, atomicAdd(&cells[2u * cell], 1u));
                slot++;
            }
        }
        let behind = max(columns.y + 1, first_column);
        if (behind < end_column) {
            let top = f32(row) * f32(TILE);
            let from_y = fixed_height(line.start.y, top);
            let to_y = fixed_height(line.end.y, top);
            let at = u32(row_cell + behind) * TILE;
            for (var y = min(from_y, to_y) >> FIXED_BITS; y <= min(max(from_y, to_y) >> FIXED_BITS, i32(TILE) - 1); y++) {
                let turned = winding_in_row(from_y, to_y, y);
                if (turned != 0) {
                    atomicAdd(&winding[at + u32(y)], turned);
                }
            }
        }
    }
    for (; slot < end; slot++) {
        refs[slot] = vec2<u32>(NONE, 0u);
    }
}
