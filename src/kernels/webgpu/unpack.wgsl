// Vectors in f32. One workgroup a vector; `take` of `unpack_keys`, `unpack_turned` or `unpack_values` stands before it.

/// Their number; then [vectors, 2] the slot, or NOTHING, and where it is seen.
@group(0) @binding(14) var<storage, read> wanted: array<i32>;
/// [vectors, QUADS]
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
  take(u32(slot), wanted[2u + 2u * index], lane);
  for (var i = lane; i < QUADS; i += LANES) {
    unpacked[index * QUADS + i] = quad(i);
  }
}
