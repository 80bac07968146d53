/**
 * A model file of the `llama` architecture with random weights, so small that a forward step takes no time: for the
 * tests that the real model is too slow for.
 *
 * @module
 */
import type { ModelConfig } from "../../src/model/config.ts";
import type { TensorType } from "../../src/model/gguf.ts";
import { encodeGguf, type GgufTensor, type GgufValue } from "./gguf_writer.ts";
import { quantise } from "./quantise.ts";
import { normal } from "./random.ts";
import { tinyVocabulary } from "./tiny_vocabulary.ts";

/** What the model is like; every field has a default. */
export interface TinyGgufOptions {
  /** The same seed gives the same file. 1. */
  readonly seed?: number;
  /** 2. */
  readonly layers?: number;
  /** A multiple of 32 for quantised matrices. 64. */
  readonly hidden?: number;
  /** 4. */
  readonly heads?: number;
  /** 2. */
  readonly kvHeads?: number;
  /** `hidden / heads`. */
  readonly headDim?: number;
  /** A multiple of 32 for quantised matrices. 96. */
  readonly ffn?: number;
  /** 259 to 559. 320. */
  readonly vocab?: number;
  /** 512. */
  readonly contextLength?: number;
  /** 10000. */
  readonly ropeBase?: number;
  /** Encoding of the matrices; the norms are always F32. Q4_1. */
  readonly type?: TensorType;
  /** Encoding of the token embedding and of the output head. Q8_0. */
  readonly embeddingType?: TensorType;
  /** Whether the embedding serves as output head too. true. */
  readonly tied?: boolean;
  /** Metadata to add or replace; null takes a key away. */
  readonly metadata?: Readonly<Record<string, GgufValue | null>>;
  /** Tensors to add or replace, as they are; null takes one away. */
  readonly tensors?: Readonly<Record<string, GgufTensor | null>>;
}

/** A model file and what is in it. */
export interface TinyGguf {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly config: ModelConfig;
  /** Values [rows, columns] of each tensor by name, as a reader of the file gets them. */
  readonly values: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
}

/** Numbers of the encodings in ggml. */
export const GGML_TYPE: Readonly<Record<TensorType, number>> = {
  F32: 0,
  F16: 1,
  Q4_0: 2,
  Q4_1: 3,
  Q8_0: 8,
};

/** Builds a model file in memory. */
export function tinyGguf(options: TinyGgufOptions = {}): TinyGguf {
  const config = tinyConfig(options);
  const tensors = new Map<string, GgufTensor>();
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  let seed = (options.seed ?? 1) * 1000;
  for (const [name, columns, rows, type] of tensorList(config, options)) {
    const quantised = quantise(
      randomTensor(seed++, columns, rows),
      type,
    );
    const shape = rows === 1 ? [columns] : [columns, rows];
    tensors.set(name, { shape, type: GGML_TYPE[type], data: quantised.data });
    values.set(name, quantised.values);
  }
  const metadata = tinyMetadata(config);
  change(metadata, options.metadata);
  change(tensors, options.tensors);
  return { bytes: encodeGguf(metadata, tensors), config, values };
}

/** Builds a model file on disk, in a temporary folder that the caller removes. */
export async function writeTinyGguf(
  options: TinyGgufOptions = {},
): Promise<TinyGguf & { readonly path: string; readonly folder: string }> {
  const tiny = tinyGguf(options);
  const folder = await Deno.makeTempDir({ prefix: "tiny_gguf_" });
  const path = `${folder}/tiny.gguf`;
  await Deno.writeFile(path, tiny.bytes);
  return { ...tiny, path, folder };
}

function tinyConfig(options: TinyGgufOptions): ModelConfig {
  const hidden = options.hidden ?? 64;
  const heads = options.heads ?? 4;
  const headDim = options.headDim ?? hidden / heads;
  return {
    name: "tiny",
    layers: options.layers ?? 2,
    hidden,
    heads,
    kvHeads: options.kvHeads ?? 2,
    headDim,
    ffn: options.ffn ?? 96,
    vocab: options.vocab ?? 320,
    contextLength: options.contextLength ?? 512,
    rmsEpsilon: Math.fround(1e-5),
    ropeBase: options.ropeBase ?? 10000,
    ropeDim: headDim,
    ropeScale: 1,
  };
}

