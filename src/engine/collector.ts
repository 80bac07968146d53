/**
 * When garbage is collected.
 *
 * @module
 */

/** Milliseconds between two collections, each of which takes some 20: about a hundredth of the time. */
const INTERVAL = 2000;

/**
 * Has the garbage of requests collected while nothing runs. Left to itself, V8 lets its heap grow by half before it does,
 * and takes little notice of arrays outside it: most of what a long dialogue would add to the process.
 */
export class Collector {
  readonly #collect: () => void;
  #last = -Infinity;

  /** @param collect Collects all garbage, at once. */
  constructor(collect: () => void) {
    this.#collect = collect;
  }

  /**
   * Tells that nothing runs; the answer that came last still leaves first.
   *
   * @param now Milliseconds of a clock that only goes forward.
   */
  rest(now = performance.now()): void {
    if (now - this.#last < INTERVAL) return;
    this.#last = now;
    setTimeout(this.#collect, 0);
  }
}
