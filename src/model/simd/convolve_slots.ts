/**
 * @module
 */
import type { SlotConvolution } from "../../cache/convolution.ts";
import { GrowingBlock } from "../../kernels/growing_block.ts";
import type { SimdKvCache } from "./kv_cache.ts";
import type { SlotTools } from "./slot_store.ts";

/** Computes convolutions over slots, in buffers that grow to the largest. */
export class SlotConvolver {
  readonly #tools: SlotTools;
  readonly #block: GrowingBlock;

  constructor(tools: SlotTools) {
    this.#tools = tools;
    this.#block = new GrowingBlock(tools.memory);
  }

  /** [rows, slots], valid until the next call. */
  run(
    cache: SimdKvCache,
    { unit, slots, convolution }: SlotConvolution,
  ): Float32Array {
    const { rows, taps, weight, bias } = convolution;
    const { memory, kernels, config } = this.#tools;
    const step = config.headDim * 2;
    const padding = (taps >> 1) * step;
    const inputs = slots.length * step + 2 * padding;
    const outputs = rows * slots.length;
    const floats = weight.length + rows + inputs + outputs;
    const weights = this.#block.reserve(floats * 4);
    const biases = weights + weight.byteLength;
    const input = biases + rows * 4, output = input + inputs * 4;
    memory.f32.set(weight, weights / 4);
    memory.f32.set(bias, biases / 4);
    memory.f32.fill(0, input / 4, input / 4 + inputs);
    this.#gather(cache, unit, slots, input + padding * 4);
    const width = taps * step;
    kernels.convolve(
      weights,
      biases,
      input,
      output,
      rows,
      width,
      step,
      slots.length,
    );
    return memory.f32.subarray(output / 4, output / 4 + outputs);
  }

  /** Writes keys, not rotated, and values: [slots, 2, headDim]. */
  #gather(
    { slots: table, store }: SimdKvCache,
    unit: number,
    slots: Int32Array,
    to: number,
  ): void {
    const bytes = this.#tools.config.headDim * 4;
    for (const slot of slots) {
      const at = table.offsets[unit] + slot;
      store.readKey(at, table.position[at], to);
      store.readValue(at, to + bytes);
      to += bytes * 2;
    }
  }
}
