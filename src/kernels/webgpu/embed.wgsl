// The embeddings of a step's tokens. Before it stand HIDDEN, VOCAB and BITS (4, 8 or 32). The matrix is held as the product
// with it wants it, see `packing.ts`. One invocation a value.

const BLOCK = 32u;

/// [tokens]
@group(0) @binding(4) var<storage, read> tokens: array<u32>;
/// [VOCAB, HIDDEN] of BITS each.
@group(0) @binding(5) var<storage, read> weights: array<u32>;
/// [VOCAB, HIDDEN / BLOCK]
@group(0) @binding(6) var<storage, read> scales: array<f32>;
/// As `scales`, or fewer than two values where there are none.
@group(0) @binding(7) var<storage, read> offsets: array<f32>;
/// [tokens, HIDDEN]
@group(0) @binding(8) var<storage, read_write> residual: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let token = id.y;
  if (id.x >= HIDDEN) {
    return;
  }
  residual[token * HIDDEN + id.x] = weight(tokens[token], id.x);
}

fn weight(row: u32, column: u32) -> f32 {
  let index = row * HIDDEN + column;
  if (BITS == 32u) {
    return bitcast<f32>(weights[index]);
  }
  let per_word = 32u / BITS;
  let word = weights[index / per_word] >> (index % per_word * BITS);
  let digit = word & (0xffffffffu >> (32u - BITS));
  let zero = 1u << (BITS - 1u);
  let value = (f32(digit) - f32(zero)) * scales[index / BLOCK];
  if (arrayLength(&offsets) >= VOCAB) {
    return value + offsets[index / BLOCK];
  }
  return value;
}
