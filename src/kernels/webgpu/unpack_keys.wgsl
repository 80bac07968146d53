// What `unpack` takes: keys, turned back from where they are seen.

const LANES = 32u;

fn take(slot: u32, position: i32, lane: u32) {
  add_key(slot, position, 1.0, lane);
  finish_key(lane);
}
