// Windings from left to right, and room for each cell's lines; a workgroup a path.

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> path_cells: array<PathCells>;
@group(0) @binding(2) var<storage, read_write> cells: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> winding: array<i32>;
@group(0) @binding(4) var<storage, read_write> counters: array<atomic<u32>>;

var<workgroup> sums: array<u32, SMALL_GROUP>;
var<workgroup> base: u32;

@compute @workgroup_size(SMALL_GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let path = group.x + group.y * groups.x;
    var held = PathCells(0u, 0u, 0u, 0u, 0u);
    if (path < frame.paths) {
        held = path_cells[path];
    }
    for (var y = local; y < held.rows * TILE; y += SMALL_GROUP) {
        var sum = 0;
        let first = held.first_cell + (y / TILE) * held.columns;
        for (var cell = first; cell < first + held.columns; cell++) {
            let at = cell * TILE + y % TILE;
            sum += winding[at];
            winding[at] = sum;
        }
    }
    let count = held.columns * held.rows;
    let share = (count + SMALL_GROUP - 1u) / SMALL_GROUP;
    let first = held.first_cell + min(local * share, count);
    let end = held.first_cell + min((local + 1u) * share, count);
    var own = 0u;
    for (var cell = first; cell < end; cell++) {
        own += cells[cell].x;
    }
    sums[local] = own;
    workgroupBarrier();
    if (local == 0u) {
        var total = 0u;
        for (var at = 0u; at < SMALL_GROUP; at++) {
            let before = total;
            total += sums[at];
            sums[at] = before;
        }
        base = atomicAdd(&counters[PLACED], total);
    }
    workgroupBarrier();
    var next = base + sums[local];
    for (var cell = first; cell < end; cell++) {
        cells[cell].y = next;
        next += cells[cell].x;
    }
}
