// One axis of the blur of the tone term, zeros outside: `convolve` in src/optimize/legibility.rs. A thread BLOCK pixels in a
// row of that axis: what it loads serves all of them.

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> source: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> kernel: array<f32>;
// The first picture, blurred.
@group(0) @binding(3) var<storage, read> held: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> result: array<vec4<f32>>;

fn weight_of(tap: i32) -> f32 {
    if (tap < 0 || tap > 2 * i32(frame.radius)) {
        return 0.0;
    }
    return kernel[tap];
}

fn products(value: vec3<f32>, weights: vec4<f32>) -> mat4x3<f32> {
    return mat4x3<f32>(value * weights.x, value * weights.y, value * weights.z, value * weights.w);
}

fn finish(element: u32, inside: bool, blurred: vec3<f32>) {
    if (!inside) {
        return;
    }
    var sum = blurred;
    if (frame.ending == LESS_HELD) {
        sum -= held[element].rgb;
    } else if (frame.ending == ADD) {
        sum = result[element].rgb + frame.scale * sum;
    }
    result[element] = vec4<f32>(sum, 0.0);
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let thread = (group.x + group.y * groups.x) * GROUP + local;
    let by_columns = frame.along_columns != 0u;
    let count = select(frame.width, frame.height, by_columns);
    let lines = select(frame.height, frame.width, by_columns);
    let blocks = (count + BLOCK - 1u) / BLOCK;
    if (thread >= blocks * lines) {
        return;
    }
    let line = select(thread / blocks, thread % lines, by_columns);
    let first = BLOCK * select(thread % blocks, thread / lines, by_columns);
    let stride = select(1u, frame.width, by_columns);
    let base = line * select(frame.width, 1u, by_columns);
    let start = first - min(first, frame.radius);
    let end = min(first + BLOCK + frame.radius, count);
    // Pixel `first + n` sees the source at `at` with the weight `tap - n`.
    var tap = i32(start + frame.radius) - i32(first);
    var near = vec4<f32>(weight_of(tap), weight_of(tap - 1), weight_of(tap - 2), weight_of(tap - 3));
    var far = vec4<f32>(weight_of(tap - 4), weight_of(tap - 5), weight_of(tap - 6), weight_of(tap - 7));
    var near_sums = products(vec3<f32>(0.0), near);
    var far_sums = near_sums;
    for (var at = start; at < end; at++) {
        let value = source[base + at * stride].rgb;
        near_sums += products(value, near);
        far_sums += products(value, far);
        tap += 1;
        far = vec4<f32>(near.w, far.xyz);
        near = vec4<f32>(weight_of(tap), near.xyz);
    }
    // Written out: what is indexed by a variable cannot stay in registers.
    let here = base + first * stride;
    let left = count - first;
    finish(here, left > 0u, near_sums[0]);
    finish(here + stride, left > 1u, near_sums[1]);
    finish(here + 2u * stride, left > 2u, near_sums[2]);
    finish(here + 3u * stride, left > 3u, near_sums[3]);
    finish(here + 4u * stride, left > 4u, far_sums[0]);
    finish(here + 5u * stride, left > 5u, far_sums[1]);
    finish(here + 6u * stride, left > 6u, far_sums[2]);
    finish(here + 7u * stride, left > 7u, far_sums[3]);
}
