// Adam's moments (Kingma and Ba 2015), and how large the second ones are; a thread a number.

@group(0) @binding(0) var<uniform> frame: Step;
@group(0) @binding(1) var<storage, read> grads: array<f32>;
// One bit a number: 1 where it may move.
@group(0) @binding(2) var<storage, read> free: array<u32>;
@group(0) @binding(3) var<storage, read_write> means: array<f32>;
@group(0) @binding(4) var<storage, read_write> variances: array<f32>;
// Sum of the second moments that are not zero, and their number, of each workgroup.
@group(0) @binding(5) var<storage, read_write> partials: array<vec2<f32>>;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = group.x + group.y * groups.x;
    let at = index * GROUP + local;
    var variance = 0.0;
    if (at < frame.count) {
        let g = select(0.0, grads[at], ((free[at / 32u] >> (at % 32u)) & 1u) != 0u);
        means[at] = BETA_1 * means[at] + (1.0 - BETA_1) * g;
        variance = BETA_2 * variances[at] + (1.0 - BETA_2) * g * g;
        variances[at] = variance;
    }
    let sum = sum_of_group(local, vec2<f32>(variance, select(0.0, 1.0, variance > 0.0)));
    if (local == 0u && index < frame.partials) {
        partials[index] = sum;
    }
}
