// Turns a layer's keys of 4 bits to their positions, in f32, before attention. Workgroups take turns over the slots of a unit.

const LANES = 32u;

/// [slot of the layer, QUADS]
@group(0) @binding(16) var<storage, read_write> spread: array<vec4<f32>>;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let unit = units[unit_of(group.y)];
  let count = unit.live + step.appended + step.tokens;
  for (var index = group.x; index < count; index += groups.x) {
    turn_slot(unit.offset + index, lane);
  }
}

fn turn_slot(slot: u32, lane: u32) {
  clear(lane);
  workgroupBarrier();
  see_key(slot, key_position(slot), lane);
  let to = (slot - units[unit_of(0u)].offset) * QUADS;
  for (var i = lane; i < QUADS; i += LANES) {
    spread[to + i] = quad(i);
  }
}
