// dL/d(fill) from the paths that share it, in order; a thread a fill.

@group(0) @binding(0) var<uniform> frame: Frame;
// For each fill where its paths begin; then the end; then the paths.
@group(0) @binding(1) var<storage, read> fill_paths: array<u32>;
@group(0) @binding(2) var<storage, read> path_grads: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> fill_grads: array<vec4<f32>>;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let fill = id.x + id.y * groups.x * GROUP;
    if (fill >= frame.fills) {
        return;
    }
    var sum = vec4<f32>(0.0);
    for (var at = fill_paths[fill]; at < fill_paths[fill + 1u]; at++) {
        sum += path_grads[fill_paths[frame.fills + 1u + at]];
    }
    fill_grads[fill] = sum;
}
