// dL/d(fill) from the paths that share it, and dL/d(opacity) of groups, in order; a thread a fill or group.

@group(0) @binding(0) var<uniform> frame: Frame;
// For each fill and then each group where its paths begin; then the end; then the paths.
@group(0) @binding(1) var<storage, read> paint_paths: array<u32>;
@group(0) @binding(2) var<storage, read> path_grads: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> paint_grads: array<vec4<f32>>;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let paint = id.x + id.y * groups.x * GROUP;
    let paints = frame.fills + frame.groups;
    if (paint >= paints) {
        return;
    }
    let part = select(1u, 0u, paint < frame.fills);
    var sum = vec4<f32>(0.0);
    for (var at = paint_paths[paint]; at < paint_paths[paint + 1u]; at++) {
        sum += path_grads[2u * paint_paths[paints + 1u + at] + part];
    }
    paint_grads[paint] = sum;
}
