// Keys as they came: in f32 and turned back. One workgroup a key.

const LANES = 32u;

/// Their number; then [keys, 2] the slot, or NOTHING, and where it is seen.
@group(0) @binding(14) var<storage, read> wanted: array<i32>;
/// [keys, QUADS]
@group(0) @binding(15) var<storage, read_write> unpacked: array<vec4<f32>>;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = group.x + group.y * groups.x;
  if (index >= u32(wanted[0])) {
    return;
  }
  let slot = wanted[1u + 2u * index];
  if (slot == NOTHING) {
    return;
  }
  clear(lane);
  workgroupBarrier();
  add_key(u32(slot), wanted[2u + 2u * index], 1.0, lane);
  finish_key(lane);
  for (var i = lane; i < QUADS; i += LANES) {
    unpacked[index * QUADS + i] = quad(i);
  }
}
