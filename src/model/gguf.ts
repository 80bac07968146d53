/**
 * A GGUF file of the `llama` architecture: its configuration, where its tensors lie, and its metadata.
 *
 * @module
 */
import { gguf, type GGUFTensorInfo } from "@huggingface/gguf";
import type { ModelConfig } from "./config.ts";
import { readConfig } from "./gguf_config.ts";
import { FileCursor } from "./gguf_cursor.ts";
import { cannotLoad } from "./gguf_error.ts";
import { openModelFile } from "./gguf_open.ts";
import { scanGguf } from "./gguf_scan.ts";
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
  /** A `GGUFValueType`. */
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
  readonly metadata: ReadonlyMap<string, unknown>;
  /** The arrays of the metadata, by key. They stay on disk, for those of a tokenizer are large. */
  readonly arrays: ReadonlyMap<string, StoredArray>;
}

/**
 * Reads and checks everything in a model file but the values of its tensors.
 *
 * @throws {ModelError} If the file cannot be read, is damaged or truncated, or is a model that is not supported.
 */
export async function readGguf(path: string): Promise<GgufFile> {
  using file = openModelFile(path);
  const cursor = new FileCursor(path, file, file.statSync().size);
  const { header, arrays, dropped, end } = scanGguf(cursor);
  const { tensorInfos, ...parsed } = await parseHeader(path, header);
  const metadata = new Map(
    Object.entries(parsed.metadata).filter(([key]) =>
      !arrays.has(key) && !dropped.has(key)
    ),
  );
  const config = readConfig(path, metadata, arrays, vocabulary(tensorInfos));
  const alignment = readAlignment(path, metadata);
  const start = Math.ceil(end / alignment) * alignment;
  const space = { path, size: cursor.size, start, alignment };
  const tensors = placeTensors(space, config, tensorInfos);
  return { path, config, tensors, metadata, arrays };
}

/** The library reads from an address; this one never leaves the process. */
const HEADER_URL = "http://header.invalid/";

async function parseHeader(path: string, header: Uint8Array<ArrayBuffer>) {
  try {
    return await gguf(HEADER_URL, { fetch: serveRanges(header) });
  } catch (error) {
    throw cannotLoad(path, (error as Error).message);
  }
}

/** A `fetch` that answers requests for byte ranges from memory. */
function serveRanges(bytes: Uint8Array<ArrayBuffer>): typeof fetch {
  return (_address, init) => {
    const range = new Headers(init?.headers).get("range") ?? "";
    const [start, last] = range.replace("bytes=", "").split("-").map(Number);
    return Promise.resolve(new Response(bytes.subarray(start, last + 1)));
  };
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
function vocabulary(tensors: readonly GGUFTensorInfo[]): number {
  const embedding = tensors.find((t) => t.name === "token_embd.weight");
  return Number(embedding?.shape[1] ?? 0);
}
