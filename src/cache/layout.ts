/**
 * How many slots a dialogue owns, and where each head's slots lie.
 *
 * @module
 */

/**
 * The fixed shape of a dialogue's cache. A *unit* is one key/value head of one layer, numbered layer · kvHeads + head. Its
 * slots lie side by side; it holds at most `slots[unit]` after a compaction and `block` more before the next one.
 */
export interface CacheLayout {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** [unit]: slots after a compaction. Units may differ; the sum is what is fixed. */
  readonly slots: Int32Array;
  /** Free slots that every unit has after a compaction: the most tokens that are appended at once. */
  readonly block: number;
  /** [unit + 1]: index of a unit's first slot in arrays over all slots; the last is their number. */
  readonly offsets: Int32Array;
  /** Whether slots carry a bias on their attention logit (fused slots that count for several tokens). */
  readonly biased: boolean;
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
}

/**
 * Lays out a cache.
 *
 * @throws {RangeError} If a number of slots is no positive integer or there is not one for each unit.
 */
export function createLayout(options: LayoutOptions): CacheLayout {
  const { layers, kvHeads, headDim, block, biased = false } = options;
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
  return { layers, kvHeads, headDim, slots, block, offsets, biased };
}

/** Slots of a unit after a compaction, averaged over all units. */
export function meanSlots(layout: CacheLayout): number {
  return layout.slots.reduce((a, b) => a + b, 0) / layout.slots.length;
}
