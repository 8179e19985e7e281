// The way back through the colours and the areas, front to back; a workgroup a tile, a thread a pixel. Each batch is drawn
// once more from what lay behind it, so nothing is divided and any number of paths may share a pixel.

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> items: array<Item>;
@group(0) @binding(2) var<storage, read> winding: array<i32>;
@group(0) @binding(3) var<storage, read> cell_lines: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read> lines: array<Line>;
@group(0) @binding(5) var<storage, read> checkpoints: array<vec4<f32>>;
// dL/d(red, green, blue) of each pixel of the strip.
@group(0) @binding(6) var<storage, read> image_grad: array<vec4<f32>>;
// M_0..M_3 of each line in each tile.
@group(0) @binding(7) var<storage, read_write> moments: array<vec4<f32>>;
// dL/d(fill, opacity) of each cell.
@group(0) @binding(8) var<storage, read_write> cell_grads: array<vec4<f32>>;

var<workgroup> parts: array<vec4<f32>, GROUP>;
var<workgroup> part_rows: array<vec4<f32>, TILE>;

// Sum of `value` over the tile, in fixed order; whole for thread 0 alone.
fn sum_tile(value: vec4<f32>, local: u32) -> vec4<f32> {
    parts[local] = value;
    workgroupBarrier();
    if (local < TILE) {
        var sum = vec4<f32>(0.0);
        for (var at = 0u; at < TILE; at++) {
            sum += parts[local * TILE + at];
        }
        part_rows[local] = sum;
    }
    workgroupBarrier();
    var total = vec4<f32>(0.0);
    if (local == 0u) {
        for (var at = 0u; at < TILE; at++) {
            total += part_rows[at];
        }
    }
    return total;
}

fn grad_at(item: u32, column: i32, row: i32) -> f32 {
    if (column < 0 || row < 0 || column >= i32(TILE) || row >= i32(TILE)) {
        return 0.0;
    }
    return bitcast<f32>(atomicLoad(&areas[item * GROUP + u32(row) * TILE + u32(column)]));
}

fn powers(u: f32) -> vec4<f32> {
    let square = u * u;
    return vec4<f32>(u, square, square * u, square * square);
}

