// What `unpack` takes: values.

const LANES = 32u;

fn take(slot: u32, position: i32, lane: u32) {
  add_value(slot, 1.0, lane);
  finish_value(lane);
}
