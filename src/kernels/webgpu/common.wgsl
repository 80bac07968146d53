// What all kernels share. Before it stand the constants of the model: HEAD_DIM, HEADS, KV_HEADS, ROPE_DIM, SCALE,
// and what queries are multiplied with keys in: Number. Each kernel says how many invocations a workgroup has: LANES.

const GROUP = HEADS / KV_HEADS;
const QUADS = HEAD_DIM / 4u;
const PAIRS = ROPE_DIM / 2u;
// Stands where a slot does, for none.
const NOTHING = -2147483647 - 1;

struct Layer {
  index: u32,
}

/// One step of one dialogue.
struct Step {
  tokens: u32,
  // Tokens appended since `units` was written.
  appended: u32,
  // The first token whose attention is observed.
  observed: u32,
  unused: u32,
}

/// A unit (key/value head of a layer) as it was after the last compaction.
struct Unit {
  // Its first slot, its live slots, and the position of the next token.
  offset: u32,
  live: u32,
  next: i32,
  // The share of tokens that it has no slot for: by how much attention is corrected; and the slots lifted as chosen ones.
  share: f32,
  lift_from: i32,
  lift_to: i32,
  unused_a: u32,
  unused_b: u32,
}

@group(0) @binding(0) var<uniform> layer: Layer;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> units: array<Unit>;

fn unit_of(kv_head: u32) -> u32 {
  return layer.index * KV_HEADS + kv_head;
}
