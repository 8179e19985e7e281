// Cubics to lines within the tolerance, as src/raster/flatten.rs; a thread a cubic. Lines, and the slots of their tiles, are
// taken from the counters a workgroup at a time: where they lie differs from run to run, what they hold does not.

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> points: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> curves: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> bounds: array<atomic<u32>>;
@group(0) @binding(4) var<storage, read_write> lines: array<Line>;
@group(0) @binding(5) var<storage, read_write> curve_lines: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> counters: array<atomic<u32>>;

var<workgroup> base: vec2<u32>;

fn raster_from_canvas(point: vec2<f32>) -> vec2<f32> {
    return clamp(point * frame.scale, vec2<f32>(-FAR_PX), vec2<f32>(FAR_PX));
}

fn is_finite(point: vec2<f32>) -> bool {
    let exponent = bitcast<vec2<u32>>(point) & vec2<u32>(0x7f800000u);
    return all(exponent != vec2<u32>(0x7f800000u));
}

struct Cubic {
    c0: vec2<f32>,
    c1: vec2<f32>,
    c2: vec2<f32>,
    c3: vec2<f32>,
    end: vec2<f32>,
}

fn cubic_at(cubic: Cubic, part: u32, parts: u32) -> vec2<f32> {
    if (part == parts) {
        return cubic.end;
    }
    let t = f32(part) * (1.0 / f32(parts));
    return cubic.c0 + t * (cubic.c1 + t * (cubic.c2 + t * cubic.c3));
}

// Into how many lines a cubic is cut, 0: none that matters (Wang 1984).
fn parts_of(p0: vec2<f32>, p1: vec2<f32>, p2: vec2<f32>, p3: vec2<f32>) -> u32 {
    let low = min(min(p0, p1), min(p2, p3));
    let high = max(max(p0, p1), max(p2, p3));
    if (high.y < 0.0 || low.y >= f32(frame.height) || low.x >= f32(frame.width)) {
        return 0u;
    }
    if (high.x <= 0.0) {
        return 1u;
    }
    let bend_a = p0 - 2.0 * p1 + p2;
    let bend_b = p1 - 2.0 * p2 + p3;
    let largest = max(dot(bend_a, bend_a), dot(bend_b, bend_b));
    let parts_squared = 0.75 * sqrt(largest) / frame.tolerance_px;
    return clamp(u32(ceil(sqrt(parts_squared))), 1u, MAX_PARTS);
}

// Rows of tiles in which a line is drawn; none where it cannot change the picture.
fn rows_of(a: vec2<f32>, b: vec2<f32>) -> vec2<i32> {
    let outside = min(a.x, b.x) >= f32(frame.width) || max(a.y, b.y) < 0.0 || min(a.y, b.y) >= f32(frame.height);
    let flat = select(a.y == b.y, all(a == b), (frame.trained & TRAINED_POINTS) != 0u);
    if (outside || flat) {
        return vec2<i32>(0, 0);
    }
    return rows_between(min(a.y, b.y), max(a.y, b.y), frame);
}

// Grows the path's tiles to hold a line; returns the number of tiles that it touches. All four bounds grow from 0.
fn include(path: u32, a: vec2<f32>, b: vec2<f32>, rows: vec2<i32>) -> u32 {
    let last_column = i32(frame.tiles_x) - 1;
    var refs = 0u;
    var low = last_column;
    var high = -1;
    for (var row = rows.x; row < rows.y; row++) {
        let columns = columns_in_row(a, b, row, frame);
        low = min(low, max(columns.x, 0));
        high = max(high, min(columns.y, last_column));
        refs += u32(max(min(columns.y, last_column) - max(columns.x, 0) + 1, 0));
    }
    atomicMax(&bounds[4u * path], frame.tiles_x - u32(low));
    atomicMax(&bounds[4u * path + 1u], u32(max(high, 0)) + 1u);
    atomicMax(&bounds[4u * path + 2u], frame.end_row - u32(rows.x));
    atomicMax(&bounds[4u * path + 3u], u32(rows.y));
    return refs;
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let curve = id.x + id.y * groups.x * GROUP;
    var cubic: Cubic;
    var parts = 0u;
    var needs = vec2<u32>(0u);
    if (curve < frame.curves) {
        let about = curves[curve];
        let raw = array(points[3u * curve], points[3u * curve + 1u], points[3u * curve + 2u], points[about.y]);
        let p0 = raster_from_canvas(raw[0]);
        let p1 = raster_from_canvas(raw[1]);
        let p2 = raster_from_canvas(raw[2]);
        let p3 = raster_from_canvas(raw[3]);
        if (is_finite(raw[0]) && is_finite(raw[1]) && is_finite(raw[2])) {
            parts = parts_of(p0, p1, p2, p3);
            cubic = Cubic(p0, 3.0 * (p1 - p0), 3.0 * (p2 - p1 - (p1 - p0)), p3 - p0 - 3.0 * (p2 - p1), p3);
        } else {
            atomicMax(&counters[BAD_PATH], frame.paths - about.x);
        }
        // What reaches beyond the right border covers everything up to it.
        if (max(max(p0.x, p1.x), max(p2.x, p3.x)) >= f32(frame.width)) {
            atomicMax(&bounds[4u * about.x + 1u], frame.tiles_x);
        }
        var a = p0;
        for (var part = 0u; part < parts; part++) {
            let b = cubic_at(cubic, part + 1u, parts);
            let rows = rows_of(a, b);
            if (rows.x < rows.y) {
                needs += vec2<u32>(1u, include(about.x, a, b, rows));
            }
            a = b;
        }
    }
    let taken = sum_up_to(local, needs);
    if (local == GROUP - 1u) {
        base = vec2<u32>(atomicAdd(&counters[LINES], taken.x), atomicAdd(&counters[REFS], taken.y));
    }
    workgroupBarrier();
    if (curve >= frame.curves) {
        return;
    }
    let end = base + taken;
    var next = end - needs;
    if (end.x > frame.line_capacity || end.y > frame.ref_capacity) {
        curve_lines[curve] = vec2<u32>(0u);
        return;
    }
    curve_lines[curve] = vec2<u32>(next.x, needs.x);
    var a = cubic.c0;
    for (var part = 0u; part < parts; part++) {
        let b = cubic_at(cubic, part + 1u, parts);
        let rows = rows_of(a, b);
        if (rows.x < rows.y) {
            var refs = 0u;
            for (var row = rows.x; row < rows.y; row++) {
                let columns = columns_in_row(a, b, row, frame);
                refs += u32(max(min(columns.y, i32(frame.tiles_x) - 1) - max(columns.x, 0) + 1, 0));
            }
            if (next.x < end.x) {
                lines[next.x] = Line(a, b, curve, part | (parts << 16u), next.y, min(refs, end.y - next.y));
                next = min(next + vec2<u32>(1u, refs), end);
            }
        }
        a = b;
    }
}
