// The term under Adam's division: epsilon plus the floor times the root mean square gradient; one workgroup.

@group(0) @binding(0) var<uniform> frame: Step;
@group(0) @binding(1) var<storage, read> partials: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> epsilon: array<f32>;

@compute @workgroup_size(GROUP)
fn main(@builtin(local_invocation_index) local: u32) {
    var sum = vec2<f32>(0.0);
    for (var at = local; at < frame.partials; at += GROUP) {
        sum += partials[at];
    }
    let total = sum_of_group(local, sum);
    if (local == 0u) {
        epsilon[0] = EPSILON + frame.floor * sqrt(total.x / max(total.y, 1.0) / frame.bias_2);
    }
}
