// Projective warps of many planes: `Perspective::forward` in src/encoder/crops/perspective.rs. A thread an output pixel.

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> warps: array<Warp>;
@group(0) @binding(2) var<storage, read> tiles: array<Tile>;
// Fill colour of each warp.
@group(0) @binding(3) var<storage, read> fills: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> planes: array<vec4<f32>>;

fn tap(warp: Warp, at: vec2<i32>, weight: f32) -> vec3<f32> {
    if (weight == 0.0) {
        return vec3<f32>(0.0);
    }
    return weight * planes[warp.source + u32(at.y) * warp.source_width + u32(at.x)].rgb;
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
    let warp = warps[frame.first_job + place.job];
    if (place.element >= warp.to * warp.to) {
        return;
    }
    let fill = fills[frame.first_job + place.job].rgb;
    let pixel = vec2<u32>(place.element % warp.to, place.element / warp.to);
    let tile = tiles[warp.tiles + pixel.y / WARP_TILE * warp.tiles_x + pixel.x / WARP_TILE];
    var sum = vec3<f32>(0.0);
    for (var sub = 0u; sub < warp.samples * warp.samples; sub++) {
        let spot = spot_of(warp, tile, pixel * warp.samples + vec2<u32>(sub % warp.samples, sub / warp.samples));
        var seen = tap(warp, spot.cell, spot.low.x * spot.low.y);
        seen += tap(warp, spot.cell + vec2<i32>(1, 0), spot.high.x * spot.low.y);
        seen += tap(warp, spot.cell + vec2<i32>(0, 1), spot.low.x * spot.high.y);
        seen += tap(warp, spot.cell + vec2<i32>(1, 1), spot.high.x * spot.high.y);
        sum += spot.mask * seen + (1.0 - spot.mask) * fill;
    }
    planes[warp.result + place.element] = vec4<f32>(sum / f32(warp.samples * warp.samples), 0.0);
}
