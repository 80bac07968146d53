/**
 * Reads arrays of a model file's metadata.
 *
 * @module
 */
import type { GgufFile } from "./gguf.ts";
import { cannotLoad } from "./gguf_error.ts";
import { openModelFile } from "./gguf_open.ts";
import { INT32, STRING } from "./gguf_values.ts";
import { TextArray } from "./text_array.ts";

/**
 * The texts of the array `key`; none if the file does not have it.
 *
 * @throws {ModelError} If it holds something else or cannot be read.
 */
export function readTexts(file: GgufFile, key: string): TextArray {
  const bytes = readElements(file, key, STRING) ??
    new Uint8Array();
  const length = file.arrays.get(key)?.length ?? 0;
  return new TextArray(
    bytes,
    length,
    (i) => cannotLoad(file.path, `element ${i} of ${key} is not UTF-8`),
  );
}

/**
 * The 32-bit whole numbers of the array `key`, or null if the file has none.
 *
 * @throws {ModelError} If it holds something else or cannot be read.
 */
export function readIntegers(file: GgufFile, key: string): Int32Array | null {
  const bytes = readElements(file, key, INT32);
  return bytes && new Int32Array(bytes.buffer);
}

/** The bytes of an array, whose lengths were checked when the file was. */
function readElements(
  file: GgufFile,
  key: string,
  type: number,
): Uint8Array<ArrayBuffer> | null {
  const array = file.arrays.get(key);
  if (!array) return null;
  if (array.elementType !== type) {
    throw cannotLoad(file.path, `${key} is an array of another type`);
  }
  const bytes = new Uint8Array(array.byteLength);
  using source = openModelFile(file.path);
  source.seekSync(array.offset, Deno.SeekMode.Start);
  for (let done = 0; done < bytes.length;) {
    const count = source.readSync(bytes.subarray(done));
    if (count === null) throw cannotLoad(file.path, `${key} is cut off`);
    done += count;
  }
  return bytes;
}
