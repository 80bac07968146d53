// Values in 8 bits; `encode` of `ReferenceSlotKernels` says how.

/// [slot, VALUE_WORDS] the bytes, then their scale, f32.
@group(0) @binding(6) var<storage, read> values: array<u32>;
@group(0) @binding(8) var<storage, read_write> values_out: array<u32>;

const VALUE_WORDS = QUADS + 1u;

/// In units of the scale.
fn value_at(slot: u32, d: u32) -> f32 {
  let word = values[slot * VALUE_WORDS + d / 4u];
  return f32(extractBits(i32(word), d % 4u * 8u, 8u));
}

fn value_scale(slot: u32) -> f32 {
  return bitcast<f32>(values[slot * VALUE_WORDS + QUADS]);
}

/// Puts the vector in hand away.
fn put_value(slot: u32, lane: u32) {
  let most = largest_value(lane);
  var inverse = 0.0;
  if (most > 0.0) {
    inverse = 127.0 / most;
  }
  for (var i = lane; i < QUADS; i += LANES) {
    values_out[slot * VALUE_WORDS + i] = word_of(rounded_bytes(quad(i), inverse));
  }
  if (lane == 0u) {
    values_out[slot * VALUE_WORDS + QUADS] = bitcast<u32>(most / 127.0);
  }
}

fn move_value(old: u32, slot: u32, lane: u32) {
  for (var i = lane; i < VALUE_WORDS; i += LANES) {
    values_out[slot * VALUE_WORDS + i] = values[old * VALUE_WORDS + i];
  }
}

/// Adds a value to the vector in hand.
fn add_value(slot: u32, weight: f32, lane: u32) {
  let scale = weight * value_scale(slot);
  for (var i = lane; i < QUADS; i += LANES) {
    let bytes = bytes_of(values[slot * VALUE_WORDS + i]);
    set_quad(i, quad(i) + scale * vec4<f32>(bytes));
  }
}

/// Makes a sum of values what it stands for.
fn finish_value(lane: u32) {}
