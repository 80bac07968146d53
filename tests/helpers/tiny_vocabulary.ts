/**
 * A byte-level BPE vocabulary for the tiny model: three special tokens, all 256 bytes, and some merges.
 *
 * @module
 */

/** The vocabulary, as a model file holds it. */
export interface TinyVocabulary {
  readonly tokens: readonly string[];
  /** 1 is ordinary text, 3 a control token. */
  readonly types: readonly number[];
  /** Two tokens, parted by a space; the first merge counts most. */
  readonly merges: readonly string[];
}

/** Ids 0, 1 and 2. */
export const TINY_SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

const LETTERS = [..."etaoinshrdlu"];

/**
 * Merges are a space and a common letter, pairs of these letters, and such pairs after a space, as many as there is room for.
 *
 * @param size Number of tokens, 259 to 559.
 */
export function tinyVocabulary(size: number): TinyVocabulary {
  const bytes = byteAlphabet();
  const pairs = LETTERS.flatMap((a) => LETTERS.map((b) => [a, b] as const));
  const space = bytes[32];
  const merges = [
    ...LETTERS.map((a) => [space, a] as const),
    ...pairs,
    ...pairs.map(([a, b]) => [space, a + b] as const),
  ];
  const base = TINY_SPECIALS.length + bytes.length;
  if (size < base || size > base + merges.length) {
    throw new RangeError(
      `Cannot make a vocabulary of ${size} tokens: ${base} to ${
        base + merges.length
      } are possible`,
    );
  }
  const used = merges.slice(0, size - base);
  const tokens = [...TINY_SPECIALS, ...bytes, ...used.map((m) => m.join(""))];
  return {
    tokens,
    types: tokens.map((_, id) => id < TINY_SPECIALS.length ? 3 : 1),
    merges: used.map((m) => m.join(" ")),
  };
}

/** The printable character that stands for each byte in byte-level BPE, as GPT-2 defined it. */
function byteAlphabet(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 32 && byte < 127) ||
      (byte > 160 && byte !== 173);
    return String.fromCodePoint(printable ? byte : next++);
  });
}
