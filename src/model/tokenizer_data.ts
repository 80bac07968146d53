/**
 * What a model file says about its tokenizer.
 *
 * @module
 */
import { readIntegers, readTexts } from "./gguf_arrays.ts";
import { cannotLoad } from "./gguf_error.ts";
import type { GgufFile } from "./gguf.ts";
import type { TextArray } from "./text_array.ts";

/** A byte-level BPE vocabulary, with the ids that mean something. */
export interface TokenizerData {
  readonly path: string;
  /** By id; no two alike. Bytes are spelled in the alphabet of GPT-2. */
  readonly tokens: TextArray;
  /** A {@link TOKEN_TYPE} by id. */
  readonly types: ArrayLike<number>;
  /** Two tokens parted by a space, the most important first. */
  readonly merges: TextArray;
  /** Name of the rule that cuts text into words. */
  readonly pre: string;
  /** Whether a word that is a token stays whole, whatever the merges. */
  readonly wholeWords: boolean;
  /** Token before a raw prompt; null where none is wanted. */
  readonly bos: number | null;
  /** Tokens that the file names as ends: of a text, a turn or a message. */
  readonly ends: readonly number[];
}

/** Kinds of token, as numbered in a model file. */
export const TOKEN_TYPE = {
  normal: 1,
  unknown: 2,
  control: 3,
  userDefined: 4,
} as const;

/** Names of Llama 3's pre-tokenizer. Its models want a first token even if their file does not say so. */
const LLAMA3: ReadonlySet<string> = new Set([
  "llama-bpe",
  "llama3",
  "llama-v3",
]);

/**
 * Reads and checks the tokenizer of a model.
 *
 * @throws {ModelError} If there is none, it is of another kind than byte-level BPE, or it is damaged.
 */
export function readTokenizerData(file: GgufFile): TokenizerData {
  const { path, metadata } = file;
  const model = metadata.get("tokenizer.ggml.model");
  if (model !== "gpt2") {
    throw cannotLoad(
      path,
      model === undefined
        ? "it has no tokenizer"
        : `its tokenizer is of the kind ${model}; only gpt2 is supported`,
    );
  }
  const pre = metadata.get("tokenizer.ggml.pre") ?? "default";
  if (typeof pre !== "string") {
    throw cannotLoad(path, "tokenizer.ggml.pre is no text");
  }
  const tokens = readTokens(file);
  const id = (name: string) => readId(file, name);
  const ends = ["eos", "eot", "eom"].map(id).filter((end) => end !== null);
  const addBos = metadata.get("tokenizer.ggml.add_bos_token") ??
    LLAMA3.has(pre);
  return {
    path,
    tokens,
    types: readTypes(file, tokens.length),
    merges: readTexts(file, "tokenizer.ggml.merges"),
    pre,
    wholeWords: LLAMA3.has(pre),
    bos: addBos === true ? id("bos") : null,
    ends,
  };
}

function readTokens(file: GgufFile): TextArray {
  const tokens = readTexts(file, "tokenizer.ggml.tokens");
  if (tokens.length !== file.config.vocab) {
    throw cannotLoad(
      file.path,
      `its tokenizer has ${tokens.length} tokens, ` +
        `but the model ${file.config.vocab}`,
    );
  }
  return tokens;
}

function readTypes(file: GgufFile, count: number): ArrayLike<number> {
  const types = readIntegers(file, "tokenizer.ggml.token_type") ??
    new Int32Array(count).fill(TOKEN_TYPE.normal);
  if (types.length !== count) {
    throw cannotLoad(
      file.path,
      `${types.length} of ${count} tokens have a type`,
    );
  }
  return types;
}

function readId({ path, metadata, config }: GgufFile, name: string) {
  const key = `tokenizer.ggml.${name}_token_id`;
  const value = metadata.get(key) ?? null;
  if (value === null) return null;
  const valid = typeof value === "number" && Number.isInteger(value) &&
    value >= 0 && value < config.vocab;
  if (!valid) throw cannotLoad(path, `${key} is ${value}, which is no token`);
  return value;
}
