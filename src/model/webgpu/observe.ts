/**
 * What a cache method wants to know of a dialogue's slots, read back from the device.
 *
 * @module
 */
import type { SlotConvolution } from "../../cache/convolution.ts";
import type { Needs } from "../../cache/method.ts";
import type { SlotTable } from "../../cache/slots.ts";
import type { Likest, Observation } from "../../cache/unit_view.ts";
import type { GpuKvCache } from "./kv_cache.ts";
import { likestOf } from "./likest.ts";
import type { SlotBuffers } from "./slot_buffers.ts";
import type { SlotUnpacker } from "./unpack.ts";

/** Copies of what was asked for; null where nobody asked. */
interface Seen {
  /** [slot] */
  readonly attention: Float32Array | null;
  /** [slot, headDim] */
  readonly keys: Float32Array | null;
  /** [unit, fresh, headDim] of the slots that the last block added; or null. */
  readonly freshKeys: Float32Array | null;
  /** [slot, headDim] */
  readonly turnedKeys: Float32Array | null;
}

/** Hands out views of one unit. */
export class GpuObservation implements Observation {
  readonly #slots: SlotTable;
  readonly #buffers: SlotBuffers;
  readonly #seen: Seen;
  /** By unit, [rows, slots]. */
  #convolved: ReadonlyMap<number, Float32Array> = new Map();

  private constructor(slots: SlotTable, buffers: SlotBuffers, seen: Seen) {
    this.#slots = slots;
    this.#buffers = buffers;
    this.#seen = seen;
  }

  /** Reads what `needs` names. */
  static async of(cache: GpuKvCache, needs: Needs): Promise<GpuObservation> {
    const { slots } = cache;
    const buffers = cache.buffers!;
    const all = slots.layout.offsets[slots.live.length];
    const isObserved = needs.queries && slots.layout.observed;
    return new GpuObservation(slots, buffers, {
      attention: isObserved ? await buffers.download(buffers.attention) : null,
      keys: needs.keys === true
        ? await readKeys(slots, buffers, buffers.keysOf(all))
        : null,
      freshKeys: needs.keys === "fresh"
        ? await readFreshKeys(slots, buffers)
        : null,
      turnedKeys: needs.likest
        ? await readKeys(slots, buffers, buffers.turnedKeys)
        : null,
    });
  }

  attention(unit: number): Float32Array {
    const { attention } = this.#seen;
    if (!attention) throw notAsked("attention");
    const start = this.#slots.offsets[unit];
    return attention.subarray(start, start + this.#slots.live[unit]);
  }

  keys(unit: number): Float32Array {
    const { keys } = this.#seen;
    if (!keys) throw notAsked("keys");
    const { offsets, live } = this.#slots;
    return this.#part(keys, offsets[unit], live[unit]);
  }

  freshKeys(unit: number): Float32Array {
    const { keys, freshKeys } = this.#seen;
    const { offsets, live, pending } = this.#slots;
    if (keys) {
      const start = offsets[unit] + live[unit] - pending;
      return this.#part(keys, start, pending);
    }
    if (!freshKeys) throw notAsked("fresh keys");
    return this.#part(freshKeys, unit * pending, pending);
  }

  likest(unit: number, kept: Int32Array, seekers: Int32Array): Likest {
    const { turnedKeys } = this.#seen;
    if (!turnedKeys) throw notAsked("comparisons of keys");
    const { offsets, live, layout } = this.#slots;
    const keys = this.#part(turnedKeys, offsets[unit], live[unit]);
    return likestOf(keys, layout.headDim, kept, seekers);
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

/** Keys of all live slots as `unpacker` takes them out, each in its place. */
async function readKeys(
  { offsets, live, position, layout }: SlotTable,
  buffers: SlotBuffers,
  unpacker: SlotUnpacker,
): Promise<Float32Array> {
  const count = layout.offsets[live.length];
  unpacker.run(count, (name) => {
    for (let unit = 0; unit < live.length; unit++) {
      const end = offsets[unit] + live[unit];
      for (let i = offsets[unit]; i < end; i++) name(i, i, position[i]);
    }
  });
  const bytes = count * layout.headDim * 4;
  return await buffers.download(unpacker.keys, bytes);
}

/** Keys of the slots that the last block added, side by side, unit after unit. */
async function readFreshKeys(
  { offsets, live, position, pending, layout }: SlotTable,
  buffers: SlotBuffers,
): Promise<Float32Array> {
  const count = live.length * pending;
  const unpacker = buffers.keysOf(live.length * layout.block);
  unpacker.run(count, (name) => {
    for (let unit = 0; unit < live.length; unit++) {
      const start = offsets[unit] + live[unit] - pending;
      for (let i = 0; i < pending; i++) {
        name(unit * pending + i, start + i, position[start + i]);
      }
    }
  });
  const bytes = count * layout.headDim * 4;
  return await buffers.download(unpacker.keys, bytes);
}

function notAsked(what: string): TypeError {
  return new TypeError(`Cannot observe ${what}: nobody asked for it`);
}
