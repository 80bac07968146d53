/**
 * A dialogue's cache as bytes, so that it can be gone on from later, or twice.
 *
 * Layout, little-endian 32-bit words: magic, version, units, headDim, block, seen; for each unit its slots, live slots
 * and next position; then for each live slot, unit by unit, position, token, mass (f32) and whether it is fused; then the
 * keys and the values of the live slots [headDim] f32.
 *
 * @module
 */
import type { LinearMemory } from "../../kernels/memory.ts";
import type { SimdKvCache } from "./kv_cache.ts";

const MAGIC = 0x564b4c4c; // "LLKV"
const VERSION = 1;
const HEADER = 6;
const UNIT_WORDS = 3;
const SLOT_WORDS = 4;

/** The live slots of `cache`. */
export function exportState(
  memory: LinearMemory,
  cache: SimdKvCache,
): Uint8Array<ArrayBuffer> {
  const { slots } = cache;
  const { layout, live } = slots;
  const units = live.length;
  const total = live.reduce((a, b) => a + b, 0);
  const words = new Int32Array(wordCount(units, total, layout.headDim));
  words.set([MAGIC, VERSION, units, layout.headDim, layout.block, slots.seen]);
  const floats = new Float32Array(words.buffer);
  let at = HEADER;
  for (let unit = 0; unit < units; unit++, at += UNIT_WORDS) {
    words.set([layout.slots[unit], live[unit], slots.next[unit]], at);
  }
  let data = at + total * SLOT_WORDS;
  forLiveSlots(cache, live, (slot) => {
    words[at] = slots.position[slot];
    words[at + 1] = slots.token[slot];
    floats[at + 2] = slots.mass[slot];
    words[at + 3] = slots.fused[slot];
    at += SLOT_WORDS;
    for (const base of [cache.keys, cache.values]) {
      const from = base / 4 + slot * layout.headDim;
      floats.set(memory.f32.subarray(from, from + layout.headDim), data);
      data += layout.headDim;
    }
  });
  return new Uint8Array(words.buffer);
}

/**
 * Fills `cache` from what {@link exportState} gave.
 *
 * @throws {SyntaxError} If the bytes are damaged or of another layout; `cache` has not changed then.
 */
export function importState(
  memory: LinearMemory,
  cache: SimdKvCache,
  state: Uint8Array<ArrayBuffer>,
): void {
  const words = new Int32Array(state.slice(0, state.length & ~3).buffer);
  const floats = new Float32Array(words.buffer);
  const live = check(words, state.length, cache);
  const { slots } = cache;
  const { headDim } = slots.layout;
  const units = live.length;
  slots.seen = words[5];
  slots.live.set(live);
  let at = HEADER;
  for (let unit = 0; unit < units; unit++, at += UNIT_WORDS) {
    slots.next[unit] = words[at + 2];
  }
  let data = at + live.reduce((a, b) => a + b, 0) * SLOT_WORDS;
  forLiveSlots(cache, live, (slot) => {
    slots.position[slot] = words[at];
    slots.token[slot] = words[at + 1];
    slots.mass[slot] = floats[at + 2];
    slots.fused[slot] = words[at + 3];
    at += SLOT_WORDS;
    for (const base of [cache.keys, cache.values]) {
      const values = floats.subarray(data, data + headDim);
      memory.f32.set(values, base / 4 + slot * headDim);
      data += headDim;
    }
    if (cache.biases) {
      memory.f32[cache.biases / 4 + slot] = Math.log(slots.mass[slot]);
    }
  });
}

function wordCount(units: number, live: number, headDim: number): number {
  return HEADER + units * UNIT_WORDS + live * (SLOT_WORDS + 2 * headDim);
}

/** The live slots of each unit, once everything about their number is known to be right. */
function check(
  words: Int32Array,
  bytes: number,
  { slots }: SimdKvCache,
): Int32Array {
  const { layout } = slots;
  const units = layout.slots.length;
  const fail = (reason: string) =>
    new SyntaxError(`Cannot import a dialogue: ${reason}`);
  if (words.length < HEADER || words[0] !== MAGIC) {
    throw fail("the bytes are no saved state");
  }
  if (words[1] !== VERSION) {
    throw fail(`its version is ${words[1]}, expected ${VERSION}`);
  }
  const shape = [units, layout.headDim, layout.block];
  const table = words.subarray(HEADER, HEADER + units * UNIT_WORDS);
  const live = Int32Array.from(
    layout.slots,
    (_, i) => table[i * UNIT_WORDS + 1],
  );
  const sameShape = shape.every((n, i) => words[2 + i] === n);
  if (sameShape && table.length < units * UNIT_WORDS) {
    throw fail("the bytes are damaged");
  }
  if (!sameShape || layout.slots.some((n, i) => table[i * UNIT_WORDS] !== n)) {
    throw fail("it was saved with other slots or another model");
  }
  const fits = live.every((n, i) =>
    n >= 0 && n <= layout.slots[i] + layout.block
  );
  const total = live.reduce((a, b) => a + b, 0);
  if (!fits || bytes !== wordCount(units, total, layout.headDim) * 4) {
    throw fail("the bytes are damaged");
  }
  return live;
}

/** Calls `visit` with the index of every live slot, unit by unit. */
function forLiveSlots(
  cache: SimdKvCache,
  live: Int32Array,
  visit: (slot: number) => void,
): void {
  const { offsets } = cache.slots.layout;
  for (let unit = 0; unit < live.length; unit++) {
    for (let i = 0; i < live[unit]; i++) visit(offsets[unit] + i);
  }
}
