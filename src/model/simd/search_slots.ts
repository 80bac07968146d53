/**
 * @module
 */
import type { Likest } from "../../cache/unit_view.ts";
import { GrowingBlock } from "../../kernels/growing_block.ts";
import type { SimdKvCache } from "./kv_cache.ts";
import type { SlotTools } from "./slot_store.ts";

/** Compares keys where they are seen, in buffers that grow to the largest. */
export class SlotSearcher {
  readonly #tools: SlotTools;
  readonly #lists: GrowingBlock;
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
    const { memory, kernels, config: { headDim } } = this.#tools;
    const count = seekers.length / 3;
    const words = kept.length + seekers.length + 2 * count;
    const scratch = (bytes: number) => this.#keys.reserve(bytes);
    const first = slots.offsets[unit], live = slots.live[unit];
    const { pointer, isBytes } = store.turnedKeys(first, live, scratch);
    const keptAt = this.#lists.reserve(words * 4);
    const seekersAt = keptAt + kept.byteLength;
    const targets = seekersAt + seekers.byteLength;
    const cosines = targets + count * 4;
    memory.i32.set(kept, keptAt / 4);
    memory.i32.set(seekers, seekersAt / 4);
    const search = [
      keptAt,
      seekersAt,
      count,
      headDim,
      targets,
      cosines,
    ] as const;
    if (isBytes) kernels.slots.likestBytes(pointer, ...search);
    else kernels.likest(pointer, ...search);
    return {
      targets: memory.i32.subarray(targets / 4, targets / 4 + count),
      cosines: memory.f32.subarray(cosines / 4, cosines / 4 + count),
    };
  }
}
