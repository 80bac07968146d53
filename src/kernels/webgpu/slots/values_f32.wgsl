// Values in f32.

/// [slot, HEAD_DIM]
@group(0) @binding(6) var<storage, read> values: array<f32>;
@group(0) @binding(8) var<storage, read_write> values_out: array<f32>;

fn value_at(slot: u32, d: u32) -> f32 {
  return values[slot * HEAD_DIM + d];
}

fn value_scale(slot: u32) -> f32 {
  return 1.0;
}

/// Puts the vector in hand away.
fn put_value(slot: u32, lane: u32) {
  for (var i = lane; i < QUADS; i += LANES) {
    for (var d = 4u * i; d < 4u * i + 4u; d++) {
      values_out[slot * HEAD_DIM + d] = vector[d];
    }
  }
}

fn move_value(old: u32, slot: u32, lane: u32) {
  for (var d = lane; d < HEAD_DIM; d += LANES) {
    values_out[slot * HEAD_DIM + d] = values[old * HEAD_DIM + d];
  }
}

/// Adds a value to the vector in hand.
fn add_value(slot: u32, weight: f32, lane: u32) {
  for (var i = lane; i < QUADS; i += LANES) {
    for (var d = 4u * i; d < 4u * i + 4u; d++) {
      vector[d] += weight * values[slot * HEAD_DIM + d];
    }
  }
}

/// Makes a sum of values what it stands for.
fn finish_value(lane: u32) {}
