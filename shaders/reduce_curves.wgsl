// The moments of a cubic's lines to its four control points, in order; a thread a cubic. Adds up over strips.

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> curve_lines: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> lines: array<Line>;
@group(0) @binding(3) var<storage, read> moments: array<vec4<f32>>;
// Four a cubic.
@group(0) @binding(4) var<storage, read_write> curve_grads: array<vec2<f32>>;

// Moments in the line's own parameter to moments in the cubic's, by the binomial theorem.
fn curve_moments(m: vec4<f32>, part: u32, parts: u32) -> vec4<f32> {
    let h = 1.0 / f32(parts);
    let s = f32(part) * h;
    let n1 = h * m.y;
    let n2 = h * h * m.z;
    let n3 = h * h * h * m.w;
    return vec4<f32>(
        m.x,
        s * m.x + n1,
        s * (s * m.x + 2.0 * n1) + n2,
        s * (s * (s * m.x + 3.0 * n1) + 3.0 * n2) + n3,
    );
}

// Power basis to Bernstein basis.
fn bernstein(t: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(
        t.x - t.w - 3.0 * (t.y - t.z),
        3.0 * (t.y + t.w - 2.0 * t.z),
        3.0 * (t.z - t.w),
        t.w,
    );
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let curve = id.x + id.y * groups.x * GROUP;
    if (curve >= frame.curves) {
        return;
    }
    var x = vec4<f32>(0.0);
    var y = vec4<f32>(0.0);
    let range = curve_lines[curve];
    for (var at = range.x; at < range.x + range.y; at++) {
        let line = lines[at];
        var sum = vec4<f32>(0.0);
        for (var slot = line.first_ref; slot < line.first_ref + line.refs; slot++) {
            sum += moments[slot];
        }
        let moment = curve_moments(sum, line.part & 0xffffu, line.part >> 16u);
        let delta = line.end - line.start;
        x -= moment * delta.y;
        y += moment * delta.x;
    }
    x = bernstein(x);
    y = bernstein(y);
    for (var point = 0u; point < 4u; point++) {
        curve_grads[4u * curve + point] += vec2<f32>(x[point], y[point]);
    }
}
