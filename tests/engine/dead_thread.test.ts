import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { generate } from "../../src/engine/generate.ts";
import { Steps } from "../../src/engine/steps.ts";
import type { Kernels } from "../../src/kernels/kernels.ts";
import type { LinearMemory } from "../../src/kernels/memory.ts";
import {
  type Exports,
  loadSimdKernels,
  SimdKernels,
} from "../../src/kernels/simd.ts";
import { ThreadedExports } from "../../src/kernels/threads/threaded_exports.ts";
import { readGguf } from "../../src/model/gguf.ts";
import { SimdRuntime } from "../../src/model/simd/runtime.ts";
import { ask, collect } from "../helpers/generation.ts";
import { tinyParts } from "../helpers/tiny_engine.ts";
import { writeTinyGguf } from "../helpers/tiny_gguf.ts";

const CODE = new URL("../../build/kernels_simd_shared.wasm", import.meta.url);
const MORTAL = new URL("../kernels/threads/mortal_worker.ts", import.meta.url);

/** Kernels of two threads, of which the second never comes back from its first task. */
async function mortalKernels(memory: LinearMemory): Promise<Kernels> {
  const { module, instance } = await WebAssembly.instantiate(
    await Deno.readFile(CODE),
    { env: { memory: memory.memory } },
  );
  const wasm = instance.exports as unknown as Exports;
  const options = { worker: MORTAL, limit: 200 };
  const threads = new ThreadedExports(2, memory, module, wasm, options);
  await threads.pool.ready;
  return new SimdKernels(threads.exports(), "plain", threads);
}

Deno.test("generate() gives an error to the request whose thread dies, and answers the next one", async () => {
  const { path, folder } = await writeTinyGguf();
  const file = readGguf(path);
  const runtime = await SimdRuntime.load(file, {
    maxTokens: 16,
    threads: 2,
    kernels: mortalKernels,
  });
  const single = await SimdRuntime.load(file, {
    maxTokens: 16,
    kernels: (memory) => loadSimdKernels(memory, "plain"),
  });
  await Deno.remove(folder, { recursive: true });
  const steps = new Steps(runtime);
  const parts = { ...await tinyParts({ keep: 1 }), runtime, steps };
  const never = new AbortController().signal;
  const answer = () => collect(generate(parts, ask(), never));

  let error: unknown = null;
  // The thread need not get a task at once.
  for (let i = 0; i < 500 && error === null; i++) {
    error = await answer().then(() => null, (error) => error);
  }
  assertInstanceOf(error, Error);
  assertEquals(error.message, "Cannot go on computing: a thread died");
  // Nothing that was half-way through a step is gone on with, and nothing blocks the queue.
  assertEquals([parts.kept.count, parts.queue.running], [0, 0]);

  const alone = {
    ...await tinyParts(),
    runtime: single,
    steps: new Steps(single),
  };
  const expected = await collect(generate(alone, ask(), never));
  const events = await answer();
  const text = (all: typeof events) =>
    all.map((event) => event.type === "text" ? event.text : "").join("");
  assert(text(events).length > 0);
  assertEquals(text(events), text(expected));
  runtime.dispose();
});
