// Gradient of the Dirichlet energy of the change: `Coherence` in src/optimize/coherence.rs. A thread a pixel.

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> image: array<vec4<f32>>;
// The first picture.
@group(0) @binding(2) var<storage, read> held: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> image_grad: array<vec4<f32>>;

fn change(at: u32) -> vec3<f32> {
    return image[at].rgb - held[at].rgb;
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let at = (group.x + group.y * groups.x) * GROUP + local;
    if (at >= frame.width * frame.height) {
        return;
    }
    let x = at % frame.width;
    let y = at / frame.width;
    let here = change(at);
    var sum = vec3<f32>(0.0);
    if (x > 0u) {
        sum += here - change(at - 1u);
    }
    if (x + 1u < frame.width) {
        sum += here - change(at + 1u);
    }
    if (y > 0u) {
        sum += here - change(at - frame.width);
    }
    if (y + 1u < frame.height) {
        sum += here - change(at + frame.width);
    }
    image_grad[at] = vec4<f32>(image_grad[at].rgb + frame.scale * sum, 0.0);
}