type TensorRow = readonly [
  name: string,
  columns: number,
  rows: number,
  type: TensorType,
];

function tensorList(
  config: ModelConfig,
  options: TinyGgufOptions,
): TensorRow[] {
  const { hidden, ffn, vocab, layers } = config;
  const queries = config.heads * config.headDim;
  const keys = config.kvHeads * config.headDim;
  const type = options.type ?? "Q4_1";
  const ends = options.embeddingType ?? "Q8_0";
  const list: TensorRow[] = [
    ["token_embd.weight", hidden, vocab, ends],
    ["output_norm.weight", hidden, 1, "F32"],
  ];
  if (!(options.tied ?? true)) {
    list.push(["output.weight", hidden, vocab, ends]);
  }
  for (let layer = 0; layer < layers; layer++) {
    const block = `blk.${layer}`;
    list.push(
      [`${block}.attn_norm.weight`, hidden, 1, "F32"],
      [`${block}.attn_q.weight`, hidden, queries, type],
      [`${block}.attn_k.weight`, hidden, keys, type],
      [`${block}.attn_v.weight`, hidden, keys, type],
      [`${block}.attn_output.weight`, queries, hidden, type],
      [`${block}.ffn_norm.weight`, hidden, 1, "F32"],
      [`${block}.ffn_gate.weight`, hidden, ffn, type],
      [`${block}.ffn_up.weight`, hidden, ffn, type],
      [`${block}.ffn_down.weight`, ffn, hidden, type],
    );
  }
  return list;
}

/** Norms near 1; matrices that keep the size of what they multiply. */
function randomTensor(
  seed: number,
  columns: number,
  rows: number,
): Float32Array<ArrayBuffer> {
  const noise = normal(seed, columns * rows);
  if (rows === 1) return noise.map((x) => 1 + 0.1 * x);
  return noise.map((x) => x / Math.sqrt(columns));
}

function tinyMetadata(config: ModelConfig): Map<string, GgufValue> {
  const { tokens, types, merges } = tinyVocabulary(config.vocab);
  return new Map<string, GgufValue>(Object.entries({
    "general.architecture": { string: "llama" },
    "general.name": { string: config.name },
    "llama.block_count": { u32: config.layers },
    "llama.context_length": { u32: config.contextLength },
    "llama.embedding_length": { u32: config.hidden },
    "llama.feed_forward_length": { u32: config.ffn },
    "llama.attention.head_count": { u32: config.heads },
    "llama.attention.head_count_kv": { u32: config.kvHeads },
    "llama.attention.key_length": { u32: config.headDim },
    "llama.attention.value_length": { u32: config.headDim },
    "llama.attention.layer_norm_rms_epsilon": { f32: config.rmsEpsilon },
    "llama.rope.freq_base": { f32: config.ropeBase },
    "llama.rope.dimension_count": { u32: config.ropeDim },
    "llama.vocab_size": { u32: config.vocab },
    "tokenizer.ggml.model": { string: "gpt2" },
    "tokenizer.ggml.pre": { string: "smollm" },
    "tokenizer.ggml.tokens": { strings: tokens },
    "tokenizer.ggml.token_type": { i32s: types },
    "tokenizer.ggml.merges": { strings: merges },
    "tokenizer.ggml.bos_token_id": { u32: 1 },
    "tokenizer.ggml.eos_token_id": { u32: 2 },
    "tokenizer.ggml.add_bos_token": { bool: false },
    "tokenizer.chat_template": { string: CHATML },
  }));
}

/** The template of SmolLM2, with another system prompt. */
const CHATML =
  "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}" +
  "{{ '<|im_start|>system\nYou are tiny.<|im_end|>\n' }}{% endif %}" +
  "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/** Applies additions, replacements and (null) removals. */
function change<T>(
  map: Map<string, T>,
  changes: Readonly<Record<string, T | null>> = {},
): void {
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) map.delete(key);
    else map.set(key, value);
  }
}
