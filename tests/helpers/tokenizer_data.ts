import type { TokenizerData } from "../../src/model/tokenizer_data.ts";
import { TokenBytes } from "../../src/text/token_bytes.ts";
import { TokenIds } from "../../src/text/token_ids.ts";
import { textArray } from "./text_array.ts";

/** A vocabulary as tests write it down. */
export interface Vocabulary {
  readonly tokens: readonly string[];
  readonly merges?: readonly string[];
  /** Ids of tokens in plain text. */
  readonly literal?: readonly number[];
  /** Of these, those that are not to be found. */
  readonly hidden?: readonly number[];
  readonly wholeWords?: boolean;
}

/** What a model file with this vocabulary says of its tokenizer, and the table of its tokens. */
export function createVocabulary(
  { tokens, merges = [], literal = [], hidden = [], wholeWords = false }:
    Vocabulary,
): { readonly data: TokenizerData; readonly ids: TokenIds } {
  const data: TokenizerData = {
    path: "tiny",
    tokens: textArray(tokens),
    types: [],
    merges: textArray(merges),
    pre: "smollm",
    wholeWords,
    bos: null,
    ends: [],
  };
  const bytes = new TokenBytes(data.tokens, (id) => literal.includes(id));
  return { data, ids: new TokenIds(data, bytes, hidden) };
}
