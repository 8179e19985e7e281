// Areas and colours, back to front; a workgroup a tile, a thread a pixel. What lies behind each batch of items but the
// first is kept for the way back.

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> items: array<Item>;
@group(0) @binding(2) var<storage, read> winding: array<i32>;
@group(0) @binding(3) var<storage, read> cell_lines: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read> lines: array<Line>;
@group(0) @binding(5) var<storage, read_write> checkpoints: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> image: array<vec4<f32>>;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let tile = enter_tile(group.x + group.y * groups.x, local);
    let count = tile.header.first_ref;
    var base = frame.background;
    var layer = vec4<f32>(0.0, 0.0, 0.0, 1.0);
    var open = NONE;
    var open_opacity = 0.0;
    for (var first = 0u; first < count; first += BATCH) {
        if (first > 0u) {
            let at = checkpoint_at(tile, first, local);
            checkpoints[at] = base;
            if (frame.checkpoint_stride > 1u) {
                checkpoints[at + 1u] = layer;
            }
        }
        fill_areas(tile, first, local);
        for (var item = 0u; item < min(BATCH, count - first); item++) {
            if (batch[item].layer != open) {
                if (open != NONE) {
                    base = blend_layer(base, layer, open_opacity);
                }
                open = batch[item].layer;
                open_opacity = batch[item].layer_opacity;
                layer = vec4<f32>(0.0, 0.0, 0.0, 1.0);
            }
            let area = area_at(item, local);
            if (open == NONE) {
                base = blend(base, item, area);
            } else {
                layer = blend(layer, item, area);
            }
        }
        workgroupBarrier();
    }
    if (open != NONE) {
        base = blend_layer(base, layer, open_opacity);
    }
    if (tile.inside) {
        image[(tile.pixel.y - frame.first_row * TILE) * frame.width + tile.pixel.x] = base;
    }
}
