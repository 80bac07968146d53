// Puts a layer's new keys, turned to their positions, and values into the free slots. One workgroup a token and key/value
// head.

const LANES = 32u;

/// [slot] added to attention logits; a new slot stands for one token.
@group(0) @binding(9) var<storage, read_write> biases: array<f32>;
/// [tokens, KV_HEADS, QUADS]
@group(0) @binding(12) var<storage, read> new_keys: array<vec4<f32>>;
@group(0) @binding(13) var<storage, read> new_values: array<vec4<f32>>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let head = group.x;
  let token = group.y;
  let unit = units[unit_of(head)];
  let index = step.appended + token;
  let slot = unit.offset + unit.live + index;
  let row = (token * KV_HEADS + head) * QUADS;
  for (var i = lane; i < QUADS; i += LANES) {
    set_quad(i, new_keys[row + i]);
  }
  put_key(slot, unit.next + i32(index), lane);
  for (var i = lane; i < QUADS; i += LANES) {
    set_quad(i, new_values[row + i]);
  }
  put_value(slot, lane);
  if (lane == 0u) {
    biases[slot] = 0.0;
  }
}
