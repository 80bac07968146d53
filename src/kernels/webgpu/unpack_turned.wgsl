// What `unpack` takes: keys, as they are seen.

const LANES = 32u;

fn take(slot: u32, position: i32, lane: u32) {
  see_key(slot, position, lane);
}
