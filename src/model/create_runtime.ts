/**
 * Which device runs the model.
 *
 * @module
 */
import type { GgufFile } from "./gguf.ts";
import type { Runtime } from "./runtime.ts";
import { SimdRuntime } from "./simd/runtime.ts";

/** What a user can ask for. */
export type RuntimeChoice = "auto" | "simd" | "webgpu";

/**
 * Loads the model onto the chosen device; `auto` takes the best there is.
 *
 * @param maxTokens Most tokens of one forward step.
 * @param threads How many compute; `auto` for one a core, up to 8, or one where the host lets no threads share memory.
 * @throws {ModelError} If the file is damaged.
 * @throws {Error} If the chosen device cannot run it.
 */
export function createRuntime(
  choice: RuntimeChoice,
  file: GgufFile,
  maxTokens: number,
  threads: number | "auto",
): Promise<Runtime> {
  if (choice !== "webgpu") {
    return SimdRuntime.load(file, {
      maxTokens,
      threads: countThreads(threads),
    });
  }
  return Promise.reject(
    new Error("Cannot use the runtime webgpu: this version has simd only"),
  );
}

/** More find too little to do in one step. */
const MOST_THREADS = 8;

/** @throws {Error} If the host has no threads. */
function countThreads(threads: number | "auto"): number {
  const canShare = typeof Worker === "function" &&
    typeof SharedArrayBuffer === "function";
  if (threads === "auto") {
    const cores = navigator.hardwareConcurrency ?? 1;
    return canShare ? Math.min(cores, MOST_THREADS) : 1;
  }
  if (threads === 1 || canShare) return threads;
  throw new Error(
    `Cannot use ${threads} threads: this host has none that share memory`,
  );
}
