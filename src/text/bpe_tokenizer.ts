/**
 * A byte-level BPE tokenizer, built from what a model file says.
 *
 * @module
 */
import type { GgufFile } from "../model/gguf.ts";
import { cannotLoad } from "../model/gguf_error.ts";
import {
  readTokenizerData,
  TOKEN_TYPE,
  type TokenizerData,
} from "../model/tokenizer_data.ts";
import { BpeModel } from "./bpe_model.ts";
import { PRE_TOKENIZERS, type PreTokenizer, words } from "./pre_tokenizer.ts";
import { TokenBytes } from "./token_bytes.ts";
import { TokenFinder } from "./token_finder.ts";
import { TokenIds } from "./token_ids.ts";
import type { TextSegment, Tokenizer } from "./tokenizer.ts";

/**
 * Builds the tokenizer of a model.
 *
 * @throws {ModelError} If it is missing or damaged, or of a kind that is not supported.
 */
export function loadTokenizer(file: GgufFile): Tokenizer {
  return new BpeTokenizer(readTokenizerData(file));
}

/** Control tokens that end a turn or a text, under whatever name the file lists them. */
const END_NAMES: ReadonlySet<string> = new Set([
  "<|im_end|>",
  "<|endoftext|>",
  "<|end_of_text|>",
  "<|eot_id|>",
  "<|eom_id|>",
  "<|end|>",
  "</s>",
]);

/** See {@link Tokenizer}. */
class BpeTokenizer implements Tokenizer {
  readonly vocabSize: number;
  readonly bos: number | null;
  readonly stopIds: readonly number[];
  readonly #preTokenizer: PreTokenizer;
  readonly #model: BpeModel;
  readonly #bytes: TokenBytes;
  readonly #specialIds: ReadonlySet<number>;
  /** Control tokens, which only a raw prompt can spell. */
  readonly #specials: TokenFinder;
  /** Tokens for certain texts, which are never cut into words. */
  readonly #userDefined: TokenFinder;

  constructor(data: TokenizerData) {
    const preTokenizer = PRE_TOKENIZERS.get(data.pre);
    if (!preTokenizer) {
      throw cannotLoad(
        data.path,
        `the pre-tokenizer ${data.pre} is not supported`,
      );
    }
    const specials = tokensOf(data, TOKEN_TYPE.control, TOKEN_TYPE.unknown);
    const userDefined = tokensOf(data, TOKEN_TYPE.userDefined);
    const literal = new Set([...specials.values(), ...userDefined.values()]);
    const ends = [...specials].filter(([name]) => END_NAMES.has(name));
    this.vocabSize = data.tokens.length;
    this.bos = data.bos;
    this.stopIds = [...new Set([...data.ends, ...ends.map(([, id]) => id)])];
    this.#preTokenizer = preTokenizer;
    this.#specialIds = new Set(specials.values());
    this.#bytes = new TokenBytes(data.tokens, (id) => literal.has(id));
    const ids = new TokenIds(data, this.#bytes, this.#specialIds);
    this.#model = new BpeModel(data, ids);
    this.#specials = new TokenFinder(specials);
    this.#userDefined = new TokenFinder(userDefined);
  }

  encode(text: string, special: "parse" | "plain"): number[] {
    const ids: number[] = [];
    const segments = special === "parse"
      ? this.segments(text)
      : [{ text, special: null }];
    for (const segment of segments) {
      if (segment.special !== null) ids.push(segment.special);
      else this.#encodePlain(segment.text, ids);
    }
    return ids;
  }

  segments(text: string): TextSegment[] {
    return this.#specials.cut(text);
  }

  bytes(id: number): Uint8Array {
    if (!Number.isInteger(id) || id < 0 || id >= this.vocabSize) {
      throw new RangeError(
        `Cannot decode token ${id}: the vocabulary has ${this.vocabSize}`,
      );
    }
    return this.#bytes.of(id);
  }

  isSpecial(id: number): boolean {
    return this.#specialIds.has(id);
  }

  #encodePlain(text: string, ids: number[]): void {
    for (const segment of this.#userDefined.cut(text)) {
      if (segment.special !== null) {
        ids.push(segment.special);
        continue;
      }
      for (const word of words(segment.text, this.#preTokenizer)) {
        for (const id of this.#model.encode(word)) ids.push(id);
      }
    }
  }
}

/** Spelling and id of the tokens of certain types. */
function tokensOf(
  { tokens, types }: TokenizerData,
  ...wanted: readonly number[]
): Map<string, number> {
  const found = new Map<string, number>();
  for (let id = 0; id < tokens.length; id++) {
    const text = wanted.includes(types[id]) ? tokens.at(id) : "";
    if (text !== "") found.set(text, id);
  }
  return found;
}
