/**
 * @module
 */

/** What was computed, over all chunks, layers and key/value heads in which lines were looked for. */
export interface LinesReport {
  /** Chunks of a unit. */
  readonly chunks: number;
  /** Share of them in which all was computed after all, since the sample did not tell what the other queries look at. */
  readonly whole: number;
  /** Share of the sampled queries' attention that fell on what was computed. */
  readonly coverage: number;
  /** Share of all pairs of a query and a slot that were computed. */
  readonly cells: number;
}

/** A chunk of a unit. */
export interface LinesCount {
  /** The attention of its sample, and how much of that fell on what was computed. */
  readonly total: number;
  readonly covered: number;
  /** Its pairs of a query and a slot, and how many of them were computed. */
  readonly allCells: number;
  readonly cells: number;
}

/** Adds up chunks. */
export class LinesTally {
  #chunks = 0;
  #whole = 0;
  #total = 0;
  #covered = 0;
  #allCells = 0;
  #cells = 0;

  add({ total, covered, allCells, cells }: LinesCount): void {
    this.#chunks++;
    if (cells === allCells) this.#whole++;
    this.#total += total;
    this.#covered += covered;
    this.#allCells += allCells;
    this.#cells += cells;
  }

  /** See {@link LinesReport}. */
  get report(): LinesReport {
    const share = (part: number, all: number, none: number) =>
      all ? part / all : none;
    return {
      chunks: this.#chunks,
      whole: share(this.#whole, this.#chunks, 0),
      coverage: share(this.#covered, this.#total, 1),
      cells: share(this.#cells, this.#allCells, 1),
    };
  }
}
