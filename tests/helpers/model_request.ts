/**
 * A request for a model file, into a temporary folder.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { ModelRequest } from "../../src/model/sources/model_source.ts";
import { progressLines } from "../../src/model/sources/progress.ts";

/** A request, and what comes of it. */
export interface TestRequest extends AsyncDisposable {
  readonly request: ModelRequest;
  readonly lines: readonly string[];
  /** Paths in the cache, below its folder. */
  files(): Promise<string[]>;
}

/** Asks for what has the size and sum of `bytes`; with null, for anything. */
export async function requestFor(
  bytes: Uint8Array | null,
): Promise<TestRequest> {
  const folder = await Deno.makeTempDir({ prefix: "cache_" });
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  return {
    request: {
      target: `${folder}/models/model.gguf`,
      size: bytes && bytes.length,
      sha256: bytes && sha256(bytes),
      log,
      progress: (total) => progressLines(total, log),
    },
    lines,
    files: () => listFiles(folder),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** Hexadecimal SHA-256. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Paths of the files, and of the empty folders but the cache's own, below `folder`. */
export async function listFiles(folder: string, under = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder + under)) {
    const path = `${under}/${name}`;
    const below = isDirectory ? await listFiles(folder, path) : [];
    if (below.length > 0) found.push(...below);
    else if (!isDirectory || name.includes(".")) found.push(path.slice(1));
  }
  return found.sort();
}
