/**
 * A GGUF file of the `llama` architecture: its configuration, where its tensors lie, and its metadata.
 *
 * @module
 */
import type { ModelConfig } from "./config.ts";
import { readConfig } from "./gguf_config.ts";
import { FileCursor } from "./gguf_cursor.ts";
import { cannotLoad } from "./gguf_error.ts";
import { openModelFile } from "./gguf_open.ts";
import { type GgufValue, scanGguf, type StoredTensor } from "./gguf_scan.ts";
import { placeTensors } from "./gguf_tensors.ts";

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

/** Where an array of the metadata lies in its file; `gguf_arrays.ts` reads it. */
export interface StoredArray {
  /** Its code in `gguf_values.ts`. */
  readonly elementType: number;
  readonly length: number;
  /** Byte offset of the first element from the start of the file. */
  readonly offset: number;
  readonly byteLength: number;
}

/** A parsed and checked GGUF file; tensor data stays on disk. */
export interface GgufFile {
  readonly path: string;
  readonly config: ModelConfig;
  /** By name, e.g. `blk.0.attn_q.weight`. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Numbers, booleans and strings of the metadata, by key; arrays, and strings above 64 KiB, are not in it. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** The arrays of the metadata, by key. They stay on disk, for those of a tokenizer are large. */
  readonly arrays: ReadonlyMap<string, StoredArray>;
}

/**
 * Reads and checks everything in a model file but the values of its tensors.
 *
 * @throws {ModelError} If the file cannot be read, is damaged or truncated, or is a model that is not supported.
 */
export function readGguf(path: string): GgufFile {
  using file = openModelFile(path);
  const cursor = new FileCursor(path, file, file.statSync().size);
  const header = scanGguf(cursor);
  const { metadata, arrays } = header;
  const config = readConfig(path, metadata, arrays, vocabulary(header.tensors));
  const alignment = readAlignment(path, metadata);
  const start = Math.ceil(header.end / alignment) * alignment;
  const space = { path, size: cursor.size, start, alignment };
  const tensors = placeTensors(space, config, header.tensors);
  return { path, config, tensors, metadata, arrays };
}

function readAlignment(
  path: string,
  metadata: ReadonlyMap<string, unknown>,
): number {
  const value = metadata.get("general.alignment") ?? 32;
  const valid = typeof value === "number" && value % 8 === 0 && value >= 8 &&
    value <= 65_536;
  if (!valid) throw cannotLoad(path, `general.alignment is ${value}`);
  return value;
}

/** Rows of the token embedding; 0 where there is none, which is found out later. */
function vocabulary(tensors: readonly StoredTensor[]): number {
  const embedding = tensors.find((t) => t.name === "token_embd.weight");
  return embedding?.shape[1] ?? 0;
}
