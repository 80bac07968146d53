/**
 * Keys and values of one dialogue in linear memory.
 *
 * @module
 */
import type { CacheLayout } from "../../cache/layout.ts";
import { SlotTable } from "../../cache/slots.ts";
import type { LinearMemory } from "../../kernels/memory.ts";
import type { KvCache } from "../runtime.ts";

/**
 * Two blocks of [slot, headDim] f32, keys and values, indexed as the arrays of the {@link SlotTable} are, so that a
 * unit's slots lie side by side. Keys are held rotated to their slot's position.
 */
export class SimdKvCache implements KvCache {
  readonly slots: SlotTable;
  /** Pointer to the keys. */
  readonly keys: number;
  /** Pointer to the values. */
  readonly values: number;
  /** Pointer to [slot] f32 added to attention logits, or 0 where the layout has none. */
  readonly biases: number;
  /** Pointer to [slot] f32, the attention that slots got from the observed queries of a block, or 0. */
  readonly attention: number;
  readonly #memory: LinearMemory;
  #disposed = false;

  constructor(memory: LinearMemory, layout: CacheLayout) {
    this.#memory = memory;
    const slots = layout.offsets[layout.slots.length];
    const bytes = slots * layout.headDim * 4;
    this.keys = memory.allocate(bytes * 2);
    this.values = this.keys + bytes;
    this.biases = layout.biased ? memory.allocate(slots * 4) : 0;
    this.attention = layout.observed ? memory.allocate(slots * 4) : 0;
    this.slots = new SlotTable(layout);
    this.forgetAttention();
  }

  /** Begins a new block. */
  forgetAttention(): void {
    if (!this.attention) return;
    const { layout } = this.slots;
    const slots = layout.offsets[layout.slots.length];
    const start = this.attention / 4;
    this.#memory.f32.fill(0, start, start + slots);
  }

  /** Bytes from one slot's key to the next's. */
  get slotBytes(): number {
    return this.slots.layout.headDim * 4;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#memory.free(this.keys);
    if (this.biases) this.#memory.free(this.biases);
    if (this.attention) this.#memory.free(this.attention);
  }
}
