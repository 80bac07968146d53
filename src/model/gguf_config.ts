/**
 * The shape of a model, from the metadata of its file.
 *
 * @module
 */
import type { ModelConfig } from "./config.ts";
import type { StoredArray } from "./gguf.ts";
import { cannotLoad } from "./gguf_error.ts";

const ARCHITECTURE = "llama";

/**
 * Builds and checks the configuration.
 *
 * @param vocab Rows of the token embedding.
 * @throws {ModelError} If a value is missing or makes no sense, or asks for what is not supported.
 */
export function readConfig(
  path: string,
  metadata: ReadonlyMap<string, unknown>,
  arrays: ReadonlyMap<string, StoredArray>,
  vocab: number,
): ModelConfig {
  const read = new MetadataReader(path, metadata, arrays);
  checkSupported(read);
  const hidden = read.count("llama.embedding_length");
  const heads = read.count("llama.attention.head_count");
  const headDim = read.count("llama.attention.key_length", hidden / heads);
  const config: ModelConfig = {
    name: read.text("general.name", ARCHITECTURE),
    layers: read.count("llama.block_count"),
    hidden,
    heads,
    kvHeads: read.count("llama.attention.head_count_kv", heads),
    headDim,
    ffn: read.count("llama.feed_forward_length"),
    vocab,
    contextLength: read.count("llama.context_length"),
    rmsEpsilon: read.positive("llama.attention.layer_norm_rms_epsilon"),
    ropeBase: read.positive("llama.rope.freq_base", 10_000),
    ropeDim: read.count("llama.rope.dimension_count", headDim),
    ropeScale: ropeScale(read),
  };
  checkConsistent(read, config);
  return config;
}

function checkSupported(read: MetadataReader): void {
  const architecture = read.text("general.architecture");
  if (architecture !== ARCHITECTURE) {
    throw read.error(
      `the architecture ${architecture} is not supported, only ${ARCHITECTURE}`,
    );
  }
  const experts = read.count("llama.expert_count", 0);
  if (experts > 0) {
    throw read.error(`a mixture of ${experts} experts is not supported`);
  }
  const parts = read.count("split.count", 1);
  if (parts > 1) throw read.error(`it is one of ${parts} parts of a model`);
}

/** What positions are divided by. Without a type, a factor means linear scaling. */
function ropeScale(read: MetadataReader): number {
  const type = read.text("llama.rope.scaling.type", "linear");
  if (type === "none") return 1;
  if (type !== "linear") {
    throw read.error(`rope scaling of the type ${type} is not supported`);
  }
  return read.positive(
    "llama.rope.scaling.factor",
    read.positive("llama.rope.scale_linear", 1),
  );
}

function checkConsistent(read: MetadataReader, config: ModelConfig): void {
  const { hidden, heads, kvHeads, headDim, ropeDim, vocab } = config;
  if (!Number.isInteger(headDim)) {
    throw read.error(`${heads} heads do not share ${hidden} values evenly`);
  }
  if (heads % kvHeads !== 0) {
    throw read.error(`${heads} heads do not share ${kvHeads} KV heads evenly`);
  }
  const valueDim = read.count("llama.attention.value_length", headDim);
  if (valueDim !== headDim) {
    throw read.error(
      `values of ${valueDim} with keys of ${headDim} are not supported`,
    );
  }
  if (ropeDim > headDim || ropeDim % 2 !== 0) {
    throw read.error(`${ropeDim} of ${headDim} values cannot be rotated`);
  }
  const declared = read.count("llama.vocab_size", vocab);
  if (vocab > 0 && declared !== vocab) {
    throw read.error(`${declared} tokens are declared, but ${vocab} are there`);
  }
}

/** Typed access to metadata; a default stands for a missing key. */
class MetadataReader {
  readonly #path: string;
  readonly #metadata: ReadonlyMap<string, unknown>;
  readonly #arrays: ReadonlyMap<string, StoredArray>;

  constructor(
    path: string,
    metadata: ReadonlyMap<string, unknown>,
    arrays: ReadonlyMap<string, StoredArray>,
  ) {
    this.#path = path;
    this.#metadata = metadata;
    this.#arrays = arrays;
  }

  error(why: string) {
    return cannotLoad(this.#path, why);
  }

  text(key: string, otherwise?: string): string {
    const value = this.#value(key, otherwise);
    if (typeof value !== "string") throw this.error(`${key} is no text`);
    return value;
  }

  /** A whole number of at least 1, at most 2^31; `otherwise` is not checked. */
  count(key: string, otherwise?: number): number {
    const value = this.#value(key, otherwise);
    if (value === otherwise) return otherwise as number;
    const number = typeof value === "bigint" ? Number(value) : value;
    const valid = typeof number === "number" && Number.isInteger(number) &&
      number >= 1 && number <= 2 ** 31;
    if (!valid) throw this.error(`${key} is ${value}, not a count`);
    return number;
  }

  positive(key: string, otherwise?: number): number {
    const value = this.#value(key, otherwise);
    if (typeof value !== "number" || !(value > 0 && value < Infinity)) {
      throw this.error(`${key} is ${value}, not a positive number`);
    }
    return value;
  }

  #value(key: string, otherwise: unknown): unknown {
    if (this.#arrays.has(key)) {
      throw this.error(`${key} is an array, which is not supported`);
    }
    const value = this.#metadata.get(key) ?? otherwise;
    if (value === undefined) throw this.error(`it has no ${key}`);
    return value;
  }
}
