// Turns the queries of a layer to their positions, in place. One invocation a pair of values.

/// [tokens, HEADS, HEAD_DIM / 2]
@group(0) @binding(4) var<storage, read_write> queries: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let pair = id.x % PAIRS;
  let head = (id.x / PAIRS) % HEADS;
  let token = id.x / (PAIRS * HEADS);
  if (token >= step.tokens) {
    return;
  }
  let position = units[unit_of(head / GROUP)].next + i32(step.appended + token);
  let at = (token * HEADS + head) * (HEAD_DIM / 2u) + pair;
  queries[at] = turned(queries[at], position, pair);
}
