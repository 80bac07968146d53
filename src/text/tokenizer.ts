/**
 * What the engine asks of a tokenizer. Built from the model file by {@link ../model/tokenizer_data.ts}.
 *
 * @module
 */

/** A stretch of text between special tokens, or one special token. */
export interface TextSegment {
  readonly text: string;
  /** Id of the special token that `text` spells, or null for ordinary text. */
  readonly special: number | null;
}

/** Text to token ids and back, for one model. */
export interface Tokenizer {
  readonly vocabSize: number;
  /** Token put before a raw prompt, or null where the model wants none. */
  readonly bos: number | null;
  /** Tokens that end a turn or a text; generation stops at any of them. */
  readonly stopIds: readonly number[];

  /**
   * Ids of `text`. With `parse`, what spells a special token becomes that token (the raw prompt of a
   * completion); with `plain`, it stays ordinary text (what a user wrote can never become a special token).
   */
  encode(text: string, special: "parse" | "plain"): number[];

  /** Cuts `text` where special tokens stand in it; joined again, the segments' texts give `text`. */
  segments(text: string): TextSegment[];

  /**
   * The raw UTF-8 bytes of one token; a token may hold part of a character only. Special tokens
   * give the bytes of their name. The array is shared: do not write to it.
   *
   * @throws {RangeError} If `id` is not a token of the vocabulary.
   */
  bytes(id: number): Uint8Array;

  /** Whether `id` is a control token, which is never shown as text. */
  isSpecial(id: number): boolean;
}
