/**
 * What a cache method wants to know of a dialogue's slots.
 *
 * @module
 */
import type { SlotConvolution } from "../../cache/convolution.ts";
import type { Likest, Observation } from "../../cache/unit_view.ts";
import { GrowingBlock } from "../../kernels/growing_block.ts";
import { SlotConvolver } from "./convolve_slots.ts";
import type { SimdKvCache } from "./kv_cache.ts";
import { SlotSearcher } from "./search_slots.ts";
import type { SlotTools } from "./slot_store.ts";

/** Reads attention sums and keys out of linear memory; one instance serves all dialogues, one after the other. */
export class Observer implements Observation {
  readonly #tools: SlotTools;
  readonly #convolver: SlotConvolver;
  readonly #searcher: SlotSearcher;
  #cache: SimdKvCache | null = null;
  /** [most live slots of a unit, headDim]: keys. */
  readonly #keys: GrowingBlock;
  #wanted: readonly SlotConvolution[] = [];

  constructor(tools: SlotTools) {
    this.#tools = tools;
    this.#keys = new GrowingBlock(tools.memory);
    this.#convolver = new SlotConvolver(tools);
    this.#searcher = new SlotSearcher(tools);
  }

  /** Turns to a dialogue. */
  of(cache: SimdKvCache): this {
    this.#cache = cache;
    this.#wanted = [];
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
    return this.#lastKeys(unit, this.#current().slots.live[unit]);
  }

  freshKeys(unit: number): Float32Array {
    return this.#lastKeys(unit, this.#current().slots.pending);
  }

  likest(unit: number, kept: Int32Array, seekers: Int32Array): Likest {
    return this.#searcher.run(this.#current(), unit, kept, seekers);
  }

  /** Only takes note: each is computed when it is looked at, so that one buffer does for all. */
  convolve(wanted: readonly SlotConvolution[]): Promise<void> {
    this.#wanted = wanted;
    return Promise.resolve();
  }

  convolved(unit: number): Float32Array {
    const wanted = this.#wanted.find((one) => one.unit === unit);
    if (wanted) return this.#convolver.run(this.#current(), wanted);
    throw new TypeError("Cannot observe a convolution: nobody asked for it");
  }

  /** Of the unit's last `count` slots. */
  #lastKeys(unit: number, count: number): Float32Array {
    const { slots, store } = this.#current();
    const { memory, config } = this.#tools;
    const { headDim } = config;
    const first = slots.offsets[unit] + slots.live[unit] - count;
    const keys = this.#keys.reserve(count * headDim * 4);
    for (let i = 0; i < count; i++) {
      const to = keys + i * headDim * 4;
      store.readKey(first + i, slots.position[first + i], to);
    }
    const start = keys / 4;
    return memory.f32.subarray(start, start + count * headDim);
  }

  #current(): SimdKvCache {
    if (this.#cache) return this.#cache;
    throw new TypeError("Cannot observe before turning to a dialogue");
  }
}
