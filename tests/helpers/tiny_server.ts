/**
 * The real server over a tiny model.
 *
 * @module
 */
import { ONLY_LETTERS } from "./generation.ts";
import { ServerProcess } from "./server_process.ts";
import { writeTinyGguf } from "./tiny_gguf.ts";

/** As `logit_bias`: a text of letters, which no stop token ends. */
export const LETTERS_BIAS = Object.fromEntries(ONLY_LETTERS);

/** Starts a server whose model says random letters, on the CPU unless `args` say otherwise. */
export async function startTinyServer(
  args: readonly string[] = [],
): Promise<ServerProcess> {
  const { path, folder } = await writeTinyGguf();
  try {
    const runtime = args.includes("--runtime") ? [] : ["--runtime", "simd"];
    return await ServerProcess.start(["--model", path, ...runtime, ...args]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
