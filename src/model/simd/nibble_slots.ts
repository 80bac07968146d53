/**
 * Keys and values in 4 bits, each vector with a scale, behind a Walsh-Hadamard transform, which 4 bits lose less of.
 *
 * @module
 */
import type { Attention } from "../../kernels/kernels.ts";
import type { KeySlots, ValueSlots } from "./quantized_store.ts";
import {
  type SlotPlane,
  type SlotTools,
  type TurnedKeys,
  VALUES_BEHIND,
} from "./slot_store.ts";

/** Bytes of a scale, of a position, and of a pointer. */
const WORD = 4;

/**
 * Keys, as they came. They are turned to their positions for each unit that attention reads, once a step: the transform does
 * not go with rotary positions, and turned anew in 4 bits at every compaction they would not last.
 */
export class NibbleKeys implements KeySlots {
  readonly planes: readonly SlotPlane[];
  readonly #tools: SlotTools;
  readonly #size: number;
  readonly #scratch: number;
  /** [slot, headDim / 2] bytes, [slot] f32, and [slot] i32 */
  readonly #nibbles: number;
  readonly #scales: number;
  readonly #positions: number;

  /** @param scratch Pointer to [headDim] f32. */
  constructor(tools: SlotTools, slots: number, scratch: number) {
    const { memory, config } = tools;
    const bytes = config.headDim / 2;
    this.#tools = tools;
    this.#size = transformSize(config.headDim);
    this.#scratch = scratch;
    this.#nibbles = memory.allocate(slots * bytes);
    this.#scales = memory.allocate(slots * WORD);
    this.#positions = memory.allocate(slots * WORD);
    this.planes = [
      { pointer: this.#nibbles, bytes },
      { pointer: this.#scales, bytes: WORD },
      { pointer: this.#positions, bytes: WORD },
    ];
  }

  write(
    slot: number,
    key: number,
    position: number,
    stride: number,
    count: number,
  ): void {
    const { kernels, config } = this.#tools;
    const { headDim } = config;
    for (const end = slot + count; slot < end; slot++, key += stride) {
      const nibbles = this.#nibbles + slot * headDim / 2;
      kernels.slots.hadamard(key, headDim, this.#size);
      const scale = this.#scales + slot * WORD;
      kernels.slots.encodeNibbles(key, nibbles, scale, headDim);
      this.turn(slot, 0, position++);
    }
  }

  read(slot: number, _position: number, to: number): void {
    const { kernels, config } = this.#tools;
    const { headDim } = config;
    const nibbles = this.#nibbles + slot * headDim / 2;
    const scale = this.#scales + slot * WORD;
    kernels.slots.decodeNibbles(nibbles, scale, to, headDim);
    kernels.slots.hadamard(to, headDim, this.#size);
  }

  turned(
    first: number,
    count: number,
    scratch: (bytes: number) => number,
  ): TurnedKeys {
    const { memory, kernels, rope, config } = this.#tools;
    const { headDim, ropeDim } = config;
    const pointer = scratch(count * headDim * 4);
    for (let i = 0; i < count; i++) {
      const to = pointer + i * headDim * 4;
      const position = memory.u32[this.#positions / 4 + first + i] | 0;
      this.read(first + i, position, to);
      kernels.rotate(to, 0, rope.row(position), 1, 1, headDim, ropeDim);
    }
    return { pointer, isBytes: false };
  }

  turn(slot: number, _from: number, to: number): void {
    this.#tools.memory.u32[this.#positions / 4 + slot] = to;
  }

  point(attention: Attention, first: number, count: number): void {
    const { headDim } = this.#tools.config;
    // Attention of another unit may still read what is there.
    this.#tools.kernels.settle();
    // Behind the values; see `spreadBytes` of the store.
    attention.keys = attention.spread + (count + VALUES_BEHIND) * headDim;
    attention.keyScales = attention.keys + count * headDim;
    const rows = attention.keyScales + count * WORD;
    for (let from = 0; from < count;) {
      const until = this.#gatherRows(rows, first, from, count);
      this.#turnRange(attention, rows, first, from, until);
      from = until;
    }
  }

  /** Notes the rows of the rotary table for slots from `from` on, as many as the table holds at once; gives where they end. */
  #gatherRows(rows: number, first: number, from: number, end: number): number {
    const { memory, rope } = this.#tools;
    const positions = this.#positions / 4 + first;
    const start = memory.u32[positions + from] | 0;
    let i = from;
    for (; i < end; i++) {
      const position = memory.u32[positions + i] | 0;
      if (Math.abs(position - start) >= rope.rows / 2) break;
      memory.u32[rows / 4 + i] = rope.row(position);
    }
    return i;
  }

  #turnRange(
    { keys, keyScales }: Attention,
    rows: number,
    first: number,
    from: number,
    until: number,
  ): void {
    const { headDim, ropeDim } = this.#tools.config;
    this.#tools.kernels.slots.turnNibbles(
      this.#nibbles + (first + from) * headDim / 2,
      this.#scales + (first + from) * WORD,
      rows + from * WORD,
      keys + from * headDim,
      keyScales + from * WORD,
      this.#scratch,
      until - from,
      headDim,
      ropeDim,
      this.#size,
    );
  }
}

/**
 * Values. Attention mixes them as they are, transformed, and the mixture is transformed back: once a query instead of once
 * a slot.
 */
export class NibbleValues implements ValueSlots {
  readonly planes: readonly SlotPlane[];
  readonly #tools: SlotTools;
  readonly #size: number;
  /** [slot, headDim / 2] bytes and [slot] f32 */
  readonly #nibbles: number;
  readonly #scales: number;

  constructor(tools: SlotTools, slots: number) {
    const { memory, config } = tools;
    const bytes = config.headDim / 2;
    this.#tools = tools;
    this.#size = transformSize(config.headDim);
    this.#nibbles = memory.allocate(slots * bytes);
    this.#scales = memory.allocate(slots * WORD);
    this.planes = [
      { pointer: this.#nibbles, bytes },
      { pointer: this.#scales, bytes: WORD },
    ];
  }

  write(slot: number, value: number, stride: number, count: number): void {
    const { kernels, config } = this.#tools;
    const { headDim } = config;
    for (const end = slot + count; slot < end; slot++, value += stride) {
      const nibbles = this.#nibbles + slot * headDim / 2;
      kernels.slots.hadamard(value, headDim, this.#size);
      kernels.slots.encodeNibbles(value, nibbles, this.#scale(slot), headDim);
    }
  }

  read(slot: number, to: number): void {
    const { kernels, config } = this.#tools;
    const { headDim } = config;
    const nibbles = this.#nibbles + slot * headDim / 2;
    kernels.slots.decodeNibbles(nibbles, this.#scale(slot), to, headDim);
    kernels.slots.hadamard(to, headDim, this.#size);
  }

  point(attention: Attention, first: number, count: number): void {
    const { kernels, config } = this.#tools;
    const { headDim } = config;
    attention.values = attention.spread;
    attention.valueScales = this.#scale(first);
    const nibbles = this.#nibbles + first * headDim / 2;
    kernels.slots.spreadNibbles(nibbles, attention.spread, count * headDim);
  }

  finish({ output, stride, tokens, heads, headDim }: Attention): void {
    const { kernels } = this.#tools;
    for (let t = 0; t < tokens; t++) {
      kernels.slots.hadamard(output + t * stride, heads * headDim, this.#size);
    }
  }

  #scale(slot: number): number {
    return this.#scales + slot * WORD;
  }
}

/** The largest power of two that divides `headDim`. */
function transformSize(headDim: number): number {
  return headDim & -headDim;
}
