// The end of the way back: the rows of every window's resize and the sum over windows, in their order. A thread BLOCK rows
// of two columns of the picture. `Resize::adjoint` and `Crops::adjoint` in src/encoder/crops.

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> windows: array<Window>;
@group(0) @binding(2) var<storage, read> runs: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> lines: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> image_grad: array<vec4<f32>>;

fn keep_one(at: vec2<u32>, sum: vec3<f32>) {
    if (at.x >= frame.width || at.y >= frame.height) {
        return;
    }
    let element = at.y * frame.width + at.x;
    var total = sum;
    if (frame.adds != 0u) {
        total += image_grad[element].rgb;
    }
    image_grad[element] = vec4<f32>(total, 0.0);
}

// Written out: what is indexed by a variable cannot stay in registers.
fn keep(at: vec2<u32>, sums: mat4x3<f32>) {
    keep_one(at, sums[0]);
    keep_one(at + vec2<u32>(0u, 1u), sums[1]);
    keep_one(at + vec2<u32>(0u, 2u), sums[2]);
    keep_one(at + vec2<u32>(0u, 3u), sums[3]);
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let element = (group.x + group.y * groups.x) * GROUP + local;
    let pairs = (frame.width + 1u) / 2u;
    let x = 2u * (element % pairs);
    let y = BLOCK * (element / pairs);
    if (y >= frame.height) {
        return;
    }
    var sums = products(vec3<f32>(0.0), vec4<f32>(0.0));
    var next_sums = sums;
    for (var job = 0u; job < frame.jobs; job++) {
        let window = windows[frame.first_job + job];
        let is_beside = x + 1u < window.left || x >= window.right || y < window.top || y >= window.bottom;
        if (is_beside || window.span == 0u) {
            continue;
        }
        let run = runs[window.runs + (y - window.top) / BLOCK];
        // A column beside the window gets its share of a neighbour, times zero.
        let inside = f32(x >= window.left);
        let next_inside = f32(x + 1u < window.right);
        var at = window.lines + run.x * window.span + max(x, window.left) - window.left;
        let to_next = min(x + 1u, window.right - 1u) - max(x, window.left);
        for (var weight = run.y + 1u; weight <= run.y + run.z; weight++) {
            let shares = weights[weight];
            sums += products(lines[at].rgb, inside * shares);
            next_sums += products(lines[at + to_next].rgb, next_inside * shares);
            at += window.span;
        }
    }
    keep(vec2<u32>(x, y), sums);
    keep(vec2<u32>(x + 1u, y), next_sums);
}
