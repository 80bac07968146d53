/**
 * Loads the default model onto one runtime after the other and tells how that went; run in a process of its own, in which
 * modules can be replaced.
 *
 * @module
 */
import {
  createRuntime,
  type RuntimeChoice,
} from "../../src/model/create_runtime.ts";
import { readGguf } from "../../src/model/gguf.ts";
import { realModelPath } from "./real_model.ts";

/** The kind of each runtime, or why there is none. */
export type RuntimeRecord = Readonly<Record<"simd" | "webgpu", string>>;

async function outcome(choice: RuntimeChoice): Promise<string> {
  const file = readGguf(realModelPath());
  try {
    return (await createRuntime(choice, file, { maxTokens: 16 })).kind;
  } catch (error) {
    return String(error);
  }
}

if (import.meta.main) {
  const simd = await outcome("simd");
  const webgpu = await outcome("webgpu");
  console.log(JSON.stringify({ simd, webgpu }));
}
