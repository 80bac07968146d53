/**
 * SHA-256 of files that are too large to be read at once.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** Bytes that went by, and their sum. */
export interface Digest {
  readonly size: number;
  readonly sha256: string;
}

/** Sums up `chunks`; `each` takes them one after the other. */
export async function digest(
  chunks: AsyncIterable<Uint8Array>,
  each: (chunk: Uint8Array) => Promise<void> = () => Promise.resolve(),
): Promise<Digest> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    size += chunk.length;
    await each(chunk);
  }
  return { size, sha256: hash.digest("hex") };
}

/** The bytes of a file; a chunk is valid until the next. */
export async function* contents(
  file: Deno.FsFile,
): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(1 << 18);
  while (true) {
    const count = await file.read(buffer);
    if (count === null) return;
    yield buffer.subarray(0, count);
  }
}
