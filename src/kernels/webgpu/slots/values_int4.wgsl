// Values in 4 bits behind a Hadamard transform; `encodeNibbles` of `ReferenceSlotKernels` says how. A lane has words of eight
// values in hand, not quads.

/// [slot, VALUE_WORDS] the nibbles, then their scale, f32.
@group(0) @binding(6) var<storage, read> values: array<u32>;
@group(0) @binding(8) var<storage, read_write> values_out: array<u32>;

const VALUE_WORDS = NIBBLE_WORDS + 1u;

/// In units of the scale, behind the transform.
fn value_at(slot: u32, d: u32) -> f32 {
  return level_at(values[slot * VALUE_WORDS + nibble_word(d)], d);
}

fn value_scale(slot: u32) -> f32 {
  return bitcast<f32>(values[slot * VALUE_WORDS + NIBBLE_WORDS]);
}

/// Puts the vector in hand away.
fn put_value(slot: u32, lane: u32) {
  let most = largest_behind_hadamard(lane);
  for (var i = lane; i < NIBBLE_WORDS; i += LANES) {
    values_out[slot * VALUE_WORDS + i] = nibbles_of(i, most);
  }
  if (lane == 0u) {
    values_out[slot * VALUE_WORDS + NIBBLE_WORDS] = bitcast<u32>(most / 15.0);
  }
  workgroupBarrier();
}

fn move_value(old: u32, slot: u32, lane: u32) {
  for (var i = lane; i < VALUE_WORDS; i += LANES) {
    values_out[slot * VALUE_WORDS + i] = values[old * VALUE_WORDS + i];
  }
}

/// Adds a value, behind the transform, to the sum in hand.
fn add_value(slot: u32, weight: f32, lane: u32) {
  let scale = weight * value_scale(slot);
  for (var i = lane; i < NIBBLE_WORDS; i += LANES) {
    add_nibbles(i, values[slot * VALUE_WORDS + i], scale);
  }
}

/// Makes a sum of values what it stands for.
fn finish_value(lane: u32) {
  hadamard(lane);
}
