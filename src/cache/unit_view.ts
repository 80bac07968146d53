/**
 * One unit's slots as the planes see them.
 *
 * @module
 */
import type { SlotConvolution } from "./convolution.ts";
import type { Protection } from "./protection.ts";
import type { SlotTable } from "./slots.ts";

/** What a runtime observed of a dialogue's slots during the last block. */
export interface Observation {
  /**
   * [live] attention that each slot got, summed over the observed queries and the query heads of the unit. Valid until
   * anything else is observed.
   */
  attention(unit: number): Float32Array;
  /** [live, headDim] keys, not rotated. Valid until the next call for keys. */
  keys(unit: number): Float32Array;
  /** [fresh, headDim] keys of the slots that the last block added, not rotated. Valid until the next call for keys. */
  freshKeys(unit: number): Float32Array;
  /**
   * Finds out, for each of some slots, whose key makes the smallest angle with its own where both are seen.
   *
   * @param kept Slots of the unit, those that can be found.
   * @param seekers [n, 3]: a slot, and where those that it looks at begin and end in `kept`.
   * @returns Valid until the next call.
   */
  likest(unit: number, kept: Int32Array, seekers: Int32Array): Likest;
  /** Computes convolutions, at most one for each unit; {@link convolved} gives what came out. */
  convolve(wanted: readonly SlotConvolution[]): Promise<void>;
  /** [rows, slots] of the unit's convolution. Valid until the next call. */
  convolved(unit: number): Float32Array;
}

/** What was found for each seeker. */
export interface Likest {
  /** [n] the slot, the first of several, or -1 where there was none to look at. */
  readonly targets: Int32Array;
  /** [n] the cosine of that angle, or -Infinity. */
  readonly cosines: Float32Array;
}

/** A window on one unit, moved from unit to unit; arrays are views, valid until it moves on. */
export class UnitView {
  readonly #slots: SlotTable;
  readonly #protection: Protection;
  readonly #queryHeads: number;
  #observation: Observation | null = null;
  #unit = 0;

  /** @param queryHeads Query heads that share a key/value head. */
  constructor(slots: SlotTable, protection: Protection, queryHeads: number) {
    this.#slots = slots;
    this.#protection = protection;
    this.#queryHeads = queryHeads;
  }

  /** Turns to a unit. */
  move(unit: number, observation: Observation): this {
    this.#unit = unit;
    this.#observation = observation;
    return this;
  }

  /** layer · kvHeads + head */
  get unit(): number {
    return this.#unit;
  }
  get layer(): number {
    return Math.floor(this.#unit / this.#slots.layout.kvHeads);
  }
  get live(): number {
    return this.#slots.live[this.#unit];
  }
  get headDim(): number {
    return this.#slots.layout.headDim;
  }
  /** Tokens of the dialogue so far. */
  get seen(): number {
    return this.#slots.seen;
  }
  /** How many of the live slots, the last ones, the last block added. */
  get fresh(): number {
    return this.#slots.pending;
  }
  /** Queries whose attention was observed. */
  get queries(): number {
    return Math.min(this.#slots.layout.observed, this.fresh);
  }
  /** Slots that the unit may keep. */
  get budget(): number {
    return this.#slots.layout.slots[this.#unit];
  }
  /** The first slot that can be evicted. */
  get start(): number {
    return Math.min(this.#protection.sinks, this.live);
  }
  /** One past the last slot that can be evicted. */
  get end(): number {
    return Math.max(this.live - this.#protection.window, this.start);
  }
  /** How many of the slots from `start` to `end` may stay. */
  get free(): number {
    return this.budget - this.start - (this.live - this.end);
  }
  /** [live] index in the dialogue of each slot's token. */
  get token(): Int32Array {
    return this.#live(this.#slots.token);
  }
  /** [live] tokens behind each slot. */
  get mass(): Float32Array {
    return this.#live(this.#slots.mass);
  }
  /** Sum of attention, see {@link Observation.attention}. */
  get attention(): Float32Array {
    return this.#observed.attention(this.#unit);
  }
  /** Attention values that went into one slot's sum, had every observed query seen it. */
  get rows(): number {
    return this.queries * this.#queryHeads;
  }
  /** Query heads that share the unit's keys and values. */
  get queryHeads(): number {
    return this.#queryHeads;
  }
  /** [live, headDim] keys, not rotated. */
  get keys(): Float32Array {
    return this.#observed.keys(this.#unit);
  }
  /** [fresh, headDim] keys of the slots that the last block added, not rotated. */
  get freshKeys(): Float32Array {
    return this.#observed.freshKeys(this.#unit);
  }
  /** [rows, slots] of the convolution that was asked for. Valid until the next call. */
  get convolved(): Float32Array {
    return this.#observed.convolved(this.#unit);
  }
  /** See {@link Observation.likest}. */
  likest(kept: Int32Array, seekers: Int32Array): Likest {
    return this.#observed.likest(this.#unit, kept, seekers);
  }
  /** [live] what the score remembers under an index. */
  carried(index: number): Float32Array {
    return this.#live(this.#slots.carried[index]);
  }

  get #observed(): Observation {
    if (this.#observation) return this.#observation;
    throw new TypeError("Cannot observe a unit before turning to it");
  }

  #live<T extends Int32Array | Float32Array>(values: T): T {
    const start = this.#slots.offsets[this.#unit];
    return values.subarray(start, start + this.live) as T;
  }
}
