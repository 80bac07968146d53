/**
 * What a cache method wants to know of a dialogue's slots, read back from the device.
 *
 * @module
 */
import type { SlotConvolution } from "../../cache/convolution.ts";
import type { Needs } from "../../cache/method.ts";
import type { SlotTable } from "../../cache/slots.ts";
import type { Observation } from "../../cache/unit_view.ts";
import type { GpuKvCache } from "./kv_cache.ts";
import type { SlotBuffers } from "./slot_buffers.ts";

/** Copies of what was asked for; views of one unit are handed out. */
export class GpuObservation implements Observation {
  readonly #slots: SlotTable;
  /** [slot] or null */
  readonly #attention: Float32Array | null;
  /** [slot, headDim] of all slots, or [unit, fresh, headDim] of those that the last block added; or null. */
  readonly #keys: Float32Array | null;
  readonly #hasAll: boolean;
  readonly #buffers: SlotBuffers;
  /** By unit, [rows, slots]. */
  #convolved: ReadonlyMap<number, Float32Array> = new Map();

  private constructor(
    slots: SlotTable,
    buffers: SlotBuffers,
    attention: Float32Array | null,
    keys: Float32Array | null,
    hasAll: boolean,
  ) {
    this.#slots = slots;
    this.#buffers = buffers;
    this.#attention = attention;
    this.#keys = keys;
    this.#hasAll = hasAll;
  }

  /** Reads what `needs` names. */
  static async of(cache: GpuKvCache, needs: Needs): Promise<GpuObservation> {
    const { slots } = cache;
    const buffers = cache.buffers!;
    const hasAll = needs.keys === true;
    let attention: Float32Array | null = null, keys: Float32Array | null = null;
    if (needs.queries && slots.layout.observed) {
      attention = await buffers.download(buffers.attention);
    }
    if (needs.keys) {
      keys = await readKeys(slots, buffers, !hasAll);
    }
    return new GpuObservation(slots, buffers, attention, keys, hasAll);
  }

  attention(unit: number): Float32Array {
    if (!this.#attention) throw notAsked("attention");
    const start = this.#slots.offsets[unit];
    return this.#attention.subarray(start, start + this.#slots.live[unit]);
  }

  keys(unit: number): Float32Array {
    if (!this.#keys || !this.#hasAll) throw notAsked("keys");
    const { offsets, live } = this.#slots;
    return this.#part(this.#keys, offsets[unit], live[unit]);
  }

  freshKeys(unit: number): Float32Array {
    if (!this.#keys) throw notAsked("fresh keys");
    const { offsets, live, pending } = this.#slots;
    const start = this.#hasAll
      ? offsets[unit] + live[unit] - pending
      : unit * pending;
    return this.#part(this.#keys, start, pending);
  }

  async convolve(wanted: readonly SlotConvolution[]): Promise<void> {
    const { watch, convolver } = this.#buffers;
    this.#convolved = await watch.wait(convolver.run(this.#slots, wanted));
  }

  convolved(unit: number): Float32Array {
    const outcome = this.#convolved.get(unit);
    if (!outcome) throw notAsked("a convolution");
    return outcome;
  }

  #part(keys: Float32Array, slot: number, count: number): Float32Array {
    const { headDim } = this.#slots.layout;
    return keys.subarray(slot * headDim, (slot + count) * headDim);
  }
}

/** Keys of all live slots, each in its place, or of those that the last block added, side by side, unit after unit. */
async function readKeys(
  slots: SlotTable,
  buffers: SlotBuffers,
  onlyFresh: boolean,
): Promise<Float32Array> {
  const { offsets, live, position, pending, layout } = slots;
  const units = live.length;
  const all = layout.offsets[units];
  const count = onlyFresh ? units * pending : all;
  if (count === 0) return new Float32Array(0);
  const unpacker = buffers.keysOf(onlyFresh ? units * layout.block : all);
  unpacker.run(count, (name) => {
    for (let unit = 0; unit < units; unit++) {
      const end = offsets[unit] + live[unit];
      const start = onlyFresh ? end - pending : offsets[unit];
      const to = onlyFresh ? unit * pending : start;
      for (let i = start; i < end; i++) name(to + i - start, i, position[i]);
    }
  });
  return await buffers.download(
    unpacker.keys,
    count * layout.headDim * 4,
  );
}

function notAsked(what: string): TypeError {
  return new TypeError(`Cannot observe ${what}: nobody asked for it`);
}
