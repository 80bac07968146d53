/**
 * @module
 */
import type { Likest } from "../../cache/unit_view.ts";
import { GrowingBlock } from "../../kernels/growing_block.ts";
import type { KeySearch } from "../../kernels/key_search.ts";
import type { SimdKvCache } from "./kv_cache.ts";
import type { SlotTools } from "./slot_store.ts";

/** Compares a unit's keys where they are seen, in buffers that grow to the largest. */
export class SlotSearcher {
  readonly #tools: SlotTools;
  /** [kept] and [seekers, 3] i32, and what is found: [seekers] i32 and [seekers] f32. */
  readonly #lists: GrowingBlock;
  /** Keys of a unit, of stores that must turn them first. */
  readonly #keys: GrowingBlock;

  constructor(tools: SlotTools) {
    this.#tools = tools;
    this.#lists = new GrowingBlock(tools.memory);
    this.#keys = new GrowingBlock(tools.memory);
  }

  /** See `Observation.likest`. */
  run(
    { slots, store }: SimdKvCache,
    unit: number,
    kept: Int32Array,
    seekers: Int32Array,
  ): Likest {
    const { memory, kernels } = this.#tools;
    const scratch = (bytes: number) => this.#keys.reserve(bytes);
    const first = slots.offsets[unit], live = slots.live[unit];
    const { pointer, isBytes } = store.turnedKeys(first, live, scratch);
    const search = this.#describe(pointer, kept, seekers);
    if (isBytes) kernels.slots.likestBytes(search);
    else kernels.likest(search);
    const targets = search.targets / 4, cosines = search.cosines / 4;
    return {
      targets: memory.i32.subarray(targets, targets + search.count),
      cosines: memory.f32.subarray(cosines, cosines + search.count),
    };
  }

  /** Puts the lists of a search side by side, and behind them room for its outcome. */
  #describe(keys: number, kept: Int32Array, seekers: Int32Array): KeySearch {
    const { memory, config: { headDim } } = this.#tools;
    const count = seekers.length / 3;
    const words = kept.length + seekers.length + 2 * count;
    const keptAt = this.#lists.reserve(words * 4);
    const seekersAt = keptAt + kept.byteLength;
    const targets = seekersAt + seekers.byteLength;
    const cosines = targets + count * 4;
    memory.i32.set(kept, keptAt / 4);
    memory.i32.set(seekers, seekersAt / 4);
    return {
      keys,
      kept: keptAt,
      seekers: seekersAt,
      count,
      headDim,
      targets,
      cosines,
    };
  }
}
