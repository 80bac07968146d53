/**
 * How many slots a dialogue owns, and where each head's slots lie.
 *
 * @module
 */
import type { StoreName } from "./store/stores.ts";

/**
 * The fixed shape of a dialogue's cache. A *unit* is one key/value head of one layer, numbered layer · kvHeads + head. Its
 * slots lie side by side; it holds at most `slots[unit]` after a compaction and `block` more before the next one. Where a
 * method moves slots from head to head, both change with time and the {@link SlotTable} has the present ones.
 */
export interface CacheLayout {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** [unit]: slots after a compaction. Units may differ; the sum is what is fixed. */
  readonly slots: Int32Array;
  /**
   * Tokens between two compactions, for which every unit has free slots; 0 where there are no compactions and a dialogue
   * ends with its slots.
   */
  readonly block: number;
  /** [unit + 1]: index of a unit's first slot in arrays over all slots; the last is their number. */
  readonly offsets: Int32Array;
  /** Whether slots carry a bias on their attention logit (fused slots that count for several tokens). */
  readonly biased: boolean;
  /** Numbers that the method's score carries along with each slot. */
  readonly carried: number;
  /** Queries at the end of every block whose attention to each slot is summed up; 0 for none. At most `block`. */
  readonly observed: number;
  /** Precision in which keys and values are held. */
  readonly store: StoreName;
  /** Share of each chunk's attention that prefill must compute where leaving out the rest pays; 1 for all. */
  readonly coverage: number;
}

/** What a layout is made from. */
export interface LayoutOptions {
  layers: number;
  kvHeads: number;
  headDim: number;
  /** The same for every unit, or one number for each. */
  slots: number | readonly number[];
  block: number;
  biased?: boolean;
  carried?: number;
  observed?: number;
  store?: StoreName;
  coverage?: number;
}

/**
 * Lays out a cache.
 *
 * @throws {RangeError} If a number of slots is no positive integer or there is not one for each unit.
 */
export function createLayout(options: LayoutOptions): CacheLayout {
  const { layers, kvHeads, headDim, block } = options;
  const { biased = false, carried = 0, observed = 0, store = "f32" } = options;
  const { coverage = 1 } = options;
  const units = layers * kvHeads;
  const given = options.slots;
  const slots = typeof given === "number"
    ? new Int32Array(units).fill(given)
    : Int32Array.from(given);
  if (slots.length !== units) {
    throw new RangeError(
      `Cannot lay out the cache: ${slots.length} numbers of slots for ${units} key/value heads`,
    );
  }
  const offsets = new Int32Array(units + 1);
  slots.forEach((count, unit) => {
    if (count < 1 || !Number.isInteger(count) || block < 0) {
      throw new RangeError(
        `Cannot lay out the cache: ${count} slots and blocks of ${block}`,
      );
    }
    offsets[unit + 1] = offsets[unit] + count + block;
  });
  if (observed > block) {
    throw new RangeError(
      `Cannot observe ${observed} queries of every block: it has ${block}`,
    );
  }
  return {
    layers,
    kvHeads,
    headDim,
    slots,
    block,
    offsets,
    biased,
    carried,
    observed,
    store,
    coverage,
  };
}

/** Slots of a unit after a compaction, averaged over all units. */
export function meanSlots(layout: CacheLayout): number {
  return layout.slots.reduce((a, b) => a + b, 0) / layout.slots.length;
}

/** The most slots that any unit can have; heads of a layer may win each other's. */
export function mostLive({ layers, kvHeads, offsets }: CacheLayout): number {
  let most = 0;
  for (let layer = 0; layer < layers; layer++) {
    const first = layer * kvHeads;
    most = Math.max(most, offsets[first + kvHeads] - offsets[first]);
  }
  return most;
}
