/**
 * A dialogue's cache as bytes, so that it can be gone on from later, or twice.
 *
 * Layout, little-endian 32-bit words: magic, version, units, headDim, block, carried, observed, bytes of
 * a slot in the store, seen, pending; for each unit
 * its slots, live slots, next position and offset; then, unit by unit, each of these for all its live slots: position, token,
 * mass (f32), whether it is fused, the attention it got in this block (f32), what the score carries (f32 each), and what the
 * store holds of it, plane by plane.
 *
 * @module
 */
import type { SlotTable } from "../cache/slots.ts";

/** Memory that pointers point into. */
export interface SavedMemory {
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly f32: Float32Array<ArrayBuffer>;
}

/** A cache in such a memory, as far as saving it goes; pointers of 0 say that there is no such array. */
export interface SavedCache {
  readonly slots: SlotTable;
  /** [slot] f32: added to attention logits. */
  readonly biases: number;
  /** [slot] f32: the attention that slots got in this block. */
  readonly attention: number;
  readonly store: {
    /** Everything that must move when a slot moves; `bytes` of one slot, a multiple of 4. */
    readonly planes: readonly {
      readonly pointer: number;
      readonly bytes: number;
    }[];
  };
  /** Begins a new block. */
  forgetAttention(): void;
}

const MAGIC = 0x564b4c4c; // "LLKV"
const VERSION = 2;
const HEADER = 10;
const UNIT_WORDS = 4;

/**
 * The live slots of `cache`.
 *
 * @param spent A state that nobody wants any more; what it took is used again if it is enough.
 */
export function exportState(
  memory: SavedMemory,
  cache: SavedCache,
  spent?: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const { slots } = cache;
  const { layout, live } = slots;
  const count = wordCount(cache, sum(live));
  // Room for any later state of this cache; of what is not used, the system gives no memory.
  const buffer = spent && spent.buffer.byteLength >= count * 4
    ? spent.buffer
    : new ArrayBuffer(wordCount(cache, layout.offsets[live.length]) * 4);
  const words = new Int32Array(buffer, 0, count);
  words.set([MAGIC, VERSION, ...shapeOf(cache), slots.seen, slots.pending]);
  let at = HEADER;
  for (let unit = 0; unit < live.length; unit++, at += UNIT_WORDS) {
    const next = slots.next[unit];
    words.set([layout.slots[unit], live[unit], next, slots.offsets[unit]], at);
  }
  copySlots(memory, cache, words, at, "export");
  return new Uint8Array(buffer, 0, count * 4);
}

/**
 * Fills `cache` from what {@link exportState} gave.
 *
 * @throws {SyntaxError} If the bytes are damaged or of another layout; `cache` has not changed then.
 */
export function importState(
  memory: SavedMemory,
  cache: SavedCache,
  state: Uint8Array<ArrayBuffer>,
): void {
  const words = wordsOf(state);
  checkState(words, state.length, cache);
  const { slots } = cache;
  slots.seen = words[8];
  slots.pending = words[9];
  let at = HEADER;
  for (let unit = 0; unit < slots.live.length; unit++, at += UNIT_WORDS) {
    slots.live[unit] = words[at + 1];
    slots.next[unit] = words[at + 2];
    slots.offsets[unit] = words[at + 3];
  }
  cache.forgetAttention();
  copySlots(memory, cache, words, at, "import");
  writeBiases(memory, cache);
}

/** What must be the same in the cache that a state came from and the one that it goes to. */
function shapeOf({ slots, store }: SavedCache): number[] {
  const { layout } = slots;
  const { headDim, block, carried, observed } = layout;
  const bytes = planeBytes(store);
  return [layout.slots.length, headDim, block, carried, observed, bytes];
}

/** Bytes of a slot in the store. */
function planeBytes({ planes }: SavedCache["store"]): number {
  return planes.reduce((sum, { bytes }) => sum + bytes, 0);
}

function sum(counts: Int32Array): number {
  return counts.reduce((a, b) => a + b, 0);
}

/** Words of a state with so many live slots in all. */
function wordCount({ slots, store }: SavedCache, live: number): number {
  const perSlot = 5 + slots.layout.carried + planeBytes(store) / 4;
  return HEADER + slots.live.length * UNIT_WORDS + live * perSlot;
}

