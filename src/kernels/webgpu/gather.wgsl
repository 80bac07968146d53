// Carries out a plan: every new slot is an old one, seen elsewhere, or a mixture of old ones. Reads one set of buffers and
// writes another, so that the order does not matter. One workgroup a new slot.

const LANES = 32u;

/// The number of slots S and of rows R; [S, 3]: the old slot, or ~row, or NOTHING, where it was seen and where it is now;
/// [R + 1]: where a row's members begin; then the members, [3] each: the old slot, where it was seen, and the bits of its
/// weight.
@group(0) @binding(14) var<storage, read> plan: array<i32>;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let slot = group.x + group.y * groups.x;
  if (slot >= u32(plan[0])) {
    return;
  }
  let entry = 2u + 3u * slot;
  let source = plan[entry];
  if (source == NOTHING) {
    return;
  }
  if (source < 0) {
    mix(u32(~source), slot, plan[entry + 2u], lane);
    return;
  }
  move_key(u32(source), plan[entry + 1u], plan[entry + 2u], slot, lane);
  move_value(u32(source), slot, lane);
}

fn mix(row: u32, slot: u32, position: i32, lane: u32) {
  let rows = 2u + 3u * u32(plan[0]);
  let members = rows + u32(plan[1]) + 1u;
  let first = u32(plan[rows + row]);
  let end = u32(plan[rows + row + 1u]);
  clear(lane);
  workgroupBarrier();
  for (var m = first; m < end; m++) {
    let at = members + 3u * m;
    add_key(u32(plan[at]), plan[at + 1u], bitcast<f32>(plan[at + 2u]), lane);
  }
  finish_key(lane);
  put_key(slot, position, lane);
  workgroupBarrier();
  clear(lane);
  workgroupBarrier();
  for (var m = first; m < end; m++) {
    let at = members + 3u * m;
    add_value(u32(plan[at]), bitcast<f32>(plan[at + 2u]), lane);
  }
  finish_value(lane);
  put_value(slot, lane);
}
