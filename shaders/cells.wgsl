// The tiles that each path may touch; a thread a path.

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> bounds: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> path_cells: array<PathCells>;
@group(0) @binding(3) var<storage, read_write> counters: array<atomic<u32>>;

var<workgroup> base: u32;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let path = id.x + id.y * groups.x * GROUP;
    var cells = PathCells(0u, 0u, 0u, 0u, 0u);
    if (path < frame.paths) {
        let grown = bounds[path];
        if (grown.x > 0u && grown.y > 0u && grown.z > 0u) {
            cells.column = frame.tiles_x - grown.x;
            cells.columns = grown.y - cells.column;
            cells.row = frame.end_row - grown.z;
            cells.rows = grown.w - cells.row;
        }
    }
    let taken = sum_up_to(local, vec2<u32>(cells.columns * cells.rows, 0u)).x;
    if (local == GROUP - 1u) {
        base = atomicAdd(&counters[CELLS], taken);
    }
    workgroupBarrier();
    if (path >= frame.paths) {
        return;
    }
    let end = base + taken;
    cells.first_cell = end - cells.columns * cells.rows;
    if (end > frame.cell_capacity) {
        cells = PathCells(0u, 0u, 0u, 0u, 0u);
    }
    path_cells[path] = cells;
}