/** The whole words of `bytes`: a view where they lie so that there can be one. */
function wordsOf(bytes: Uint8Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = bytes.byteOffset % 4 === 0
    ? bytes
    : bytes.slice();
  return new Int32Array(buffer, byteOffset, length >> 2);
}

/** Numbers of the slots, or of their saved state. */
type Numbers = Int32Array | Float32Array | Uint8Array;

/** Copies everything about the live slots to or from `words`, in which they begin at `at`. */
function copySlots(
  memory: SavedMemory,
  cache: SavedCache,
  words: Int32Array<ArrayBuffer>,
  at: number,
  way: "export" | "import",
): void {
  const { slots, store, attention } = cache;
  const { buffer, byteOffset, length } = words;
  const floats = new Float32Array(buffer, byteOffset, length);
  const bytes = new Uint8Array(buffer, byteOffset, length * 4);
  const copy = (there: Numbers, here: Numbers) => {
    if (way === "export") here.set(there);
    else there.set(here);
  };
  for (let unit = 0; unit < slots.live.length; unit++) {
    const count = slots.live[unit];
    const start = slots.offsets[unit], end = start + count;
    const each = (array: Numbers, saved: Numbers) => {
      copy(array.subarray(start, end), saved.subarray(at, at + count));
      at += count;
    };
    each(slots.position, words);
    each(slots.token, words);
    each(slots.mass, floats);
    each(slots.fused, words);
    if (attention) each(memory.f32.subarray(attention / 4), floats);
    else words.fill(0, at, at += count);
    for (const values of slots.carried) each(values, floats);
    for (const plane of store.planes) {
      const from = plane.pointer + start * plane.bytes;
      const size = count * plane.bytes;
      copy(
        memory.u8.subarray(from, from + size),
        bytes.subarray(at * 4, at * 4 + size),
      );
      at += size / 4;
    }
  }
}

/** What fused slots add to attention logits follows from their masses. */
function writeBiases(memory: SavedMemory, { slots, biases }: SavedCache): void {
  if (!biases) return;
  for (let unit = 0; unit < slots.live.length; unit++) {
    const start = slots.offsets[unit];
    for (let i = start; i < start + slots.live[unit]; i++) {
      memory.f32[biases / 4 + i] = Math.log(slots.mass[i]);
    }
  }
}

/** @throws {SyntaxError} If the words are no state that fits the cache. */
function checkState(
  words: Int32Array,
  bytes: number,
  cache: SavedCache,
): void {
  const { layout } = cache.slots;
  const units = layout.slots.length;
  const fail = (reason: string) =>
    new SyntaxError(`Cannot import a dialogue: ${reason}`);
  if (words.length < HEADER || words[0] !== MAGIC) {
    throw fail("the bytes are no saved state");
  }
  if (words[1] !== VERSION) {
    throw fail(`its version is ${words[1]}, expected ${VERSION}`);
  }
  const table = words.subarray(HEADER, HEADER + units * UNIT_WORDS);
  const sameShape = shapeOf(cache).every((n, i) => words[2 + i] === n);
  if (sameShape && table.length < units * UNIT_WORDS) {
    throw fail("the bytes are damaged");
  }
  if (!sameShape || layout.slots.some((n, i) => table[i * UNIT_WORDS] !== n)) {
    throw fail("it was saved with other slots or another model");
  }
  const live = Int32Array.from(
    layout.slots,
    (_, i) => table[i * UNIT_WORDS + 1],
  );
  const offsets = Int32Array.from(
    layout.slots,
    (_, i) => table[i * UNIT_WORDS + 3],
  );
  const pending = words[9];
  const fits = pending >= 0 &&
    (layout.block === 0 || pending <= layout.block) &&
    live.every((n, unit) => {
      const end = offsets[unit + 1] ?? layout.offsets[units];
      return n >= 0 && offsets[unit] >= 0 && offsets[unit] + n <= end &&
        end <= layout.offsets[units];
    });
  if (!fits || bytes !== wordCount(cache, sum(live)) * 4) {
    throw fail("the bytes are damaged");
  }
}
