/**
 * Puts files into the cache, whole and checked or not at all.
 *
 * @module
 */
import { dirname } from "node:path";
import { contents, type Digest, digest } from "../file_digest.ts";
import type { ModelRequest } from "./model_source.ts";

/** Ending of whatever is not done yet. */
const PART = ".part";
/** Milliseconds after which nobody works on a part any more. */
const STALE = 60 * 60 * 1000;

/**
 * Writes what arrives to a file beside the target, checks it and renames it.
 *
 * @throws {Error} If it is not what was asked for, or cannot be written.
 */
export async function storeStream(
  chunks: AsyncIterable<Uint8Array>,
  request: ModelRequest,
): Promise<void> {
  const { target, size } = request;
  const part = await newPart(target);
  const progress = request.progress(size ?? 0);
  try {
    using file = await Deno.open(part, { write: true, createNew: true });
    const written = await copy(chunks, file, (n) => progress.advance(n));
    check(written, request);
    // The name must not be on disk before the bytes are.
    await file.sync();
    await Deno.rename(part, target);
  } catch (error) {
    await removeIfThere(part);
    throw error;
  } finally {
    progress.end();
  }
}

/** Checks a file that lies in a part of the cache, and moves it to its target. */
export async function storeFile(
  path: string,
  request: ModelRequest,
): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  check(await digest(contents(file)), request);
  await file.sync();
  await Deno.rename(path, request.target);
}

/**
 * Whether a file is what a request asks for, as far as that is known.
 *
 * @returns Null if it is, else what is wrong with it.
 * @throws {Deno.errors.NotFound} If there is none.
 */
export async function findFault(
  path: string,
  request: ModelRequest,
): Promise<string | null> {
  using file = await Deno.open(path);
  const { size } = await file.stat();
  if (size === 0) return "it is empty";
  if (request.size !== null && size !== request.size) {
    return `it has ${size} bytes instead of ${request.size}`;
  }
  if (request.sha256 === null) return null;
  const { sha256 } = await digest(contents(file));
  return sha256 === request.sha256
    ? null
    : `its SHA-256 is ${sha256} instead of ${request.sha256}`;
}

/**
 * A path beside `target` that no other process uses, in a folder that is there. What processes that were killed have
 * left in it is removed.
 */
export async function newPart(target: string): Promise<string> {
  const folder = dirname(target);
  await Deno.mkdir(folder, { recursive: true });
  for await (const { name } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (name.endsWith(PART) && await isStale(path)) await removeIfThere(path);
  }
  return `${target}.${crypto.randomUUID()}${PART}`;
}

async function isStale(path: string): Promise<boolean> {
  try {
    const { mtime } = await Deno.stat(path);
    return mtime !== null && Date.now() - mtime.getTime() > STALE;
  } catch (error) {
    // Another process has just finished it.
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Removes a file or folder, which may be gone already. */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function copy(
  chunks: AsyncIterable<Uint8Array>,
  file: Deno.FsFile,
  advance: (bytes: number) => void,
): Promise<Digest> {
  return await digest(chunks, async (chunk) => {
    for (let done = 0; done < chunk.length;) {
      done += await file.write(chunk.subarray(done));
    }
    advance(chunk.length);
  });
}

/** @throws {Error} If a size or sum is not the one asked for. */
function check(found: Digest, { size, sha256 }: ModelRequest): void {
  if (size !== null && found.size !== size) {
    throw new Error(`it has ${found.size} bytes instead of ${size}`);
  }
  if (sha256 !== null && found.sha256 !== sha256) {
    throw new Error(
      `its SHA-256 is ${found.sha256} instead of ${sha256}`,
    );
  }
}
