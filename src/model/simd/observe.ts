/**
 * What a cache method wants to know of a dialogue's slots.
 *
 * @module
 */
import type { Observation } from "../../cache/unit_view.ts";
import type { CompactionTools } from "./compact.ts";
import type { SimdKvCache } from "./kv_cache.ts";

/** Reads attention sums and keys out of linear memory; one instance serves all dialogues, one after the other. */
export class Observer implements Observation {
  readonly #tools: CompactionTools;
  #cache: SimdKvCache | null = null;
  /** [most live slots of a unit, headDim]: keys, turned back. */
  #keys = 0;
  #capacity = 0;

  constructor(tools: CompactionTools) {
    this.#tools = tools;
  }

  /** Turns to a dialogue. */
  of(cache: SimdKvCache): this {
    this.#cache = cache;
    return this;
  }

  attention(unit: number): Float32Array {
    const { slots, attention } = this.#current();
    if (!attention) {
      throw new TypeError("Cannot observe attention: the layout asks for none");
    }
    const start = attention / 4 + slots.offsets[unit];
    const { f32 } = this.#tools.memory;
    return f32.subarray(start, start + slots.live[unit]);
  }

  keys(unit: number): Float32Array {
    const cache = this.#current();
    const { offsets, live, position, layout } = cache.slots;
    const { memory, kernels, rope, config } = this.#tools;
    const { headDim } = layout;
    this.#reserve(live[unit] * headDim);
    for (let i = 0; i < live[unit]; i++) {
      const slot = offsets[unit] + i;
      const from = cache.keys + slot * cache.slotBytes;
      const to = this.#keys + i * cache.slotBytes;
      memory.u8.copyWithin(to, from, from + cache.slotBytes);
      const back = rope.row(-position[slot]);
      kernels.rotate(to, back, 1, headDim, config.ropeDim);
    }
    const start = this.#keys / 4;
    return memory.f32.subarray(start, start + live[unit] * headDim);
  }

  #reserve(floats: number): void {
    if (floats <= this.#capacity) return;
    const { memory } = this.#tools;
    if (this.#capacity) memory.free(this.#keys);
    this.#keys = memory.allocate(floats * 4);
    this.#capacity = floats;
  }

  #current(): SimdKvCache {
    if (this.#cache) return this.#cache;
    throw new TypeError("Cannot observe before turning to a dialogue");
  }
}
