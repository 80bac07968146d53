/**
 * @module
 */
import type { LinearMemory } from "./memory.ts";

/** A block of linear memory that grows to the most that was ever asked of it. */
export class GrowingBlock {
  readonly #memory: LinearMemory;
  #pointer = 0;
  #bytes = 0;

  constructor(memory: LinearMemory) {
    this.#memory = memory;
  }

  /** 0 until something was asked for. */
  get pointer(): number {
    return this.#pointer;
  }

  /** Bytes that it has. */
  get byteLength(): number {
    return this.#bytes;
  }

  /**
   * Makes it at least `bytes` long; where it was shorter, what it held is lost.
   *
   * @returns Its pointer.
   * @throws {RangeError} If the memory cannot grow so far.
   */
  reserve(bytes: number): number {
    if (bytes <= this.#bytes) return this.#pointer;
    if (this.#bytes) this.#memory.free(this.#pointer);
    this.#bytes = 0;
    this.#pointer = this.#memory.allocate(bytes);
    this.#bytes = bytes;
    return this.#pointer;
  }
}
