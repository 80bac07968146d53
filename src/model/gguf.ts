/**
 * A GGUF file of the `llama` architecture: its configuration, where its tensors lie, and its metadata.
 *
 * @module
 */
import type { ModelConfig } from "./config.ts";

/** Encodings of a tensor's values that the kernels understand. */
export type TensorType = "F32" | "F16" | "Q8_0" | "Q4_0" | "Q4_1";

/** Where a tensor lies in its file. */
export interface TensorInfo {
  readonly name: string;
  readonly type: TensorType;
  /** Values in a row (the fastest dimension). */
  readonly columns: number;
  /** Number of rows; 1 for a vector. */
  readonly rows: number;
  /** Byte offset from the start of the file. */
  readonly offset: number;
  readonly byteLength: number;
}

/** A parsed and checked GGUF file; tensor data stays on disk. */
export interface GgufFile {
  readonly path: string;
  readonly config: ModelConfig;
  /** By name, e.g. `blk.0.attn_q.weight`. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Raw metadata by key, without the tokenizer's large arrays once these were consumed. */
  readonly metadata: ReadonlyMap<string, unknown>;
}
