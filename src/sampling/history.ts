/**
 * Which tokens a text holds already.
 *
 * @module
 */

/** Counts the tokens of a prompt and of its continuation, in memory bounded by the vocabulary. */
export class TokenHistory {
  readonly #seen: Uint8Array; // [vocab] 1 where the token occurs
  readonly #distinct: Int32Array; // [vocab] the tokens that occur, in the order of their first occurrence
  readonly #produced: Uint32Array; // [vocab] occurrences outside the prompt
  #size = 0;

  constructor(vocab: number) {
    this.#seen = new Uint8Array(vocab);
    this.#distinct = new Int32Array(vocab);
    this.#produced = new Uint32Array(vocab);
  }

  /** Number of distinct tokens in prompt and continuation. */
  get size(): number {
    return this.#size;
  }

  /** The `index`-th distinct token. */
  token(index: number): number {
    return this.#distinct[index];
  }

  /** How often `id` was produced; the prompt does not count. */
  produced(id: number): number {
    return this.#produced[id];
  }

  addPrompt(id: number): void {
    if (this.#seen[id] === 0) {
      this.#seen[id] = 1;
      this.#distinct[this.#size++] = id;
    }
  }

  addProduced(id: number): void {
    this.addPrompt(id);
    this.#produced[id]++;
  }
}
