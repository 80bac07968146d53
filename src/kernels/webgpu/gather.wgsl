// Carries out a plan: a new slot's key is an old one's, seen elsewhere, or a mixture of several, and so is its value. A value
// can be mixed where the key is not. Reads one set of buffers and writes another, so that the order does not matter. One
// workgroup a new slot.

const LANES = 32u;

/// The number of slots S and of rows R; [S, 4]: the old slot whose key it is, or ~row, or NOTHING, where it was seen and where
/// it is now, and the row that the value is mixed by, or -1; [R + 1]: where a row's members begin; then the members, [3] each:
/// the old slot, where it was seen, and the bits of its weight.
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
  let entry = 2u + 4u * slot;
  let source = plan[entry];
  if (source == NOTHING) {
    return;
  }
  let after = plan[entry + 2u];
  if (source < 0) {
    mix_key(u32(~source), slot, after, lane);
  } else {
    move_key(u32(source), plan[entry + 1u], after, slot, lane);
  }
  let row = plan[entry + 3u];
  if (row < 0) {
    move_value(u32(source), slot, lane);
  } else {
    mix_value(u32(row), slot, lane);
  }
}

/// The place of the first member of a row; the row ends where the next one begins.
fn members_of(row: u32) -> u32 {
  let starts = 2u + 4u * u32(plan[0]);
  let members = starts + u32(plan[1]) + 1u;
  return members + 3u * u32(plan[starts + row]);
}

fn mix_key(row: u32, slot: u32, position: i32, lane: u32) {
  let end = members_of(row + 1u);
  clear(lane);
  workgroupBarrier();
  for (var at = members_of(row); at < end; at += 3u) {
    add_key(u32(plan[at]), plan[at + 1u], bitcast<f32>(plan[at + 2u]), lane);
  }
  finish_key(lane);
  put_key(slot, position, lane);
  workgroupBarrier();
}

fn mix_value(row: u32, slot: u32, lane: u32) {
  let end = members_of(row + 1u);
  clear(lane);
  workgroupBarrier();
  for (var at = members_of(row); at < end; at += 3u) {
    add_value(u32(plan[at]), bitcast<f32>(plan[at + 2u]), lane);
  }
  finish_value(lane);
  put_value(slot, lane);
}
