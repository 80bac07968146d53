/**
 * Reads the header of a GGUF file: single values of its metadata, where the arrays in it lie, and the table of tensors.
 * Arrays stay on disk, for a vocabulary would be most of the memory that reading takes. No length is believed before it was
 * checked. The format is described at https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
 *
 * @module
 */
import type { StoredArray } from "./gguf.ts";
import type { FileCursor } from "./gguf_cursor.ts";
import { cannotLoad } from "./gguf_error.ts";
import { ARRAY, FIXED_TYPES, type FixedType, STRING } from "./gguf_values.ts";

/** A single value of the metadata. */
export type GgufValue = string | number | bigint | boolean;

/** An entry of the table of tensors, as the file has it. */
export interface StoredTensor {
  readonly name: string;
  /** Fastest dimension first. */
  readonly shape: readonly number[];
  /** Number of the encoding in ggml. */
  readonly type: number;
  /** Byte offset from the end of the header, aligned. */
  readonly offset: number;
}

/** What {@link scanGguf} finds. */
export interface GgufHeader {
  /** Without arrays, and strings above 64 KiB. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly arrays: ReadonlyMap<string, StoredArray>;
  readonly tensors: readonly StoredTensor[];
  /** Byte offset at which the table of tensors ends. */
  readonly end: number;
}

/** More entries or tensors than any model has. */
const MAX_COUNT = 65_536;
/** Longest key or name, in bytes. */
const MAX_NAME = 65_535;
/** Longest string that is kept, in bytes. */
const MAX_TEXT = 65_536;

/**
 * Walks over the header from its first byte to the end of the table of tensors.
 *
 * @throws {ModelError} If it is no GGUF header, or a length or count in it cannot be right.
 */
export function scanGguf(cursor: FileCursor): GgufHeader {
  const { path } = cursor;
  if (cursor.text(4, "its magic number") !== "GGUF") {
    throw cannotLoad(path, "it is no GGUF file");
  }
  const version = cursor.u32("its version");
  if (version !== 2 && version !== 3) {
    throw cannotLoad(path, `GGUF version ${version} is not supported`);
  }
  const tensorCount = count(cursor, "tensors");
  const entries = count(cursor, "metadata entries");
  const arrays = new Map<string, StoredArray>();
  const metadata = new Map<string, GgufValue>();
  const keys = new Set<string>();
  for (let i = 0; i < entries; i++) {
    const key = name(cursor, "a metadata key");
    if (keys.has(key)) throw cannotLoad(path, `${key} is there twice`);
    keys.add(key);
    const type = cursor.u32(`the type of ${key}`);
    if (type === ARRAY) {
      arrays.set(key, scanArray(cursor, key));
    } else {
      const value = readValue(cursor, type, key);
      if (value !== null) metadata.set(key, value);
    }
  }
  const tensors: StoredTensor[] = [];
  while (tensors.length < tensorCount) tensors.push(readTensor(cursor));
  return { metadata, arrays, tensors, end: cursor.position };
}

/** A single value; null for a string that is passed over. */
function readValue(
  cursor: FileCursor,
  type: number,
  key: string,
): GgufValue | null {
  if (type !== STRING) return cursor.value(fixedType(cursor, type, key), key);
  const length = cursor.u64(key);
  if (length <= MAX_TEXT) return cursor.text(length, key);
  cursor.skip(length, key);
  return null;
}

function scanArray(cursor: FileCursor, key: string): StoredArray {
  const elementType = cursor.u32(`the type of ${key}`);
  const length = cursor.u64(`the length of ${key}`);
  const offset = cursor.position;
  if (elementType === STRING) {
    for (let i = 0; i < length; i++) cursor.skip(cursor.u64(key), key);
  } else {
    cursor.skip(length * fixedType(cursor, elementType, key).bytes, key);
  }
  const byteLength = cursor.position - offset;
  return { elementType, length, offset, byteLength };
}

function readTensor(cursor: FileCursor): StoredTensor {
  const tensor = name(cursor, "the table of tensors");
  const dimensions = cursor.u32(tensor);
  if (dimensions > 4) {
    throw cannotLoad(
      cursor.path,
      `tensor ${tensor} has ${dimensions} dimensions`,
    );
  }
  const shape = Array.from({ length: dimensions }, () => cursor.u64(tensor));
  const type = cursor.u32(tensor);
  return { name: tensor, shape, type, offset: cursor.u64(tensor) };
}

function fixedType(cursor: FileCursor, type: number, key: string): FixedType {
  const fixed = FIXED_TYPES.get(type);
  if (!fixed) {
    throw cannotLoad(
      cursor.path,
      `${key} has the type ${type}, which is not supported`,
    );
  }
  return fixed;
}

function count(cursor: FileCursor, what: string): number {
  const value = cursor.u64(`the number of ${what}`);
  if (value > MAX_COUNT) {
    throw cannotLoad(cursor.path, `it claims to have ${value} ${what}`);
  }
  return value;
}

function name(cursor: FileCursor, what: string): string {
  const length = cursor.u64(what);
  if (length > MAX_NAME) {
    throw cannotLoad(cursor.path, `${what} claims to have ${length} bytes`);
  }
  return cursor.text(length, what);
}
