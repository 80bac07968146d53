/**
 * Draws that are the same on every machine.
 *
 * @module
 */
import { createRandom } from "../../src/sampling/random.ts";

/** A source of draws. */
export class Draw {
  readonly #next: () => number;

  /** Streams of a seed are independent of each other. */
  constructor(seed: number, stream: number) {
    this.#next = createRandom(seed, stream);
  }

  /** An integer from 0 to `count` − 1. */
  below(count: number): number {
    return Math.floor(this.#next() * count);
  }

  /** One of `from`. */
  one<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }

  /** `count` different ones of `from`, in random order. */
  some<T>(from: readonly T[], count: number): T[] {
    const left = [...from];
    return Array.from(
      { length: count },
      () => left.splice(this.below(left.length), 1)[0],
    );
  }
}

/** 0 to `count` − 1: the streams of a seed. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
