/**
 * Cuts text into words, within which byte-level BPE merges. A model is trained with one way of cutting; the file names
 * it.
 *
 * White space is `\p{White_Space}` throughout, as in the reference tokenizers: JavaScript's `\s` takes U+FEFF for white
 * space and U+0085 not.
 *
 * @module
 */

/**
 * Patterns that cut in turn: what a pattern matches becomes a piece, and so does what lies between two matches; the next
 * pattern cuts within the pieces.
 */
export type PreTokenizer = readonly RegExp[];

const GPT2 =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})/gu;

const LLAMA3 =
  /'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\p{White_Space}\p{L}\p{N}]+[\r\n]*|\p{White_Space}*[\r\n]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** By the name in a model file; the same names and rules as in llama.cpp. */
export const PRE_TOKENIZERS: ReadonlyMap<string, PreTokenizer> = new Map([
  ["smollm", [/\p{N}/gu, GPT2]],
  ["gpt-2", [GPT2]],
  ["llama-bpe", [LLAMA3]],
  ["llama3", [LLAMA3]],
  ["llama-v3", [LLAMA3]],
  ["default", [/[\p{P}$+<=>^~|]+/gu, GPT2, /\p{N}+/gu, /[0-9][0-9][0-9]/g]],
]);

/** The words of `text`, one by one; joined, they give `text` again. */
export function* words(
  text: string,
  [pattern, ...rest]: PreTokenizer,
): Generator<string, void, void> {
  for (const piece of pieces(text, pattern)) {
    if (rest.length === 0) yield piece;
    else yield* words(piece, rest);
  }
}

function* pieces(
  text: string,
  pattern: RegExp,
): Generator<string, void, void> {
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) yield text.slice(end, match.index);
    yield match[0];
    end = match.index + match[0].length;
  }
  if (end < text.length) yield text.slice(end);
}
