/**
 * Finds certain tokens in text by their spelling.
 *
 * @module
 */
import type { TextSegment } from "./tokenizer.ts";

/** Cuts text at a fixed set of tokens; where several start at one place, the longest counts. */
export class TokenFinder {
  readonly #ids: ReadonlyMap<string, number>;
  readonly #pattern: RegExp;

  /** @param ids Spelling to token id; none is empty. */
  constructor(ids: ReadonlyMap<string, number>) {
    this.#ids = ids;
    const spellings = [...ids.keys()].sort((a, b) => b.length - a.length);
    // Without alternatives the pattern must match nothing, not everything.
    const source = spellings.map((text) => RegExp.escape(text)).join("|");
    this.#pattern = new RegExp(source || "(?!)", "gu");
  }

  /** The stretches of `text` in their order, none of them empty. */
  cut(text: string): TextSegment[] {
    const segments: TextSegment[] = [];
    let end = 0;
    for (const { 0: found, index } of text.matchAll(this.#pattern)) {
      if (index > end) {
        segments.push({ text: text.slice(end, index), special: null });
      }
      segments.push({ text: found, special: this.#ids.get(found)! });
      end = index + found.length;
    }
    if (end < text.length) {
      segments.push({ text: text.slice(end), special: null });
    }
    return segments;
  }
}
