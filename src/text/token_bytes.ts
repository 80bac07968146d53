/**
 * The bytes behind each token of a vocabulary.
 *
 * @module
 */
import type { TextArray } from "../model/text_array.ts";
import { spelledBytesOfUtf8 } from "./byte_alphabet.ts";

/** All tokens' bytes in one array, since tens of thousands of small ones take many times the room. */
export class TokenBytes {
  /** Tokens that are spelled in plain text, not in the byte alphabet, in ascending order. */
  readonly plain: readonly number[];
  readonly #bytes: Uint8Array;
  /** [vocab + 1] Where each token's bytes start; the last entry is where they end. */
  readonly #starts: Uint32Array;

  /**
   * @param tokens By id, spelled in the byte alphabet; what has other characters is plain text.
   * @param literal Whether a token is plain text whatever its characters.
   * @throws {ModelError} If one is not UTF-8.
   */
  constructor(tokens: TextArray, literal: (id: number) => boolean) {
    const { bytes: texts, starts, ends } = tokens;
    const plain: number[] = [];
    const bytes = new Uint8Array(texts.length);
    this.#starts = new Uint32Array(tokens.length + 1);
    let end = 0;
    for (let id = 0; id < tokens.length; id++) {
      let length = literal(id)
        ? -1
        : spelledBytesOfUtf8(texts, starts[id], ends[id], bytes, end);
      if (length < 0) {
        const text = new TextEncoder().encode(tokens.at(id));
        bytes.set(text, end);
        length = text.length;
        plain.push(id);
      }
      end += length;
      this.#starts[id + 1] = end;
    }
    this.#bytes = bytes.slice(0, end);
    this.plain = plain;
  }

  /** A view on the bytes of a token. */
  of(id: number): Uint8Array {
    return this.#bytes.subarray(this.#starts[id], this.#starts[id + 1]);
  }

  /** Whether the bytes of a token are those of `other` from `start` to `end`. */
  equal(id: number, other: Uint8Array, start: number, end: number): boolean {
    const own = this.#starts[id];
    if (this.#starts[id + 1] - own !== end - start) return false;
    for (let i = start; i < end; i++) {
      if (this.#bytes[own + i - start] !== other[i]) return false;
    }
    return true;
  }
}
