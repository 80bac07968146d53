/**
 * Keys and values of one dialogue in linear memory.
 *
 * @module
 */
import type { CorrectedAttention } from "../../cache/corrections.ts";
import type { CacheLayout } from "../../cache/layout.ts";
import type { StoreName } from "../../cache/store/stores.ts";
import { SlotTable } from "../../cache/slots.ts";
import type { LinearMemory } from "../../kernels/memory.ts";
import type { KvCache } from "../runtime.ts";
import { ByteKeys, ByteValues } from "./byte_slots.ts";
import { SimdCorrections } from "./corrections.ts";
import { F32Store } from "./f32_store.ts";
import { NibbleKeys, NibbleValues } from "./nibble_slots.ts";
import { QuantizedStore } from "./quantized_store.ts";
import type { SlotStore, SlotTools } from "./slot_store.ts";

/** Arrays over slots are indexed as those of the {@link SlotTable} are, so that a unit's slots lie side by side. */
export class SimdKvCache implements KvCache {
  readonly isLost = false;
  readonly slots: SlotTable;
  readonly store: SlotStore;
  /** Pointer to [slot] f32 added to attention logits, or 0 where the layout has none. */
  readonly biases: number;
  /** Pointer to [slot] f32, the attention that slots got from the observed queries of a block, or 0. */
  readonly attention: number;
  /** Null where attention is not corrected. */
  readonly corrections: SimdCorrections | null;
  readonly #memory: LinearMemory;
  #disposed = false;

  /** @param scratch Pointer to [headDim] f32 that a store may use. */
  constructor(
    tools: SlotTools,
    layout: CacheLayout,
    scratch: number,
    corrected: CorrectedAttention | null = null,
  ) {
    const { memory, config } = tools;
    const slots = layout.offsets[layout.slots.length];
    this.#memory = memory;
    this.slots = new SlotTable(layout);
    this.store = createStore(tools, layout.store, slots, scratch);
    this.biases = layout.biased ? memory.allocate(slots * 4) : 0;
    this.attention = layout.observed ? memory.allocate(slots * 4) : 0;
    this.corrections = corrected &&
      new SimdCorrections(memory, config, corrected);
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

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.slots.dispose();
    for (const { pointer } of this.store.planes) this.#memory.free(pointer);
    if (this.biases) this.#memory.free(this.biases);
    if (this.attention) this.#memory.free(this.attention);
    this.corrections?.dispose();
  }
}

function createStore(
  tools: SlotTools,
  name: StoreName,
  slots: number,
  scratch: number,
): SlotStore {
  if (name === "f32") return new F32Store(tools, slots);
  const keys = name === "int4"
    ? new NibbleKeys(tools, slots, scratch)
    : new ByteKeys(tools, slots, scratch);
  const values = name === "int8"
    ? new ByteValues(tools, slots)
    : new NibbleValues(tools, slots);
  return new QuantizedStore(tools, keys, values);
}
