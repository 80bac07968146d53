/**
 * The outcome of a compaction, as data: which slots stay, which are mixed, and where each is seen from now on.
 *
 * @module
 */
import type { CacheLayout } from "./layout.ts";
import type { SlotTable } from "./slots.ts";

/**
 * What becomes of every slot. For each unit the new slots are listed in order (`source`): a slot that stays as it is, or
 * a row, that is a weighted sum over slots that do not stay. Slots in neither are dropped. A row sits where its anchor
 * sat. A slot whose key stays can have a row for its value alone (`valueRow`). One plan is made per dialogue and used again;
 * filling it allocates only when there are more rows than ever before.
 */
export class Plan {
  readonly layout: CacheLayout;
  /** [unit + 1]: index of a unit's first new slot in the arrays over slots; the last is their number. */
  readonly offsets: Int32Array;
  /** [unit]: slots after the compaction. */
  readonly count: Int32Array;
  /** [slot]: where a new slot comes from: the index of an old one in the same unit, or ~row. */
  readonly source: Int32Array;
  /** [slot]: the row that a new slot's value is mixed by, or -1 where the value comes with the key. */
  readonly valueRow: Int32Array;
  /** [slot]: position of each new slot. */
  readonly position: Int32Array;
  /** [unit]: position of the next token. */
  readonly next: Int32Array;

  /** Rows so far, over all units, in the order of the new slots. */
  rows = 0;
  /** [row]: the old slot in whose place it sits. */
  anchor: Int32Array;
  /** [row]: tokens that stand behind it. */
  mass: Float32Array;
  /** [row + 1]: its first member in `member` and `weight`. */
  rowStart: Int32Array;
  /** Old slots of the row's unit. */
  member: Int32Array;
  weight: Float32Array;

  constructor(layout: CacheLayout) {
    this.layout = layout;
    const units = layout.slots.length;
    const slots = layout.offsets[units];
    this.offsets = layout.offsets.slice();
    this.count = new Int32Array(units);
    this.source = new Int32Array(slots);
    this.valueRow = new Int32Array(slots);
    this.position = new Int32Array(slots);
    this.next = new Int32Array(units);
    this.anchor = new Int32Array(0);
    this.mass = new Float32Array(0);
    this.rowStart = new Int32Array(1);
    this.member = new Int32Array(0);
    this.weight = new Float32Array(0);
  }

  /** Forgets the last plan; every unit lies where `slots` has it. */
  clear(slots: SlotTable): void {
    this.offsets.set(slots.offsets);
    this.count.fill(0);
    this.rows = 0;
  }

  /** Lets the slots `from` … `to` - 1 of a unit stay; calls for one unit come in ascending order. */
  keep(unit: number, from: number, to = from + 1): void {
    for (let slot = from; slot < to; slot++) {
      this.#place(unit, slot, -1);
    }
  }

  /**
   * Puts a mixture in the place of `anchor`, after everything that was added to the unit so far.
   *
   * @param members Old slots of the unit, and `weights` for each of them.
   * @param mass Tokens that stand behind the mixture.
   */
  fuse(
    unit: number,
    anchor: number,
    members: ArrayLike<number>,
    weights: ArrayLike<number>,
    mass: number,
  ): void {
    const row = this.#addRow(anchor, members, weights, mass);
    this.#place(unit, ~row, row);
  }

  /**
   * Lets a slot stay, and its value take in others'. Arguments as of {@link Plan.fuse}; `slot` may be one of the members.
   */
  join(
    unit: number,
    slot: number,
    members: ArrayLike<number>,
    weights: ArrayLike<number>,
    mass: number,
  ): void {
    this.#place(unit, slot, this.#addRow(slot, members, weights, mass));
  }

  #place(unit: number, source: number, valueRow: number): void {
    const at = this.offsets[unit] + this.count[unit]++;
    this.source[at] = source;
    this.valueRow[at] = valueRow;
  }

  #addRow(
    anchor: number,
    members: ArrayLike<number>,
    weights: ArrayLike<number>,
    mass: number,
  ): number {
    const row = this.rows++;
    const from = this.rowStart[row];
    const to = from + members.length;
    this.#reserve(row + 1, to);
    this.anchor[row] = anchor;
    this.mass[row] = mass;
    this.member.set(members, from);
    this.weight.set(weights, from);
    this.rowStart[row + 1] = to;
    return row;
  }

  #reserve(rows: number, members: number): void {
    if (rows > this.anchor.length) {
      this.anchor = grown(this.anchor, new Int32Array(rows * 2));
      this.mass = grown(this.mass, new Float32Array(rows * 2));
      this.rowStart = grown(this.rowStart, new Int32Array(rows * 2 + 1));
    }
    if (members > this.member.length) {
      this.member = grown(this.member, new Int32Array(members * 2));
      this.weight = grown(this.weight, new Float32Array(members * 2));
    }
  }
}

function grown<T extends Int32Array | Float32Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
