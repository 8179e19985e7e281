// One axis of a resize of many windows, there or back: `Resize` in src/encoder/crops/resize.rs. The way back is the same sum
// with transposed runs. A thread BLOCK values along the axis on two lines: what it loads serves all of them.

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> resizes: array<Resize>;
@group(0) @binding(2) var<storage, read> runs: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> source: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> result: array<vec4<f32>>;

// Stores the first `count` of BLOCK results. Written out: what is indexed by a variable cannot stay in registers.
fn keep(at: u32, step: u32, count: u32, sums: mat4x3<f32>) {
    result[at] = vec4<f32>(sums[0], 0.0);
    if (count > 1u) {
        result[at + step] = vec4<f32>(sums[1], 0.0);
    }
    if (count > 2u) {
        result[at + 2u * step] = vec4<f32>(sums[2], 0.0);
    }
    if (count > 3u) {
        result[at + 3u * step] = vec4<f32>(sums[3], 0.0);
    }
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let place = place_of(group, groups, local);
    if (place.job >= frame.jobs) {
        return;
    }
    let job = resizes[frame.first_job + place.job];
    let by_columns = job.along == ALONG_COLUMNS;
    let count = select(job.rows, job.columns, by_columns);
    let lines = select(job.columns, job.rows, by_columns);
    let blocks = (count + BLOCK - 1u) / BLOCK;
    let pairs = (lines + 1u) / 2u;
    if (place.element >= blocks * pairs) {
        return;
    }
    let block = select(place.element / pairs, place.element % blocks, by_columns);
    let line = 2u * select(place.element % pairs, place.element / blocks, by_columns);
    let next_line = min(line + 1u, lines - 1u);
    let step = select(job.source_width, 1u, by_columns);
    let line_step = select(1u, job.source_width, by_columns);
    let run = runs[job.runs + block];
    var at = job.source + run.x * step + line * line_step;
    let to_next = (next_line - line) * line_step;
    // Rows come first and subtract the fill colour, columns add it: pixels that do not count then need no weights.
    var sums = products(-job.fill.rgb, weights[run.y]);
    if (by_columns) {
        sums = products(job.fill.rgb, vec4<f32>(1.0));
    }
    var next_sums = sums;
    for (var weight = run.y + 1u; weight <= run.y + run.z; weight++) {
        let shares = weights[weight];
        sums += products(source[at].rgb, shares);
        next_sums += products(source[at + to_next].rgb, shares);
        at += step;
    }
    let result_step = select(job.columns, 1u, by_columns);
    let result_line_step = select(1u, job.columns, by_columns);
    let here = job.result + BLOCK * block * result_step + line * result_line_step;
    let left = count - BLOCK * block;
    keep(here, result_step, left, sums);
    if (next_line > line) {
        keep(here + result_line_step, result_step, left, next_sums);
    }
}
