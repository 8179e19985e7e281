// Each cell's lines next to each other; a thread a line. Their order within a cell differs from run to run and no sum
// depends on it.

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(1) var<storage, read> lines: array<Line>;
@group(0) @binding(2) var<storage, read> refs: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> cells: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read> counters: array<u32>;
// The line, and the slot that its moments go to.
@group(0) @binding(5) var<storage, read_write> cell_lines: array<vec2<u32>>;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let index = id.x + id.y * groups.x * GROUP;
    // A pass whose lines do not fit is repeated; lines of an earlier pass, which may lie in the list, are left alone.
    let fits = counters[LINES] <= frame.line_capacity && counters[REFS] <= frame.ref_capacity;
    if (!fits || index >= counters[LINES]) {
        return;
    }
    let line = lines[index];
    for (var slot = line.first_ref; slot < line.first_ref + line.refs; slot++) {
        let to = refs[slot];
        if (to.x != NONE) {
            cell_lines[cells[to.x].y + to.y] = vec2<u32>(index, slot);
        }
    }
}
