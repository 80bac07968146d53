// Adds the attention that each slot of a layer got from the observed queries, over tokens and query heads. One invocation a
// slot, so that the order of the sum is always the same. Runs after `attend`.

const LANES = 64u;

/// [tokens, HEADS]: as `attend` left it.
@group(0) @binding(11) var<storage, read> softmax: array<vec2<f32>>;
/// [slot]
@group(0) @binding(12) var<storage, read_write> attention: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let index = id.x;
  let unit = units[unit_of(id.y)];
  // The first token that sees the slot.
  let before = unit.live + step.appended;
  if (index >= before + step.tokens) {
    return;
  }
  let first = max(step.observed, select(0u, index - before, index > before));
  let slot = unit.offset + index;
  let scale = key_scale(slot);
  var sum = 0.0;
  for (var token = first; token < step.tokens; token++) {
    for (var head = id.y * GROUP; head < (id.y + 1u) * GROUP; head++) {
      let row = token * HEADS + head;
      var product = 0.0;
      for (var i = 0u; i < QUADS; i++) {
        let query = vec4<Number>(queries[row * QUADS + i]);
        product += f32(dot(query, key_quad(slot, i)));
      }
      sum += exp(logit(product * scale, unit, head, index) - softmax[row].x) / softmax[row].y;
    }
  }
  attention[slot] += sum;
}
