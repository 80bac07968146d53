/**
 * The bytes behind each token of a vocabulary.
 *
 * @module
 */
import { LETTER_TO_BYTE } from "./byte_alphabet.ts";

/** All tokens' bytes in one array, since tens of thousands of small ones take many times the room. */
export class TokenBytes {
  readonly #bytes: Uint8Array;
  /** [vocab + 1] Where each token's bytes start; the last entry is where they end. */
  readonly #starts: Uint32Array;

  /**
   * @param tokens By id, spelled in the byte alphabet.
   * @param literal Whether a token is spelled in plain text instead.
   */
  constructor(tokens: readonly string[], literal: (id: number) => boolean) {
    const encoder = new TextEncoder();
    this.#starts = new Uint32Array(tokens.length + 1);
    // A letter of the alphabet, as any UTF-16 unit, stands for at most three bytes.
    const room = tokens.reduce((sum, token) => sum + 3 * token.length, 0);
    const bytes = new Uint8Array(room);
    let end = 0;
    tokens.forEach((token, id) => {
      const spelled = literal(id) ? null : spelledBytes(token);
      const own = spelled ?? encoder.encode(token);
      bytes.set(own, end);
      end += own.length;
      this.#starts[id + 1] = end;
    });
    this.#bytes = bytes.slice(0, end);
  }

  /** A view on the bytes of a token. */
  of(id: number): Uint8Array {
    return this.#bytes.subarray(this.#starts[id], this.#starts[id + 1]);
  }
}

/** What a token in the byte alphabet stands for, or null if it is in no such alphabet. */
function spelledBytes(token: string): number[] | null {
  const bytes: number[] = [];
  for (const letter of token) {
    const byte = LETTER_TO_BYTE.get(letter);
    if (byte === undefined) return null;
    bytes.push(byte);
  }
  return bytes;
}
