// dL/d(control point) in canvas pixels from the cubics it belongs to; a thread a point.

@group(0) @binding(0) var<uniform> frame: Frame;
// Path, last point, cubic before it in its contour.
@group(0) @binding(1) var<storage, read> curves: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> curve_grads: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> point_grads: array<vec2<f32>>;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let point = id.x + id.y * groups.x * GROUP;
    if (point >= frame.points) {
        return;
    }
    let curve = point / 3u;
    let which = point % 3u;
    var grad = curve_grads[4u * curve + which];
    if (which == 0u) {
        grad += curve_grads[4u * curves[curve].z + 3u];
    }
    point_grads[point] = grad * frame.scale;
}
