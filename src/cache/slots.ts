/**
 * What is known of every slot of one dialogue, apart from the keys and values themselves.
 *
 * @module
 */
import { type CacheLayout, meanSlots } from "./layout.ts";
import type { Plan } from "./plan.ts";

/** Where the tokens of a dialogue are. `seen` = `resident` + `fused` + `evicted`. */
export interface KvUsage {
  readonly method: string;
  /** Slots of each layer and head after a compaction, averaged. */
  readonly slots: number;
  /** Tokens that went through the cache. */
  readonly seen: number;
  /** Tokens held verbatim (mean over layers and heads, rounded). */
  readonly resident: number;
  /** Tokens that stand behind a fused slot (mean, rounded). */
  readonly fused: number;
  /** Tokens dropped (mean, rounded). */
  readonly evicted: number;
  /** Tokens brought back from outside the slots. */
  readonly recalled: number;
}

/**
 * The state of a dialogue's slots. Arrays over slots are indexed by `offsets[unit]` + slot; a unit's live slots come first,
 * oldest first.
 */
export class SlotTable {
  readonly layout: CacheLayout;
  /** [unit + 1]: index of a unit's first slot in the arrays over slots; the last is their number. */
  readonly offsets: Int32Array;
  /** Tokens that went through. */
  seen = 0;
  /** Tokens since the last compaction. */
  pending = 0;
  /** [unit]: slots in use. */
  readonly live: Int32Array;
  /** [unit]: position at which the next token is seen. */
  readonly next: Int32Array;
  /** [slot]: position at which the slot is seen; the distance of two positions is what rotation encodes. */
  readonly position: Int32Array;
  /** [slot]: index in the dialogue of the token that the slot stands for (of a fused slot: its heaviest). */
  readonly token: Int32Array;
  /** [slot]: tokens that stand behind it; 1 for a token kept as it is. */
  readonly mass: Float32Array;
  /** [slot]: 1 where the slot was mixed from several. */
  readonly fused: Uint8Array;
  /** [carried][slot]: what the method's score remembers of a slot; 0 for a new one. */
  readonly carried: readonly Float32Array[];
  /** [most slots of a unit]: where a unit's arrays are put together before they are written back. */
  readonly #words: Int32Array;
  readonly #floats: Float32Array;

  constructor(layout: CacheLayout) {
    this.layout = layout;
    const units = layout.slots.length;
    const slots = layout.offsets[units];
    this.offsets = layout.offsets.slice();
    this.live = new Int32Array(units);
    this.next = new Int32Array(units);
    this.position = new Int32Array(slots);
    this.token = new Int32Array(slots);
    this.mass = new Float32Array(slots);
    this.fused = new Uint8Array(slots);
    this.carried = Array.from(
      { length: layout.carried },
      () => new Float32Array(slots),
    );
    this.#words = new Int32Array(slots);
    this.#floats = new Float32Array(slots);
  }

  /** Lets the arrays over slots go at once: nobody can tell when V8 would. The table must not be used afterwards. */
  dispose(): void {
    const { position, token, mass, fused, carried } = this;
    const arrays = [position, token, mass, fused, this.#words, this.#floats];
    for (const { buffer } of [...arrays, ...carried]) {
      (buffer as ArrayBuffer).transfer(0);
    }
  }

  /** How many more tokens fit before a compaction is due, or, where there are none, before the dialogue ends. */
  get room(): number {
    const { slots, block } = this.layout;
    return block > 0 ? block - this.pending : slots[0] - this.live[0];
  }

  /**
   * The share of a dialogue's tokens that a unit has no slot for, as it will be at the end of the running block: the same
   * for all tokens of a block, however it is fed. Exactly 0 while the unit has a slot for each.
   */
  evictedShare(unit: number): number {
    const more = this.layout.block - this.pending;
    return Math.max(0, 1 - (this.live[unit] + more) / (this.seen + more));
  }

  /**
   * Takes `count` new tokens into every unit.
   *
   * @throws {RangeError} If they do not fit.
   */
  append(count: number): void {
    if (count > this.room) {
      throw new RangeError(
        `Cannot append ${count} tokens: room for ${this.room}`,
      );
    }
    for (let unit = 0; unit < this.live.length; unit++) {
      const start = this.offsets[unit] + this.live[unit];
      for (let i = start; i < start + count; i++) {
        this.position[i] = this.next[unit] + i - start;
        this.token[i] = this.seen + i - start;
        this.mass[i] = 1;
        this.fused[i] = 0;
      }
      for (const values of this.carried) values.fill(0, start, start + count);
      this.live[unit] += count;
      this.next[unit] += count;
    }
    this.seen += count;
    this.pending += count;
  }

  /** Makes the slots what the plan says; the keys and values are the runtime's to move. */
  apply(plan: Plan): void {
    this.#move(plan, this.token, this.#words);
    this.#move(plan, this.mass, this.#floats, plan.mass);
    this.#moveFused(plan);
    for (const values of this.carried) this.#move(plan, values, this.#floats);
    this.position.set(plan.position);
    this.offsets.set(plan.offsets);
    this.live.set(plan.count);
    this.next.set(plan.next);
    this.pending = 0;
  }

  /** Brings an array over slots into the plan's order; what has a row takes `rows[row]`, or else what its anchor had. */
  #move<T extends Int32Array | Float32Array>(
    plan: Plan,
    values: T,
    scratch: T,
    rows?: Float32Array,
  ): void {
    for (let unit = 0; unit < this.live.length; unit++) {
      const from = this.offsets[unit], to = plan.offsets[unit];
      for (let i = to; i < to + plan.count[unit]; i++) {
        const row = plan.valueRow[i], source = plan.source[i];
        if (rows && row >= 0) scratch[i] = rows[row];
        else {
          const old = source >= 0 ? source : plan.anchor[row];
          scratch[i] = values[from + old];
        }
      }
    }
    values.set(scratch);
  }

  #moveFused(plan: Plan): void {
    this.#words.set(this.fused);
    for (let unit = 0; unit < this.live.length; unit++) {
      const from = this.offsets[unit], to = plan.offsets[unit];
      for (let i = to; i < to + plan.count[unit]; i++) {
        const isMixed = plan.valueRow[i] >= 0;
        this.fused[i] = isMixed ? 1 : this.#words[from + plan.source[i]];
      }
    }
  }

  /** Where the dialogue's tokens are; means over the units, rounded so that they add up. */
  usage(method: string): KvUsage {
    const units = this.live.length;
    let verbatim = 0, behind = 0;
    for (let unit = 0; unit < units; unit++) {
      const start = this.offsets[unit];
      for (let i = start; i < start + this.live[unit]; i++) {
        if (this.fused[i]) behind += this.mass[i];
        else verbatim += 1;
      }
    }
    const resident = Math.round(verbatim / units);
    const fused = Math.min(Math.round(behind / units), this.seen - resident);
    return {
      method,
      slots: Math.round(meanSlots(this.layout)),
      seen: this.seen,
      resident,
      fused,
      evicted: this.seen - resident - fused,
      recalled: 0,
    };
  }
}
