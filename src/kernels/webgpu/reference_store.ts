/**
 * Slots as a GPU holds them, by {@link ReferenceKernels}: what `slots/` must compute.
 *
 * @module
 */
import type { LinearMemory } from "../memory.ts";
import type { ReferenceKernels } from "../reference.ts";
import { type GpuStore, slotWords } from "./gpu_stores.ts";
import type { HeadShape } from "./kernels.ts";

/** What the reference works with. */
export interface ReferenceTools {
  readonly memory: LinearMemory;
  readonly kernels: ReferenceKernels;
  readonly shape: HeadShape;
  /** Pointer to the row of the rotary table for a position, until the next call. */
  row(position: number): number;
}

/** Takes a vector of f32 to a record of fewer bits, which may change it, and back. Both are pointers. */
interface Codec {
  put(vector: number, record: number): void;
  take(record: number, vector: number): void;
}

/** Keys and values, one record a slot; vectors are [headDim] f32 at pointers. */
export class ReferenceStore {
  /** Pointers to [slot] records. */
  readonly keys: number;
  readonly values: number;
  readonly #tools: ReferenceTools;
  readonly #form: GpuStore["keys"];
  readonly #key: Codec;
  readonly #value: Codec;
  /** Bytes of a record. */
  readonly #keyBytes: number;
  readonly #valueBytes: number;

  constructor(tools: ReferenceTools, store: GpuStore, slots: number) {
    const { memory, shape } = tools;
    const { key, value } = slotWords(store, shape.headDim);
    const codecs = codecsOf(tools);
    this.#tools = tools;
    this.#form = store.keys;
    this.#key = store.keys === "int8" ? codecs.int8Key : codecs[store.keys];
    this.#value = codecs[store.values];
    this.#keyBytes = key * 4;
    this.#valueBytes = value * 4;
    this.keys = memory.allocate(slots * this.#keyBytes);
    this.values = memory.allocate(slots * this.#valueBytes);
    memory.u8.fill(0, this.keys, this.keys + slots * this.#keyBytes);
    memory.u8.fill(0, this.values, this.values + slots * this.#valueBytes);
  }

  /** Puts a key, not turned, away to be seen at `position`. */
  putKey(slot: number, vector: number, position: number): void {
    const record = this.keys + slot * this.#keyBytes;
    this.#key.put(vector, record);
    this.#turn(record, 0, position);
  }

  /** Reads a key, turned back from `position`. */
  takeKey(slot: number, position: number, to: number): void {
    const { memory } = this.#tools;
    const record = this.keys + slot * this.#keyBytes;
    const copy = memory.allocate(this.#keyBytes);
    memory.u8.copyWithin(copy, record, record + this.#keyBytes);
    this.#turn(copy, position, 0);
    this.#key.take(copy, to);
    memory.free(copy);
  }

  /** Reads a key as attention sees it. */
  seenKey(slot: number, position: number, to: number): void {
    this.#key.take(this.keys + slot * this.#keyBytes, to);
    if (this.#form === "int4") this.#rotate(to, position);
  }

  putValue(slot: number, vector: number): void {
    this.#value.put(vector, this.values + slot * this.#valueBytes);
  }

  takeValue(slot: number, to: number): void {
    this.#value.take(this.values + slot * this.#valueBytes, to);
  }

  /** Makes this slot what slot `old` of another store is, seen elsewhere. */
  copy(
    slot: number,
    from: ReferenceStore,
    old: number,
    before: number,
    after: number,
  ): void {
    const { u8 } = this.#tools.memory;
    const keyBytes = this.#keyBytes, valueBytes = this.#valueBytes;
    const key = from.keys + old * keyBytes, to = this.keys + slot * keyBytes;
    u8.copyWithin(to, key, key + keyBytes);
    this.#turn(to, before, after);
    const value = from.values + old * valueBytes;
    const there = this.values + slot * valueBytes;
    u8.copyWithin(there, value, value + valueBytes);
  }

  /** Makes a key's record that is seen at `before` seen at `after`. */
  #turn(record: number, before: number, after: number): void {
    const { memory, kernels, shape } = this.#tools;
    if (this.#form === "int4") {
      memory.u32[(record + this.#keyBytes) / 4 - 1] = after;
    } else if (this.#form === "f32") {
      this.#rotate(record, after - before);
    } else if (before !== after) {
      const { slots } = kernels;
      const { headDim, ropeDim } = shape;
      const from = this.#tools.row(before);
      slots.turnKey(record, from, 1, headDim, ropeDim, "from");
      const to = this.#tools.row(after);
      slots.turnKey(record, to, 1, headDim, ropeDim, "to");
    }
  }

  #rotate(vector: number, position: number): void {
    const { kernels, shape } = this.#tools;
    const { headDim, ropeDim } = shape;
    kernels.rotate(
      vector,
      0,
      this.#tools.row(position),
      1,
      1,
      headDim,
      ropeDim,
    );
  }
}

/** How each form holds a vector: numbers, then their scale. */
function codecsOf({ memory, kernels, shape }: ReferenceTools) {
  const { headDim } = shape;
  const { slots } = kernels;
  const size = headDim & -headDim;
  const scaleOf = (record: number) => record + headDim;
  const take = (record: number, vector: number) =>
    slots.decode(record, scaleOf(record), vector, headDim);
  const copy = (from: number, to: number) => {
    memory.u8.copyWithin(to, from, from + headDim * 4);
  };
  const nibbleScale = (record: number) => record + headDim / 2;
  return {
    f32: { put: copy, take: copy },
    int8: {
      put: (vector, record) =>
        slots.encode(vector, 0, record, scaleOf(record), 1, headDim),
      take,
    },
    int8Key: {
      put: (vector, record) =>
        slots.encodeKey(vector, 0, record, scaleOf(record), 1, headDim),
      take,
    },
    int4: {
      put(vector, record) {
        slots.hadamard(vector, headDim, size);
        slots.encodeNibbles(vector, record, nibbleScale(record), headDim);
      },
      take(record, vector) {
        slots.decodeNibbles(record, nibbleScale(record), vector, headDim);
        slots.hadamard(vector, headDim, size);
      },
    },
  } satisfies Record<string, Codec>;
}
