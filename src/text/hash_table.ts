/**
 * A hash table of whole numbers.
 *
 * @module
 */

/**
 * Places of numbers by a hash of what they stand for, which the caller compares: no key is held here. Takes 8 to 16 bytes
 * a number.
 */
export class HashTable {
  /** [a power of two] Numbers plus 1; 0 where none is. */
  readonly #places: Int32Array;

  /** @param most How many numbers there will be at most. */
  constructor(most: number) {
    this.#places = new Int32Array(
      2 ** Math.ceil(Math.log2(Math.max(2 * most, 2))),
    );
  }

  /** The first place at which something with this hash may be, or -1. */
  first(hash: number): number {
    return this.#taken(hash);
  }

  /** The place to look at behind `place`, or -1 if there is none. */
  next(place: number): number {
    return this.#taken(place + 1);
  }

  /** The number at a place that {@link first} or {@link next} gave. */
  value(place: number): number {
    return this.#places[place] - 1;
  }

  /** Puts another number, from 0 up, in a place that has one. */
  replace(place: number, value: number): void {
    this.#places[place] = value + 1;
  }

  /** Adds a number, from 0 up. */
  add(hash: number, value: number): void {
    const mask = this.#places.length - 1;
    let place = hash & mask;
    while (this.#places[place] !== 0) place = place + 1 & mask;
    this.#places[place] = value + 1;
  }

  #taken(hash: number): number {
    const place = hash & this.#places.length - 1;
    return this.#places[place] === 0 ? -1 : place;
  }
}
