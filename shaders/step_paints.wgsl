// Moves fills and keeps them colours; a thread a fill.

@group(0) @binding(0) var<uniform> frame: Step;
// Slot of each fill, or NONE.
@group(0) @binding(1) var<storage, read> slots: array<u32>;
@group(0) @binding(2) var<storage, read> means: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> variances: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> epsilon: array<f32>;
// Fills, then groups, which do not move.
@group(0) @binding(5) var<storage, read_write> paints: array<vec4<f32>>;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= frame.fills || slots[id.x] == NONE) {
        return;
    }
    let mean = means[slots[id.x]];
    let variance = variances[slots[id.x]];
    let moved = vec4<f32>(
        step_of(mean.x, variance.x, epsilon[0], frame),
        step_of(mean.y, variance.y, epsilon[0], frame),
        step_of(mean.z, variance.z, epsilon[0], frame),
        step_of(mean.w, variance.w, epsilon[0], frame),
    );
    paints[id.x] = clamp(paints[id.x] + moved, vec4<f32>(0.0), vec4<f32>(1.0));
}
