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
 * @throws {ModelError} If the file is damaged.
 * @throws {Error} If the chosen device cannot run it.
 */
export function createRuntime(
  choice: RuntimeChoice,
  file: GgufFile,
  maxTokens: number,
): Promise<Runtime> {
  if (choice !== "webgpu") return SimdRuntime.load(file, { maxTokens });
  return Promise.reject(
    new Error("Cannot use the runtime webgpu: this version has simd only"),
  );
}
