/**
 * Merges the bytes of words into tokens.
 *
 * @module
 */
import { BPE } from "@huggingface/tokenizers";
import type { TokenizerData } from "../model/tokenizer_data.ts";
import { BYTE_TO_LETTER } from "./byte_alphabet.ts";
import { MergeRanks } from "./merge_ranks.ts";
import type { TokenIds } from "./token_ids.ts";

/** Words kept with their tokens. */
const MEMO_SIZE = 4096;
/** Longest word that is kept, in UTF-16 units: V8 copies slices up to here; a longer one would keep its whole text. */
const MEMO_LENGTH = 12;
/** Longest word, in bytes, that is merged at once. */
const WINDOW = 2048;
/** Bytes at the end of a window whose tokens the next window may still change. */
const MARGIN = 512;

/** Byte-level BPE through `@huggingface/tokenizers`, in bounded memory and nearly linear time for any input. */
export class BpeModel {
  readonly #bpe: BPE;
  readonly #ids: TokenIds;
  /** By byte: its letter, or nothing where the vocabulary lacks it. */
  readonly #letters: readonly string[];
  readonly #memo = new Map<string, readonly number[]>();
  readonly #encoder = new TextEncoder();

  /**
   * @param ids Of the same tokens, without those that no word can become.
   * @throws {ModelError} If the merges are damaged.
   */
  constructor(data: TokenizerData, ids: TokenIds) {
    this.#bpe = buildBpe(data, ids);
    this.#ids = ids;
    this.#letters = BYTE_TO_LETTER.map((letter) =>
      this.#ids.has(letter) ? letter : ""
    );
  }

  /** Token ids of one word. Bytes that the vocabulary lacks are dropped, as by the reference. */
  encode(word: string): readonly number[] {
    const known = this.#memo.get(word);
    if (known) return known;
    let spelled = "";
    for (const byte of this.#encoder.encode(word)) {
      spelled += this.#letters[byte];
    }
    const ids = spelled.length > WINDOW
      ? this.#mergeLong(spelled)
      : this.#merge(spelled).map((token) => this.#ids.get(token)!);
    if (word.length <= MEMO_LENGTH) {
      if (this.#memo.size >= MEMO_SIZE) this.#memo.clear();
      this.#memo.set(word, ids);
    }
    return ids;
  }

  /**
   * Merges a long word window by window. Where no merge crosses a place, both sides are merged as if they stood alone, so
   * cutting at the border between two tokens changes nothing, provided that the border would be there in the whole word
   * too. What lies beyond a window could only move it through a chain of merges, each more important than the one to its
   * left, all along the margin.
   */
  #mergeLong(spelled: string): number[] {
    const ids: number[] = [];
    let last = { window: "", ids: [] as number[], length: 0 };
    for (let at = 0; at < spelled.length; at += last.length) {
      const window = spelled.slice(at, at + WINDOW);
      // A run of one character gives the same window again and again.
      if (window !== last.window) {
        const end = at + WINDOW >= spelled.length ? WINDOW : WINDOW - MARGIN;
        last = { window, ...this.#mergeUpTo(window, end) };
      }
      for (const id of last.ids) ids.push(id);
    }
    return ids;
  }

  /** The tokens of `window` that end at `limit` or before, but at least one, and the length of what they cover. */
  #mergeUpTo(window: string, limit: number) {
    const ids: number[] = [];
    let length = 0;
    for (const token of this.#merge(window)) {
      if (length > 0 && length + token.length > limit) break;
      length += token.length;
      ids.push(this.#ids.get(token)!);
    }
    return { ids, length };
  }

  #merge(spelled: string): string[] {
    return this.#bpe.encode([spelled]);
  }
}

/**
 * Gives the library's model tables of ours, of which it asks nothing but `get` and `has`: those that it makes of a
 * configuration object hold the vocabulary several times.
 */
function buildBpe(data: TokenizerData, ids: TokenIds): BPE {
  const bpe = new BPE({
    type: "BPE",
    vocab: {},
    merges: [],
    ignore_merges: data.wholeWords,
  });
  // Words are kept above, by their text.
  bpe.max_length_to_cache = 0;
  const ranks = new MergeRanks(data, ids);
  return Object.assign(bpe, { tokens_to_ids: ids, bpe_ranks: ranks });
}
