/**
 * From the spelling of a token to its id.
 *
 * @module
 */
import { cannotLoad } from "../model/gguf_error.ts";
import type { TokenizerData } from "../model/tokenizer_data.ts";
import { spelledBytes } from "./byte_alphabet.ts";
import { HashTable } from "./hash_table.ts";
import type { TokenBytes } from "./token_bytes.ts";

/** What {@link TokenIds.find} gives for bytes that are no token. */
export const NO_TOKEN = -1;

/**
 * Finds tokens in a hash table of their bytes, which are there anyway: a Map of strings would hold the vocabulary once
 * more, in many times the room.
 */
export class TokenIds {
  readonly #bytes: TokenBytes;
  /** Ids by the bytes that tokens are spelled for. */
  readonly #spelled: HashTable;
  /** The few that are not spelled in the byte alphabet, by their text. */
  readonly #plain = new Map<string, number>();
  /** The bytes of a spelling that is sought. */
  #sought = new Uint8Array(256);

  /**
   * @param bytes Of the same tokens.
   * @param hidden Tokens in plain text that are not to be found.
   * @throws {ModelError} If two tokens are alike.
   */
  constructor(
    { path, tokens }: TokenizerData,
    bytes: TokenBytes,
    hidden: Iterable<number>,
  ) {
    const checkNew = (known: number, id: number) => {
      if (known === NO_TOKEN) return;
      const [a, b] = [known, id].sort((a, b) => a - b);
      throw cannotLoad(path, `tokens ${a} and ${b} are alike`);
    };
    const isPlain = new Set(bytes.plain);
    this.#bytes = bytes;
    this.#spelled = new HashTable(tokens.length);
    for (let id = 0; id < tokens.length; id++) {
      if (isPlain.has(id)) continue;
      const own = bytes.of(id);
      checkNew(this.find(own, 0, own.length), id);
      this.#spelled.add(hashOf(own, 0, own.length), id);
    }
    for (const id of bytes.plain) {
      const text = tokens.at(id);
      checkNew(this.get(text) ?? NO_TOKEN, id);
      this.#plain.set(text, id);
    }
    for (const id of hidden) this.#plain.delete(tokens.at(id));
  }

  /** The id of a token by its text in the file. */
  get(text: string): number | undefined {
    if (text.length > this.#sought.length) {
      this.#sought = new Uint8Array(text.length);
    }
    const length = spelledBytes(text, this.#sought);
    const id = length < 0 ? NO_TOKEN : this.find(this.#sought, 0, length);
    return id === NO_TOKEN ? this.#plain.get(text) : id;
  }

  has(text: string): boolean {
    return this.get(text) !== undefined;
  }

  /** The token that is spelled for the bytes from `start` to `end`, or {@link NO_TOKEN}. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const table = this.#spelled;
    const hash = hashOf(bytes, start, end);
    for (let at = table.first(hash); at >= 0; at = table.next(at)) {
      const id = table.value(at);
      if (this.#bytes.equal(id, bytes, start, end)) return id;
    }
    return NO_TOKEN;
  }
}

/** FNV-1a, in 32 bits. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) {
    hash = Math.imul(hash ^ bytes[i], 0x01000193);
  }
  return hash;
}
