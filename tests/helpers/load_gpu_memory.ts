/**
 * Loads the default model onto the GPU and tells what that took; run in a process of its own. A tiny model goes before it, so
 * that drivers and libraries are in place.
 *
 * @module
 */
import { findAdapter } from "../../src/model/webgpu/adapter.ts";
import { readGguf } from "../../src/model/gguf.ts";
import { WebGpuRuntime } from "../../src/model/webgpu/runtime.ts";
import type { LoadRecord } from "./load_memory.ts";
import { realModelPath } from "./real_model.ts";
import { run, uniformCache } from "./stream.ts";

/** @param tiny Path of a tiny model. */
async function record(tiny: string): Promise<LoadRecord> {
  await warmUp(tiny);
  const path = realModelPath();
  const file = readGguf(path);
  const before = Deno.memoryUsage().rss;
  let peak = before;
  const sample = () => peak = Math.max(peak, Deno.memoryUsage().rss);
  // The tensors are read in small parts, between which timers run.
  const timer = setInterval(sample, 1);
  await WebGpuRuntime.load(file, await findAdapter());
  sample();
  clearInterval(timer);
  return { file: (await Deno.stat(path)).size, before, peak };
}

/** Does all that a process does once, such as loading drivers and the library. */
async function warmUp(path: string): Promise<void> {
  const file = readGguf(path);
  const runtime = await WebGpuRuntime.load(file, await findAdapter());
  await run(runtime, uniformCache(runtime, 64, 0), [1, 2, 3, 4], () => {}, 1);
}

if (import.meta.main) {
  console.log(JSON.stringify(await record(Deno.args[0])));
}
