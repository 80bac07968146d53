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
 * The state of a dialogue's slots. Arrays over slots are indexed by `layout.offsets[unit]` + slot; a unit's live slots
 * come first, oldest first.
 */
export class SlotTable {
  readonly layout: CacheLayout;
  /** Tokens that went through. */
  seen = 0;
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

  constructor(layout: CacheLayout) {
    this.layout = layout;
    const units = layout.slots.length;
    const slots = layout.offsets[units];
    this.live = new Int32Array(units);
    this.next = new Int32Array(units);
    this.position = new Int32Array(slots);
    this.token = new Int32Array(slots);
    this.mass = new Float32Array(slots);
    this.fused = new Uint8Array(slots);
  }

  /** How many more tokens fit before a compaction is due. */
  get room(): number {
    const { slots, block } = this.layout;
    let room = Infinity;
    for (let unit = 0; unit < slots.length; unit++) {
      room = Math.min(room, slots[unit] + block - this.live[unit]);
    }
    return room;
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
      const start = this.layout.offsets[unit] + this.live[unit];
      for (let i = 0; i < count; i++) {
        this.position[start + i] = this.next[unit] + i;
        this.token[start + i] = this.seen + i;
        this.mass[start + i] = 1;
        this.fused[start + i] = 0;
      }
      this.live[unit] += count;
      this.next[unit] += count;
    }
    this.seen += count;
  }

  /** Makes the slots what the plan says; the keys and values are the runtime's to move. */
  apply(plan: Plan): void {
    for (let unit = 0; unit < this.live.length; unit++) {
      const start = this.layout.offsets[unit];
      for (let i = 0; i < plan.count[unit]; i++) {
        const source = plan.source[start + i];
        const row = ~source;
        const from = start + (source >= 0 ? source : plan.anchor[row]);
        this.token[start + i] = this.token[from];
        this.mass[start + i] = source >= 0 ? this.mass[from] : plan.mass[row];
        this.fused[start + i] = source >= 0 ? this.fused[from] : 1;
        this.position[start + i] = plan.position[start + i];
      }
      this.live[unit] = plan.count[unit];
      this.next[unit] = plan.next[unit];
    }
  }

  /** Where the dialogue's tokens are; means over the units, rounded so that they add up. */
  usage(method: string): KvUsage {
    const units = this.live.length;
    let verbatim = 0, behind = 0;
    for (let unit = 0; unit < units; unit++) {
      const start = this.layout.offsets[unit];
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