// M_0..M_3 of the part of a line in the tile: src/raster/moments.rs.
fn line_moments(item: u32, line: Line, origin: vec2<f32>) -> vec4<f32> {
    let a = line.start - origin;
    let b = line.end - origin;
    let delta = b - a;
    let side = vec2<f32>(min(f32(TILE), f32(frame.width) - origin.x), min(f32(TILE), f32(frame.height) - origin.y));
    var first = 0.0;
    var end = 1.0;
    var per_px = vec2<f32>(0.0);
    for (var axis = 0; axis < 2; axis++) {
        if (delta[axis] == 0.0) {
            if (a[axis] < 0.0 || a[axis] > side[axis]) {
                return vec4<f32>(0.0);
            }
        } else {
            let near = -a[axis] / delta[axis];
            let far = (side[axis] - a[axis]) / delta[axis];
            per_px[axis] = 1.0 / delta[axis];
            first = max(first, min(near, far));
            end = min(end, max(near, far));
        }
    }
    if (first >= end) {
        return vec4<f32>(0.0);
    }
    let from_at = clamp(select(a, a + first * delta, first > 0.0), vec2<f32>(0.0), side);
    let to_at = clamp(select(b, a + end * delta, end < 1.0), vec2<f32>(0.0), side);
    var cell = vec2<i32>(floor(from_at));
    let last = vec2<i32>(floor(to_at));
    let step = select(vec2<i32>(1), vec2<i32>(-1), delta < vec2<f32>(0.0));
    let border = vec2<f32>(cell + select(vec2<i32>(0), vec2<i32>(1), delta > vec2<f32>(0.0)));
    let still = delta == vec2<f32>(0.0);
    var next = select((border - a) * per_px, vec2<f32>(FAR_PX), still);
    let every = abs(per_px);
    var g = grad_at(item, cell.x, cell.y);
    var sums = -g * powers(first);
    let steps = abs(last.x - cell.x) + abs(last.y - cell.y);
    for (var n = 0; n < steps; n++) {
        let across = next.x < next.y;
        let u = clamp(min(next.x, next.y), first, end);
        if (across) {
            next.x += every.x;
            cell.x += step.x;
        } else {
            next.y += every.y;
            cell.y += step.y;
        }
        let behind = g;
        g = grad_at(item, cell.x, cell.y);
        sums += (behind - g) * powers(u);
    }
    return (sums + g * powers(end)) * vec4<f32>(1.0, 0.5, 1.0 / 3.0, 0.25);
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let tile = enter_tile(group.x + group.y * groups.x, local);
    let count = tile.header.first_ref;
    var grad = vec4<f32>(0.0);
    if (tile.inside) {
        grad = vec4<f32>(image_grad[(tile.pixel.y - frame.first_row * TILE) * frame.width + tile.pixel.x].rgb, 0.0);
    }
    var layer_grad = vec4<f32>(0.0);
    let batches = (count + BATCH - 1u) / BATCH;
    for (var rest = batches; rest > 0u; rest--) {
        let first = (rest - 1u) * BATCH;
        let here = min(BATCH, count - first);
        var base = frame.background;
        var layer = vec4<f32>(0.0, 0.0, 0.0, 1.0);
        var open = NONE;
        var open_opacity = 0.0;
        if (first > 0u) {
            let at = checkpoint_at(tile, first, local);
            base = checkpoints[at];
            if (frame.checkpoint_stride > 1u) {
                layer = checkpoints[at + 1u];
                let behind = items[tile.header.cell + first - 1u];
                open = behind.layer;
                open_opacity = behind.layer_opacity;
            }
        }
        // What lies in front of the batch: its layer goes on there, or is laid down between the two.
        var next_layer = NONE;
        if (first + here < count) {
            next_layer = items[tile.header.cell + first + here].layer;
        }
        let first_open = open;
        let first_layer = layer;
        fill_areas(tile, first, local);

        // Drawn again: what was below each item, and the base when the layer before it was laid down.
        var below: array<vec4<f32>, BATCH>;
        var bases: array<vec4<f32>, BATCH>;
        for (var item = 0u; item < here; item++) {
            bases[item] = base;
            if (batch[item].layer != open) {
                if (open != NONE) {
                    base = blend_layer(base, layer, open_opacity);
                }
                open = batch[item].layer;
                open_opacity = batch[item].layer_opacity;
                layer = vec4<f32>(0.0, 0.0, 0.0, 1.0);
            }
            if (open == NONE) {
                below[item] = base;
                base = blend(base, item, area_at(item, local));
            } else {
                below[item] = layer;
                layer = blend(layer, item, area_at(item, local));
            }
        }

        // Front to back. `layer` and `base` are as after the last item.
        for (var left = here + 1u; left > 0u; left--) {
            // Place between item left - 2 (behind) and item left - 1 (in front).
            let in_front = left - 1u;
            if (in_front < here) {
                let item = batch[in_front];
                let area = area_at(in_front, local);
                let cover = min(abs(area), 1.0);
                let slope = select(0.0, select(1.0, -1.0, area < 0.0), abs(area) <= 1.0 && area != 0.0);
                let own = select(layer_grad, grad, item.layer == NONE);
                let by_amount = dot(own, vec4<f32>(item.rgba.rgb, 0.0) - below[in_front]);
                let part = item.rgba.w * cover * own;
                let by_opacity = select(0.0, cover * by_amount, (frame.trained & TRAINED_OPACITY) != 0u);
                if (item.layer == NONE) {
                    grad -= part;
                } else {
                    layer_grad -= part;
                }
                let sum = sum_tile(vec4<f32>(part.rgb, by_opacity), local);
                if (local == 0u) {
                    cell_grads[item.cell] = sum;
                }
                atomicStore(&areas[in_front * GROUP + local], bitcast<i32>(item.rgba.w * slope * by_amount));
                workgroupBarrier();
            }
            // Was a layer laid down at this place? In front of the whole batch only if nothing of it goes on there.
            let behind_layer = select(first_open, batch[max(in_front, 1u) - 1u].layer, in_front > 0u);
            let front_layer = select(next_layer, batch[min(in_front, BATCH - 1u)].layer, in_front < here);
            // The place in front of a batch is also the place behind the next one, which has dealt with it.
            let mine = in_front < here || first + here == count;
            if (frame.checkpoint_stride > 1u && mine && behind_layer != NONE && behind_layer != front_layer) {
                var laid = first_layer;
                var onto = bases[min(in_front, here - 1u)];
                var opacity: f32;
                if (in_front == here) {
                    laid = layer;
                    onto = base;
                }
                if (in_front > 0u) {
                    let behind = in_front - 1u;
                    opacity = batch[behind].layer_opacity;
                    if (in_front < here) {
                        laid = blend(below[behind], behind, area_at(behind, local));
                    }
                } else {
                    opacity = items[tile.header.cell + first - 1u].layer_opacity;
                }
                let alpha = 1.0 - laid.w;
                layer_grad = opacity * vec4<f32>(grad.rgb, dot(grad.rgb, onto.rgb));
                grad *= 1.0 - opacity * alpha;
            }
        }
        workgroupBarrier();
        if ((frame.trained & TRAINED_POINTS) != 0u) {
            for (var n = local; ; n += GROUP) {
                let dealt = deal(n);
                if (dealt.x == BATCH) {
                    break;
                }
                let to = cell_lines[dealt.y];
                moments[to.y] = line_moments(dealt.x, lines[to.x], tile.origin);
            }
        }
        workgroupBarrier();
    }
}
