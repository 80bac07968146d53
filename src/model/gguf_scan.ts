/**
 * Checks the lengths in a GGUF header before a parser believes them, and finds the arrays in it, which stay on disk:
 * a vocabulary would be most of the memory that parsing takes.
 *
 * @module
 */
import { GGUFValueType } from "@huggingface/gguf";
import type { StoredArray } from "./gguf.ts";
import type { FileCursor } from "./gguf_cursor.ts";
import { cannotLoad } from "./gguf_error.ts";

/** What {@link scanGguf} finds. */
export interface GgufLayout {
  /** The header with every array, and every string too long to matter, emptied. */
  readonly header: Uint8Array<ArrayBuffer>;
  readonly arrays: ReadonlyMap<string, StoredArray>;
  /** Keys of the strings that were emptied. */
  readonly dropped: ReadonlySet<string>;
  /** Byte offset at which the tensor table ends. */
  readonly end: number;
}

/** A length and what it counts, between two byte offsets. */
interface Cut {
  readonly start: number;
  readonly end: number;
}

/** More entries or tensors than any model has. */
const MAX_COUNT = 65_536;
/** Longest key or name, in bytes. */
const MAX_NAME = 65_535;
/** Longest string that is kept, in bytes: the parser below reads longer ones wrongly where they cross its chunks. */
const MAX_TEXT = 65_536;
/** Longest header that is kept, in bytes: a few hundred tensors take 20 KB. */
const MAX_HEADER = 16 * 2 ** 20;
/** A length of zero. */
const EMPTY = new Uint8Array(8);

/** Bytes of a value of each type that has a fixed size. */
const SIZES: ReadonlyMap<number, number> = new Map([
  [GGUFValueType.UINT8, 1],
  [GGUFValueType.INT8, 1],
  [GGUFValueType.UINT16, 2],
  [GGUFValueType.INT16, 2],
  [GGUFValueType.UINT32, 4],
  [GGUFValueType.INT32, 4],
  [GGUFValueType.FLOAT32, 4],
  [GGUFValueType.BOOL, 1],
  [GGUFValueType.UINT64, 8],
  [GGUFValueType.INT64, 8],
  [GGUFValueType.FLOAT64, 8],
]);

/**
 * Walks over the header from its first byte to the end of the tensor table.
 *
 * @throws {ModelError} If it is no GGUF header, or a length or count in it cannot be right.
 */
export function scanGguf(cursor: FileCursor): GgufLayout {
  const { path } = cursor;
  if (cursor.text(4, "its magic number") !== "GGUF") {
    throw cannotLoad(path, "it is no GGUF file");
  }
  const version = cursor.u32("its version");
  if (version !== 2 && version !== 3) {
    throw cannotLoad(path, `GGUF version ${version} is not supported`);
  }
  const tensors = count(cursor, "tensors");
  const entries = count(cursor, "metadata entries");
  const arrays = new Map<string, StoredArray>();
  const dropped = new Set<string>();
  const cuts: Cut[] = [];
  const keys = new Set<string>();
  for (let i = 0; i < entries; i++) {
    const key = name(cursor, "a metadata key");
    if (keys.has(key)) throw cannotLoad(path, `${key} is there twice`);
    keys.add(key);
    const value = scanValue(cursor, key);
    if (!value) continue;
    cuts.push(value.cut);
    if (value.array) arrays.set(key, value.array);
    else dropped.add(key);
  }
  for (let i = 0; i < tensors; i++) scanTensor(cursor);
  const end = cursor.position;
  return { header: compact(cursor, cuts, end), arrays, dropped, end };
}

/** Passes over a value; gives what to leave out of the header, if anything. */
function scanValue(
  cursor: FileCursor,
  key: string,
): { readonly cut: Cut; readonly array: StoredArray | null } | null {
  const type = cursor.u32(`the type of ${key}`);
  const start = cursor.position;
  if (type === GGUFValueType.STRING) {
    const length = cursor.u64(key);
    cursor.skip(length, key);
    const cut = { start, end: cursor.position };
    return length > MAX_TEXT ? { cut, array: null } : null;
  }
  if (type === GGUFValueType.ARRAY) {
    const array = scanArray(cursor, key);
    return { cut: { start: start + 4, end: cursor.position }, array };
  }
  cursor.skip(fixedSize(cursor, type, key), key);
  return null;
}

function scanArray(cursor: FileCursor, key: string): StoredArray {
  const elementType = cursor.u32(`the type of ${key}`);
  const length = cursor.u64(`the length of ${key}`);
  const offset = cursor.position;
  if (elementType === GGUFValueType.STRING) {
    for (let i = 0; i < length; i++) cursor.skip(cursor.u64(key), key);
  } else {
    cursor.skip(length * fixedSize(cursor, elementType, key), key);
  }
  const byteLength = cursor.position - offset;
  return { elementType, length, offset, byteLength };
}

function scanTensor(cursor: FileCursor): void {
  const tensor = name(cursor, "the table of tensors");
  const dimensions = cursor.u32(tensor);
  if (dimensions > 4) {
    throw cannotLoad(
      cursor.path,
      `tensor ${tensor} has ${dimensions} dimensions`,
    );
  }
  cursor.skip(dimensions * 8 + 12, tensor);
}

function fixedSize(cursor: FileCursor, type: number, key: string): number {
  const size = SIZES.get(type);
  if (size === undefined) {
    throw cannotLoad(
      cursor.path,
      `${key} has the type ${type}, which is not supported`,
    );
  }
  return size;
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

/** The bytes up to `end`, with a length of zero in the place of each cut. */
function compact(
  cursor: FileCursor,
  cuts: readonly Cut[],
  end: number,
): Uint8Array<ArrayBuffer> {
  const removed = cuts.reduce((sum, cut) => sum + cut.end - cut.start - 8, 0);
  if (end - removed > MAX_HEADER) {
    throw cannotLoad(cursor.path, `its header has ${end - removed} bytes`);
  }
  const header = new Uint8Array(end - removed);
  let from = 0;
  let to = 0;
  for (const cut of [...cuts, { start: end, end }]) {
    header.set(cursor.copy(from, cut.start), to);
    to += cut.start - from;
    if (cut.start < end) header.set(EMPTY, to);
    to += EMPTY.length;
    from = cut.end;
  }
  return header;
}
