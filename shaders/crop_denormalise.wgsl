// The adjoint of crop_normalise.wgsl: `Crops::denormalised` in src/encoder/crops/mod.rs. A thread a pixel of a crop.

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> windows: array<Window>;
// [crops, 3, side, side]
@group(0) @binding(2) var<storage, read> d_crops: array<f32>;
@group(0) @binding(3) var<storage, read_write> planes: array<vec4<f32>>;

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
    let red = 3u * crop * count + place.element;
    let value = vec3<f32>(d_crops[red], d_crops[red + count], d_crops[red + 2u * count]) / frame.deviation.rgb;
    planes[windows[crop].square + place.element] = vec4<f32>(value, 0.0);
}
