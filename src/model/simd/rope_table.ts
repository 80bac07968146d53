/**
 * The angles of rotary positions, as the kernels read them.
 *
 * @module
 */
import type { Kernels } from "../../kernels/kernels.ts";
import type { LinearMemory } from "../../kernels/memory.ts";
import type { ModelConfig } from "../config.ts";
import { ropeFrequencies } from "../rope_frequencies.ts";

/**
 * A power of two, more than most dialogues have slots: neither the tokens of a step nor the slots of a unit push one another
 * out. Rows that no position asks for cost no memory.
 */
export const ROPE_ROWS = 2048;

/**
 * Cosines and sines of any position, however large or negative, in a fixed amount of memory: a direct-mapped cache of
 * rows. A row is [2, ropeDim] f32, as `Kernels.rotate` wants it.
 */
export class RopeTable {
  /** Any so many positions in a row are held at once. */
  readonly rows = ROPE_ROWS;
  readonly #memory: LinearMemory;
  readonly #kernels: Kernels;
  readonly #pointer: number;
  readonly #dim: number;
  /** [ropeDim / 2]: radians per position. */
  readonly #frequencies: Float64Array;
  /** [ROPE_ROWS]: the position whose row is held, or NaN. */
  readonly #held = new Float64Array(ROPE_ROWS).fill(NaN);

  /** @param factors [ropeDim / 2] by which frequencies are divided, or null. */
  constructor(
    memory: LinearMemory,
    kernels: Kernels,
    config: ModelConfig,
    factors: Float32Array | null,
  ) {
    const { ropeDim } = config;
    this.#memory = memory;
    this.#kernels = kernels;
    this.#dim = ropeDim;
    this.#pointer = memory.allocate(ROPE_ROWS * ropeDim * 8);
    this.#frequencies = ropeFrequencies(config, factors);
  }

  /** How many of `count` positions from `first` on have their rows side by side. */
  span(first: number, count: number): number {
    return Math.min(count, ROPE_ROWS - (first & (ROPE_ROWS - 1)));
  }

  /** Pointer to the rows of a `span`; see `row`. */
  rowsOf(first: number, count: number): number {
    const pointer = this.row(first);
    for (let i = 1; i < count; i++) this.row(first + i);
    return pointer;
  }

  /** Pointer to the row of a position, for kernels that are called before the next `row`. */
  row(position: number): number {
    const index = position & (ROPE_ROWS - 1);
    const pointer = this.#pointer + index * this.#dim * 8;
    if (this.#held[index] !== position) {
      // A call that is still under way may read the position that was held there.
      if (!Number.isNaN(this.#held[index])) this.#kernels.settle();
      this.#held[index] = position;
      this.#fill(pointer / 4, position);
    }
    return pointer;
  }

  #fill(start: number, position: number): void {
    const { f32 } = this.#memory;
    this.#frequencies.forEach((frequency, i) => {
      const cosine = Math.cos(position * frequency);
      const sine = Math.sin(position * frequency);
      const at = start + i * 2;
      f32[at] = f32[at + 1] = cosine;
      f32[at + this.#dim] = -sine;
      f32[at + this.#dim + 1] = sine;
    });
  }
}
