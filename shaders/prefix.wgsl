// Running sums over a workgroup, for the stages that take room from a counter a workgroup at a time.

var<workgroup> sums: array<vec2<u32>, GROUP>;

// Sum of the values of all threads up to this one, its own included; the last thread's is that of the workgroup.
fn sum_up_to(local: u32, value: vec2<u32>) -> vec2<u32> {
    sums[local] = value;
    workgroupBarrier();
    for (var step = 1u; step < GROUP; step *= 2u) {
        var before = vec2<u32>(0u);
        if (local >= step) {
            before = sums[local - step];
        }
        workgroupBarrier();
        sums[local] += before;
        workgroupBarrier();
    }
    return sums[local];
}
