// Moves control points, by the mean of their own and their neighbours' steps where outlines are to stay smooth; a thread a
// point. Three passes of (1, 2, 1) / 4 around a contour are one of (1, 6, 15, 20, 15, 6, 1) / 64.

@group(0) @binding(0) var<uniform> frame: Step;
// First point and number of points of the contour of each cubic.
@group(0) @binding(1) var<storage, read> contours: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> means: array<f32>;
@group(0) @binding(3) var<storage, read> variances: array<f32>;
@group(0) @binding(4) var<storage, read> epsilon: array<f32>;
@group(0) @binding(5) var<storage, read_write> points: array<vec2<f32>>;

fn step_at(point: u32) -> vec2<f32> {
    let x = 2u * point;
    return vec2<f32>(
        step_of(means[x], variances[x], epsilon[0], frame),
        step_of(means[x + 1u], variances[x + 1u], epsilon[0], frame),
    );
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let point = id.x + id.y * groups.x * GROUP;
    if (point >= frame.count / 2u) {
        return;
    }
    if (frame.flag == 0u) {
        points[point] += step_at(point);
        return;
    }
    let contour = contours[point / 3u];
    let weights = array(1.0, 6.0, 15.0, 20.0, 15.0, 6.0, 1.0);
    var sum = vec2<f32>(0.0);
    for (var tap = 0u; tap < 7u; tap++) {
        // Six more than the point, less three: never below zero, around short contours more than once.
        let place = (point - contour.x + 3u * contour.y + tap - 3u) % contour.y;
        sum += weights[tap] * step_at(contour.x + place);
    }
    points[point] += sum / 64.0;
}
