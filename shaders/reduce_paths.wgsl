// dL/d(fill, opacity) of each path from its cells, in order; a workgroup a path. Adds up over strips.

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> path_cells: array<PathCells>;
@group(0) @binding(2) var<storage, read> cell_grads: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> path_grads: array<vec4<f32>>;

var<workgroup> fills: array<vec4<f32>, SMALL_GROUP>;

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
    var fill = vec4<f32>(0.0);
    for (var at = local; at < held.columns * held.rows; at += SMALL_GROUP) {
        fill += cell_grads[held.first_cell + at];
    }
    fills[local] = fill;
    for (var half = SMALL_GROUP / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (local < half) {
            fills[local] += fills[local + half];
        }
    }
    if (local == 0u && path < frame.paths) {
        path_grads[path] += fills[0];
    }
}
