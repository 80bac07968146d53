/**
 * Keys and values in 8 bits, each vector with a scale, as attention reads them.
 *
 * @module
 */
import type { Attention } from "../../kernels/kernels.ts";
import type { TurnWay } from "../../kernels/slot_kernels.ts";
import type { KeySlots, ValueSlots } from "./quantized_store.ts";
import {
  type SlotPlane,
  type SlotTools,
  type TurnedKeys,
  VALUES_BEHIND,
} from "./slot_store.ts";

/** Bytes of a scale. */
const SCALE = 4;

/**
 * Keys, turned to their position in whole numbers: turning back gives the very bytes that were put away, so that rounding
 * never adds up however often a slot moves.
 */
export class ByteKeys implements KeySlots {
  readonly planes: readonly SlotPlane[];
  readonly #tools: SlotTools;
  readonly #scratch: number;
  /** [slot, headDim] int8 and [slot] f32 */
  readonly #bytes: number;
  readonly #scales: number;

  /** @param scratch Pointer to [headDim] f32. */
  constructor(tools: SlotTools, slots: number, scratch: number) {
    const { memory, config } = tools;
    this.#tools = tools;
    this.#scratch = scratch;
    this.#bytes = memory.allocate(slots * config.headDim);
    this.#scales = memory.allocate(slots * SCALE);
    this.planes = [
      { pointer: this.#bytes, bytes: config.headDim },
      { pointer: this.#scales, bytes: SCALE },
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
    const bytes = this.#bytes + slot * headDim;
    const scales = this.#scales + slot * SCALE;
    kernels.slots.encodeKey(key, stride, bytes, scales, count, headDim);
    this.#turn(bytes, position, "to", count);
  }

  read(slot: number, position: number, to: number): void {
    const { memory, kernels, config } = this.#tools;
    const { headDim } = config;
    const scale = this.#scales + slot * SCALE;
    const from = this.#bytes + slot * headDim;
    memory.u8.copyWithin(this.#scratch, from, from + headDim);
    this.#turn(this.#scratch, position, "from");
    kernels.slots.decode(this.#scratch, scale, to, headDim);
  }

  turned(first: number): TurnedKeys {
    const pointer = this.#bytes + first * this.#tools.config.headDim;
    return { pointer, isBytes: true };
  }

  turn(slot: number, from: number, to: number): void {
    const bytes = this.#bytes + slot * this.#tools.config.headDim;
    this.#turn(bytes, from, "from");
    this.#turn(bytes, to, "to");
  }

  point(attention: Attention, first: number): void {
    attention.keys = this.#bytes + first * this.#tools.config.headDim;
    attention.keyScales = this.#scales + first * SCALE;
  }

  /** Turns keys at `position` and, where there are more, those behind it. */
  #turn(bytes: number, position: number, way: TurnWay, keys = 1): void {
    const { kernels, rope, config } = this.#tools;
    const { headDim, ropeDim } = config;
    for (let key = 0; key < keys;) {
      const some = rope.span(position + key, keys - key);
      const rows = rope.rowsOf(position + key, some);
      const from = bytes + key * headDim;
      kernels.slots.turnKey(from, rows, some, headDim, ropeDim, way);
      key += some;
    }
  }
}

/** Values. */
export class ByteValues implements ValueSlots {
  readonly planes: readonly SlotPlane[];
  readonly #tools: SlotTools;
  /** [slot, headDim] int8 and [slot] f32 */
  readonly #bytes: number;
  readonly #scales: number;

  constructor(tools: SlotTools, slots: number) {
    const { memory, config } = tools;
    this.#tools = tools;
    this.#bytes = memory.allocate((slots + VALUES_BEHIND) * config.headDim);
    this.#scales = memory.allocate(slots * SCALE);
    this.planes = [
      { pointer: this.#bytes, bytes: config.headDim },
      { pointer: this.#scales, bytes: SCALE },
    ];
  }

  write(slot: number, value: number, stride: number, count: number): void {
    const { kernels, config } = this.#tools;
    const { headDim } = config;
    const bytes = this.#bytes + slot * headDim;
    const scales = this.#scales + slot * SCALE;
    kernels.slots.encode(value, stride, bytes, scales, count, headDim);
  }

  read(slot: number, to: number): void {
    const { kernels, config } = this.#tools;
    const { headDim } = config;
    const bytes = this.#bytes + slot * headDim;
    kernels.slots.decode(bytes, this.#scales + slot * SCALE, to, headDim);
  }

  point(attention: Attention, first: number): void {
    attention.values = this.#bytes + first * this.#tools.config.headDim;
    attention.valueScales = this.#scales + first * SCALE;
  }

  /** Nothing to do. */
  finish(): void {}
}
