// Keys in 8 bits, turned to their positions in whole numbers; `encodeKey` of `ReferenceSlotKernels` says how.

/// [slot, KEY_WORDS] the bytes, then their scale, f32.
@group(0) @binding(5) var<storage, read> keys: array<u32>;
@group(0) @binding(7) var<storage, read_write> keys_out: array<u32>;

const KEY_WORDS = QUADS + 1u;
const LONGEST_PAIR = 125.0;

/// In units of `key_scale`: at most 1, and exact, in f16 too.
fn key_quad(slot: u32, i: u32) -> vec4<Number> {
  return vec4<Number>(bytes_of(keys[slot * KEY_WORDS + i])) * Number(1.0 / 128.0);
}

fn key_scale(slot: u32) -> f32 {
  return 128.0 * byte_scale(slot);
}

fn byte_scale(slot: u32) -> f32 {
  return bitcast<f32>(keys[slot * KEY_WORDS + QUADS]);
}

/// Puts the vector in hand away, turned to `position`.
fn put_key(slot: u32, position: i32, lane: u32) {
  var most = 0.0;
  for (var i = lane; i < QUADS; i += LANES) {
    let squares = quad(i) * quad(i);
    most = max(most, max(squares.x + squares.y, squares.z + squares.w));
  }
  let longest = sqrt(largest(most, lane));
  var inverse = 0.0;
  if (longest > 0.0) {
    inverse = LONGEST_PAIR / longest;
  }
  for (var i = lane; i < QUADS; i += LANES) {
    let bytes = rounded_bytes(quad(i), inverse);
    keys_out[slot * KEY_WORDS + i] = word_of(returned_quad(bytes, 0, position, i));
  }
  if (lane == 0u) {
    keys_out[slot * KEY_WORDS + QUADS] = bitcast<u32>(longest / LONGEST_PAIR);
  }
}

/// Puts slot `old`, seen at `before`, where it is seen at `after`.
fn move_key(old: u32, before: i32, after: i32, slot: u32, lane: u32) {
  for (var i = lane; i < QUADS; i += LANES) {
    let bytes = bytes_of(keys[old * KEY_WORDS + i]);
    keys_out[slot * KEY_WORDS + i] = word_of(returned_quad(bytes, before, after, i));
  }
  if (lane == 0u) {
    keys_out[slot * KEY_WORDS + QUADS] = keys[old * KEY_WORDS + QUADS];
  }
}

/// Adds a key, turned back from `position`, to the vector in hand.
fn add_key(slot: u32, position: i32, weight: f32, lane: u32) {
  let scale = weight * byte_scale(slot);
  for (var i = lane; i < QUADS; i += LANES) {
    let bytes = returned_quad(bytes_of(keys[slot * KEY_WORDS + i]), position, 0, i);
    set_quad(i, quad(i) + scale * vec4<f32>(bytes));
  }
}

/// Puts a key in hand as it is seen.
fn see_key(slot: u32, position: i32, lane: u32) {
  for (var i = lane; i < QUADS; i += LANES) {
    set_quad(i, byte_scale(slot) * vec4<f32>(bytes_of(keys[slot * KEY_WORDS + i])));
  }
}

/// Makes a sum of keys what it stands for.
fn finish_key(lane: u32) {}
