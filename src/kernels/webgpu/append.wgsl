// Writes a layer's new keys, turned to their positions, and values to the free slots. One invocation a pair of values.

const HALF = HEAD_DIM / 2u;

/// [tokens, KV_HEADS, HALF]
@group(0) @binding(4) var<storage, read> new_keys: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read> new_values: array<vec2<f32>>;
/// [slot, HALF]
@group(0) @binding(6) var<storage, read_write> keys: array<vec2<f32>>;
@group(0) @binding(7) var<storage, read_write> values: array<vec2<f32>>;
/// [slot] added to attention logits; a new slot stands for one token.
@group(0) @binding(8) var<storage, read_write> biases: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let token = id.x / (KV_HEADS * HALF);
  if (token >= step.tokens) {
    return;
  }
  let pair = id.x % HALF;
  let unit = units[unit_of((id.x / HALF) % KV_HEADS)];
  let index = step.appended + token;
  let slot = unit.offset + unit.live + index;
  keys[slot * HALF + pair] = turned(new_keys[id.x], unit.next + i32(index), pair);
  values[slot * HALF + pair] = new_values[id.x];
  if (pair == 0u) {
    biases[slot] = 0.0;
  }
}
