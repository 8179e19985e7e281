// Gradients of fills that move together, in order; a thread a slot.

@group(0) @binding(0) var<uniform> frame: Step;
// Where each slot's fills begin, the end, the fills.
@group(0) @binding(1) var<storage, read> slot_fills: array<u32>;
@group(0) @binding(2) var<storage, read> paint_grads: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> slot_grads: array<vec4<f32>>;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let slots = frame.count / 4u;
    if (id.x >= slots) {
        return;
    }
    var sum = vec4<f32>(0.0);
    for (var at = slot_fills[id.x]; at < slot_fills[id.x + 1u]; at++) {
        sum += paint_grads[slot_fills[slots + 1u + at]];
    }
    slot_grads[id.x] = select(vec4<f32>(sum.rgb, 0.0), sum, frame.flag != 0u);
}
