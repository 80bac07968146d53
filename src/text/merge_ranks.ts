/**
 * How important the merges of a vocabulary are.
 *
 * @module
 */
import { cannotLoad } from "../model/gguf_error.ts";
import type { TokenizerData } from "../model/tokenizer_data.ts";
import { spelledBytesOfUtf8 } from "./byte_alphabet.ts";
import { HashTable } from "./hash_table.ts";
import { NO_TOKEN, type TokenIds } from "./token_ids.ts";

const SPACE = 0x20;

/** Ranks of merges by the two tokens that they join; the lower counts more. */
export class MergeRanks {
  readonly #ids: TokenIds;
  /** [rank] The tokens that a merge joins. */
  readonly #left: Int32Array;
  readonly #right: Int32Array;
  readonly #ranks: HashTable;

  /** @throws {ModelError} If a merge joins what are no tokens, or makes none. */
  constructor({ path, merges }: TokenizerData, ids: TokenIds) {
    this.#ids = ids;
    this.#left = new Int32Array(merges.length);
    this.#right = new Int32Array(merges.length);
    this.#ranks = new HashTable(merges.length);
    const scratch = new Uint8Array(merges.bytes.length);
    for (let rank = 0; rank < merges.length; rank++) {
      const { bytes, starts, ends } = merges;
      const pair = readSpelled(bytes, starts[rank], ends[rank], scratch, ids) ??
        readPlain(merges.at(rank), ids);
      if (!pair) {
        throw cannotLoad(path, `merge ${rank} joins what are no tokens`);
      }
      this.#add(rank, ...pair);
    }
  }

  /** The rank of a merge by the JSON of the two tokens' spellings, or undefined if there is none. */
  get(key: string): number | undefined {
    const [a, b] = JSON.parse(key);
    const left = this.#ids.get(a), right = this.#ids.get(b);
    if (left === undefined || right === undefined) return undefined;
    const place = this.#find(left, right);
    return place < 0 ? undefined : this.#ranks.value(place);
  }

  #add(rank: number, left: number, right: number): void {
    this.#left[rank] = left;
    this.#right[rank] = right;
    const known = this.#find(left, right);
    // As in the reference, a merge that is listed twice has the later rank.
    if (known >= 0) this.#ranks.replace(known, rank);
    else this.#ranks.add(hashOf(left, right), rank);
  }

  /** The place of a merge in the table, or -1. */
  #find(left: number, right: number): number {
    const ranks = this.#ranks;
    let place = ranks.first(hashOf(left, right));
    while (place >= 0) {
      const rank = ranks.value(place);
      if (this.#left[rank] === left && this.#right[rank] === right) break;
      place = ranks.next(place);
    }
    return place;
  }
}

/**
 * The two tokens of a merge that is spelled in the byte alphabet, or null if something is another way.
 *
 * @param scratch Has room for its bytes.
 */
function readSpelled(
  text: Uint8Array,
  start: number,
  end: number,
  scratch: Uint8Array,
  ids: TokenIds,
): [left: number, right: number] | null {
  const space = text.indexOf(SPACE, start + 1);
  if (space < 0 || space >= end) return null;
  const middle = spelledBytesOfUtf8(text, start, space, scratch, 0);
  if (middle < 0) return null;
  const more = spelledBytesOfUtf8(text, space + 1, end, scratch, middle);
  if (more < 0) return null;
  const length = middle + more;
  const left = ids.find(scratch, 0, middle);
  const right = ids.find(scratch, middle, length);
  const joined = ids.find(scratch, 0, length);
  return [left, right, joined].includes(NO_TOKEN) ? null : [left, right];
}

/** The same of any merge. */
function readPlain(
  merge: string,
  ids: TokenIds,
): [left: number, right: number] | null {
  const space = merge.indexOf(" ", 1);
  if (space < 0) return null;
  const a = merge.slice(0, space), b = merge.slice(space + 1);
  const left = ids.get(a), right = ids.get(b);
  if (left === undefined || right === undefined || !ids.has(a + b)) return null;
  return [left, right];
}

function hashOf(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
  return mixed ^ mixed >>> 15;
}
