/**
 * Keys and values of one dialogue in GPU buffers.
 *
 * @module
 */
import type { CorrectedAttention } from "../../cache/corrections.ts";
import type { CacheLayout } from "../../cache/layout.ts";
import { SlotTable } from "../../cache/slots.ts";
import type { KvCache } from "../runtime.ts";
import type { SlotBuffers } from "./slot_buffers.ts";

/** The table of slots, and, once a step has used them, the buffers on the device. */
export class GpuKvCache implements KvCache {
  readonly slots: SlotTable;
  readonly corrected: CorrectedAttention | null;
  #buffers: SlotBuffers | null = null;
  #disposed = false;

  constructor(layout: CacheLayout, corrected: CorrectedAttention | null) {
    this.slots = new SlotTable(layout);
    this.corrected = corrected;
  }

  get isLost(): boolean {
    return this.#buffers?.isLost ?? false;
  }

  /** Null until {@link attach}. */
  get buffers(): SlotBuffers | null {
    return this.#buffers;
  }

  /** Gives the cache its buffers; they go when it does. */
  attach(buffers: SlotBuffers): void {
    if (this.#disposed) {
      buffers.destroy();
      throw new TypeError("Cannot use the cache: it is disposed of");
    }
    this.#buffers = buffers;
  }

  dispose(): void {
    this.#disposed = true;
    this.#buffers?.destroy();
    this.#buffers = null;
  }
}
