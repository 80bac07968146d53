/**
 * @module
 */
import type { SlotConvolution } from "../../cache/convolution.ts";
import type { SimdKvCache } from "./kv_cache.ts";
import type { SlotTools } from "./slot_store.ts";

/** Computes convolutions over slots, in buffers that grow to the largest. */
export class SlotConvolver {
  readonly #tools: SlotTools;
  #pointer = 0;
  #capacity = 0;

  constructor(tools: SlotTools) {
    this.#tools = tools;
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
    this.#reserve(weight.length + rows + inputs + outputs);
    const weights = this.#pointer, biases = weights + weight.byteLength;
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

  #reserve(floats: number): void {
    if (floats <= this.#capacity) return;
    const { memory } = this.#tools;
    if (this.#capacity) memory.free(this.#pointer);
    this.#pointer = memory.allocate(floats * 4);
    this.#capacity = floats;
  }
}
