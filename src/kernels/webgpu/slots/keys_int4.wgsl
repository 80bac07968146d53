// Keys in 4 bits behind a Hadamard transform, not turned: `spread` turns them for attention. As `values_int4.wgsl`.

/// [slot, KEY_WORDS] the nibbles, then their scale, f32, and the position, i32.
@group(0) @binding(5) var<storage, read> keys: array<u32>;
@group(0) @binding(7) var<storage, read_write> keys_out: array<u32>;

const KEY_WORDS = NIBBLE_WORDS + 2u;

/// Puts the vector in hand away, to be seen at `position`.
fn put_key(slot: u32, position: i32, lane: u32) {
  let most = largest_behind_hadamard(lane);
  for (var i = lane; i < NIBBLE_WORDS; i += LANES) {
    keys_out[slot * KEY_WORDS + i] = nibbles_of(i, most);
  }
  if (lane == 0u) {
    keys_out[slot * KEY_WORDS + NIBBLE_WORDS] = bitcast<u32>(most / 15.0);
    keys_out[slot * KEY_WORDS + NIBBLE_WORDS + 1u] = u32(position);
  }
  workgroupBarrier();
}

/// Puts slot `old` where it is seen at `after`.
fn move_key(old: u32, before: i32, after: i32, slot: u32, lane: u32) {
  for (var i = lane; i < NIBBLE_WORDS + 1u; i += LANES) {
    keys_out[slot * KEY_WORDS + i] = keys[old * KEY_WORDS + i];
  }
  if (lane == 0u) {
    keys_out[slot * KEY_WORDS + NIBBLE_WORDS + 1u] = u32(after);
  }
}

/// Where a slot is seen.
fn key_position(slot: u32) -> i32 {
  return i32(keys[slot * KEY_WORDS + NIBBLE_WORDS + 1u]);
}

/// Adds a key, not turned, to the sum in hand.
fn add_key(slot: u32, position: i32, weight: f32, lane: u32) {
  let scale = weight * bitcast<f32>(keys[slot * KEY_WORDS + NIBBLE_WORDS]);
  for (var i = lane; i < NIBBLE_WORDS; i += LANES) {
    add_nibbles(i, keys[slot * KEY_WORDS + i], scale);
  }
}

/// Makes a sum of keys what it stands for.
fn finish_key(lane: u32) {
  hadamard(lane);
}

/// Puts a key in hand as it is seen at `position`; what is in hand before must be zeros.
fn see_key(slot: u32, position: i32, lane: u32) {
  add_key(slot, position, 1.0, lane);
  finish_key(lane);
  for (var i = lane; i < QUADS; i += LANES) {
    set_quad(i, turned_quad(quad(i), position, i));
  }
}
