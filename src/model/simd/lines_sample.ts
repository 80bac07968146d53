/**
 * @module
 */
import type { LinearMemory } from "../../kernels/memory.ts";
import type { ColumnChooser } from "../prefill/lines.ts";

/** Slots among which lines are chosen, and by how much of the attention. */
export interface LinesRange {
  readonly from: number;
  readonly until: number;
  /** Attention of the whole sample, to all slots. */
  readonly total: number;
  /** Share of it that lines have to cover. */
  readonly coverage: number;
}

/**
 * The attention that a sample of a chunk's queries pays to each slot, summed up in two halves, so that one half can tell
 * whether what the other would choose is right for queries that nobody asked.
 */
export class LinesSample {
  readonly #memory: LinearMemory;
  readonly #chooser: ColumnChooser;
  /** [2] pointers to [slots] f32 */
  #halves: readonly [number, number] = [0, 0];
  /** Columns that a half would choose. */
  #chosen = new Int32Array(0);

  constructor(memory: LinearMemory, chooser: ColumnChooser) {
    this.#memory = memory;
    this.#chooser = chooser;
  }

  /** Puts it at `pointer`, where there is room for 2 · `slots` f32. */
  place(pointer: number, slots: number): void {
    this.#halves = [pointer, pointer + slots * 4];
    this.#chosen = new Int32Array(slots);
  }

  /** Pointer to [slots] f32 in which the attention of a query of the sample is summed up; queries take turns. */
  half(query: number): number {
    return this.#halves[query % 2];
  }

  /** Forgets what was summed up of the first `slots` slots. */
  clear(slots: number): void {
    for (const pointer of this.#halves) {
      this.#memory.f32.fill(0, pointer / 4, pointer / 4 + slots);
    }
  }

  /** The share of the sample's attention that each half pays to what the other half would leave out. */
  unforeseen({ from, until, total, coverage }: LinesRange): number {
    const [a, b] = this.#halves.map((pointer) =>
      this.#memory.f32.subarray(pointer / 4, pointer / 4 + until)
    );
    const spared = (1 - coverage) * total / 2;
    const far = { from, until, spared };
    return (this.#missed(a, b, far) + this.#missed(b, a, far)) / total;
  }

  /** What `other` pays to the columns that `own` leaves out. */
  #missed(
    own: Float32Array<ArrayBuffer>,
    other: Float32Array<ArrayBuffer>,
    { from, until, spared }: { from: number; until: number; spared: number },
  ): number {
    let wanted = -spared, missed = 0;
    for (let i = from; i < until; i++) {
      wanted += own[i];
      missed += other[i];
    }
    const chosen = this.#chosen;
    const { count } = this.#chooser
      .choose(own, from, until, wanted, chosen, 0);
    for (let i = 0; i < count; i++) missed -= other[chosen[i]];
    return missed;
  }

  /** The attention of the whole sample to the first `slots` slots; valid until `clear`, and `unforeseen` no longer is. */
  join(slots: number): number {
    const { f32 } = this.#memory;
    const [to, from] = this.#halves.map((pointer) => pointer / 4);
    for (let i = 0; i < slots; i++) f32[to + i] += f32[from + i];
    return this.#halves[0];
  }
}
