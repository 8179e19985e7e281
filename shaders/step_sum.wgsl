// Sums over a workgroup, for the stages whose sums are small enough for one.

var<workgroup> sums: array<vec2<f32>, GROUP>;

// Sum of the threads' values, in a fixed order; whole for thread 0 alone.
fn sum_of_group(local: u32, value: vec2<f32>) -> vec2<f32> {
    sums[local] = value;
    for (var half = GROUP / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (local < half) {
            sums[local] += sums[local + half];
        }
    }
    return sums[0];
}
