/**
 * @module
 */
import type { Attention } from "../../kernels/kernels.ts";
import type { ForwardTools } from "./forward_tools.ts";
import type { SlotStore } from "./slot_store.ts";

/** What stands for no attention at all. */
const NOTHING = -1e9;

/**
 * One slot that stands for many: it has the mean of their keys and of their values, weighted by the attention that some
 * queries give them, and its logit is lifted by the entropy of the weights. For a query with the mean attention that is what
 * all of them together give (by Jensen's inequality it is at most that for any other).
 */
export class RestSlot {
  readonly #tools: ForwardTools;
  /** [2, headDim]: mean key and value, here and in linear memory. */
  readonly #mean: Float32Array;
  readonly #vectors: number;
  #mass = 0;
  #entropy = NOTHING;

  constructor(tools: ForwardTools) {
    const { memory, config } = tools;
    this.#tools = tools;
    this.#mean = new Float32Array(2 * config.headDim);
    this.#vectors = memory.allocate(2 * config.headDim * 4);
  }

  /** Attention that the slots got that it stands for. */
  get mass(): number {
    return this.#mass;
  }

  /** In nats; what is added to its logit. */
  get entropy(): number {
    return this.#entropy;
  }

  /**
   * Makes it stand for those of the first `live` slots, at which `attention` points, that are not `chosen`.
   *
   * @param weights Pointer to [live] f32: the attention they got.
   */
  sumUp(
    { form }: SlotStore,
    attention: Attention,
    live: number,
    chosen: Int32Array,
    weights: number,
  ): void {
    const { f32 } = this.#tools.memory;
    const mean = this.#mean.fill(0);
    let total = 0, logs = 0;
    for (let i = 0, next = 0; i < live; i++) {
      if (next < chosen.length && chosen[next] === i) {
        next++;
        continue;
      }
      const weight = f32[weights / 4 + i];
      if (weight === 0) continue;
      total += weight;
      logs += weight * Math.log(weight);
      if (form.scale) this.#addBytes(attention, i, weight);
      else this.#addFloats(attention, i, weight);
    }
    this.#mass = total;
    this.#entropy = total > 0 ? Math.log(total) - logs / total : NOTHING;
    if (total > 0) { for (let d = 0; d < mean.length; d++) mean[d] /= total; }
  }

  /** Puts it at slot `index` of those at which `attention` points. */
  put({ form }: SlotStore, attention: Attention, index: number): void {
    const { memory, config, kernels } = this.#tools;
    const { headDim } = config;
    const { vector, scale } = form;
    const key = attention.keys + index * vector;
    const value = attention.values + index * vector;
    if (!scale) {
      memory.f32.set(this.#mean.subarray(0, headDim), key / 4);
      memory.f32.set(this.#mean.subarray(headDim), value / 4);
      return;
    }
    memory.f32.set(this.#mean, this.#vectors / 4);
    const keyScale = attention.keyScales + index * scale;
    const valueScale = attention.valueScales + index * scale;
    kernels.slots.encode(this.#vectors, 0, key, keyScale, 1, headDim);
    const second = this.#vectors + headDim * 4;
    kernels.slots.encode(second, 0, value, valueScale, 1, headDim);
  }

  /** Adds a slot of 8 bits, with its scales. */
  #addBytes(attention: Attention, slot: number, weight: number): void {
    const { memory: { f32, i8 }, config: { headDim } } = this.#tools;
    const mean = this.#mean;
    const key = weight * f32[attention.keyScales / 4 + slot];
    const value = weight * f32[attention.valueScales / 4 + slot];
    const k = attention.keys + slot * headDim;
    const v = attention.values + slot * headDim;
    for (let d = 0; d < headDim; d++) {
      mean[d] += key * i8[k + d];
      mean[headDim + d] += value * i8[v + d];
    }
  }

  #addFloats(attention: Attention, slot: number, weight: number): void {
    const { memory: { f32 }, config: { headDim } } = this.#tools;
    const mean = this.#mean;
    const k = attention.keys / 4 + slot * headDim;
    const v = attention.values / 4 + slot * headDim;
    for (let d = 0; d < headDim; d++) {
      mean[d] += weight * f32[k + d];
      mean[headDim + d] += weight * f32[v + d];
    }
  }
}
