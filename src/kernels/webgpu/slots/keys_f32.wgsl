// Keys in f32, turned to their positions.

/// [slot, QUADS]
@group(0) @binding(5) var<storage, read> keys: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> keys_out: array<vec4<f32>>;

fn key_quad(slot: u32, i: u32) -> vec4<Number> {
  return keys[slot * QUADS + i];
}

fn key_scale(slot: u32) -> f32 {
  return 1.0;
}

/// Puts the vector in hand away, turned to `position`.
fn put_key(slot: u32, position: i32, lane: u32) {
  for (var i = lane; i < QUADS; i += LANES) {
    keys_out[slot * QUADS + i] = turned_quad(quad(i), position, i);
  }
}

/// Puts slot `old`, seen at `before`, where it is seen at `after`.
fn move_key(old: u32, before: i32, after: i32, slot: u32, lane: u32) {
  for (var i = lane; i < QUADS; i += LANES) {
    keys_out[slot * QUADS + i] = turned_quad(keys[old * QUADS + i], after - before, i);
  }
}

/// Adds a key, turned back from `position`, to the vector in hand.
fn add_key(slot: u32, position: i32, weight: f32, lane: u32) {
  for (var i = lane; i < QUADS; i += LANES) {
    set_quad(i, quad(i) + weight * turned_quad(keys[slot * QUADS + i], -position, i));
  }
}

/// Puts a key in hand as it is seen.
fn see_key(slot: u32, position: i32, lane: u32) {
  for (var i = lane; i < QUADS; i += LANES) {
    set_quad(i, keys[slot * QUADS + i]);
  }
}

/// Makes a sum of keys what it stands for.
fn finish_key(lane: u32) {}
