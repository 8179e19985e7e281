// Finished squares to what the encoder takes: `Crops::forward` in src/encoder/crops/mod.rs. A thread a pixel of a crop.

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> windows: array<Window>;
@group(0) @binding(2) var<storage, read> planes: array<vec4<f32>>;
// [crops, 3, side, side]
@group(0) @binding(3) var<storage, read_write> crops: array<f32>;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let place = place_of(group, groups, local);
    let count = frame.side * frame.side;
    if (place.job >= frame.jobs || place.element >= count) {
        return;
    }
    let crop = frame.first_job + place.job;
    let value = (planes[windows[crop].square + place.element].rgb - frame.mean.rgb) / frame.deviation.rgb;
    for (var channel = 0u; channel < 3u; channel++) {
        crops[(3u * crop + channel) * count + place.element] = value[channel];
    }
}
