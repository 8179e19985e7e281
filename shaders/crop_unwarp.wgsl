// The adjoint of crop_warp.wgsl, gathered: a thread a source pixel looks for the samples that see it. Those lie where the
// inverse warp takes the pixel and its neighbours; each is placed as on the way there, so the adjoint is exact and sums
// have a fixed order. `Perspective::adjoint` in src/encoder/crops/perspective.rs.

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> warps: array<Warp>;
@group(0) @binding(2) var<storage, read> tiles: array<Tile>;
@group(0) @binding(3) var<storage, read_write> planes: array<vec4<f32>>;

// More than the inverse warp is off by in single precision, in output pixels.
const MARGIN_PX = 0.0625;

// The first sample and one past the last that may see the box from `low` to `high`.
struct Range {
    first: vec2<u32>,
    end: vec2<u32>,
}

fn range_of(warp: Warp, low: vec2<f32>, high: vec2<f32>) -> Range {
    let count = warp.to * warp.samples;
    let all = Range(vec2<u32>(0u), vec2<u32>(count));
    if (warp.scan_all != 0u) {
        return all;
    }
    var least = vec2<f32>(FAR_PX);
    var most = vec2<f32>(-FAR_PX);
    for (var corner = 0u; corner < 4u; corner++) {
        let at = select(low, high, vec2<bool>((corner & 1u) != 0u, (corner & 2u) != 0u)) - warp.source_centre;
        let nearness = 1.0 + dot(warp.slope, at);
        if (nearness < LEAST_NEARNESS) {
            return all;
        }
        let found = warp.centre + vec2<f32>(dot(warp.inverse.xy, at), dot(warp.inverse.zw, at)) / nearness;
        least = min(least, found);
        most = max(most, found);
    }
    // Sample s of an axis lies at (s + 1/2) / samples.
    let limit = vec2<f32>(f32(count));
    let first = ceil((least - MARGIN_PX) * f32(warp.samples) - 0.5);
    let end = floor((most + MARGIN_PX) * f32(warp.samples) - 0.5) + 1.0;
    return Range(vec2<u32>(clamp(first, vec2<f32>(0.0), limit)), vec2<u32>(clamp(end, vec2<f32>(0.0), limit)));
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
    if (place.element >= warp.source_width * warp.source_height) {
        return;
    }
    let size = vec2<u32>(warp.source_width, warp.source_height);
    let unsigned = vec2<u32>(place.element % size.x, place.element / size.x);
    let pixel = vec2<i32>(unsigned);
    var low = vec2<f32>(pixel) - 1.0;
    var high = vec2<f32>(pixel) + 1.0;
    if (warp.edge == EDGE_REPEAT) {
        // The border pixel stands for all that lies beyond it.
        low = select(low, min(low, warp.least), unsigned == vec2<u32>(0u));
        high = select(high, max(high, warp.most), unsigned + 1u == size);
    }
    let range = range_of(warp, low, high);
    let side = WARP_TILE * warp.samples;
    var sum = vec3<f32>(0.0);
    for (var tile_y = range.first.y / side; tile_y * side < range.end.y; tile_y++) {
        for (var tile_x = range.first.x / side; tile_x * side < range.end.x; tile_x++) {
            let tile = tiles[warp.tiles + tile_y * warp.tiles_x + tile_x];
            if (any(tile.most < low) || any(tile.least > high)) {
                continue;
            }
            let start = max(range.first, vec2<u32>(tile_x, tile_y) * side);
            let end = min(range.end, vec2<u32>(tile_x + 1u, tile_y + 1u) * side);
            for (var y = start.y; y < end.y; y++) {
                for (var x = start.x; x < end.x; x++) {
                    let spot = spot_of(warp, tile, vec2<u32>(x, y));
                    let by_low = select(vec2<f32>(0.0), spot.low, spot.cell == pixel);
                    let by_axis = by_low + select(vec2<f32>(0.0), spot.high, spot.cell + 1 == pixel);
                    let weight = by_axis.x * by_axis.y * spot.mask;
                    if (weight != 0.0) {
                        sum += weight * planes[warp.result + y / warp.samples * warp.to + x / warp.samples].rgb;
                    }
                }
            }
        }
    }
    planes[warp.source + place.element] = vec4<f32>(sum / f32(warp.samples * warp.samples), 0.0);
}
