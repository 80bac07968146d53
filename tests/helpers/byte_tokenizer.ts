import type { TextSegment, Tokenizer } from "../../src/text/tokenizer.ts";

/**
 * A tokenizer whose ordinary tokens are the 256 bytes; the special ones follow in the order given. Where
 * several special tokens could be read, the leftmost counts, then the longest. The last one ends a turn.
 */
export class ByteTokenizer implements Tokenizer {
  readonly bos = null;
  readonly stopIds: readonly number[];
  readonly vocabSize: number;
  readonly #special: readonly string[];
  readonly #bytes: readonly Uint8Array[];

  constructor(special: readonly string[]) {
    this.#special = special;
    this.#bytes = [
      ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
      ...special.map((text) => new TextEncoder().encode(text)),
    ];
    this.vocabSize = this.#bytes.length;
    this.stopIds = special.length > 0 ? [this.vocabSize - 1] : [];
  }

  encode(text: string, special: "parse" | "plain"): number[] {
    const segments = special === "parse"
      ? this.segments(text)
      : [{ text, special: null }];
    return segments.flatMap((segment) =>
      segment.special ?? [...new TextEncoder().encode(segment.text)]
    );
  }

  segments(text: string): TextSegment[] {
    const segments: TextSegment[] = [];
    let start = 0;
    for (let at = 0; at < text.length;) {
      const found = this.#specialAt(text, at);
      if (found === null) {
        at++;
        continue;
      }
      if (at > start) {
        segments.push({ text: text.slice(start, at), special: null });
      }
      segments.push({
        text: found,
        special: 256 + this.#special.indexOf(found),
      });
      start = at += found.length;
    }
    if (start < text.length) {
      segments.push({ text: text.slice(start), special: null });
    }
    return segments;
  }

  bytes(id: number): Uint8Array {
    if (!(id in this.#bytes)) {
      throw new RangeError(
        `Cannot read token ${id}: it is not in the vocabulary`,
      );
    }
    return this.#bytes[id];
  }

  isSpecial(id: number): boolean {
    return id >= 256 && id < this.vocabSize;
  }

  #specialAt(text: string, at: number): string | null {
    let longest: string | null = null;
    for (const special of this.#special) {
      if (
        text.startsWith(special, at) && special.length > (longest?.length ?? 0)
      ) {
        longest = special;
      }
    }
    return longest;
  }
}
