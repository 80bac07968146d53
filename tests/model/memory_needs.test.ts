import { assertGreater, assertLess } from "@std/assert";
import { createLayout } from "../../src/cache/layout.ts";
import { STORE_NAMES } from "../../src/cache/store/stores.ts";
import { readGguf } from "../../src/model/gguf.ts";
import { memoryNeeds } from "../../src/model/memory_needs.ts";
import { SimdRuntime } from "../../src/model/simd/runtime.ts";
import { writeTinyGguf } from "../helpers/tiny_gguf.ts";

const BLOCK = 16;
const SLOTS = 4000;

for (const store of STORE_NAMES) {
  Deno.test(`memoryNeeds() counts the linear memory of a model and its dialogues, and not much more: ${store}`, async () => {
    const { path, folder } = await writeTinyGguf({ headDim: 32 });
    const file = readGguf(path);
    const choices = { store, threads: 1, block: BLOCK, parallel: 1 };
    const needs = memoryNeeds(file, choices);
    const runtime = await SimdRuntime.load(file, { maxTokens: BLOCK });
    await Deno.remove(folder, { recursive: true });
    const before = runtime.memoryBytes;
    assertLess(before, needs.fixed);
    const { layers, kvHeads, headDim } = file.config;
    const shape = { layers, kvHeads, headDim, slots: SLOTS, block: BLOCK };
    const layout = createLayout({ ...shape, store, observed: BLOCK });
    const cache = runtime.createCache(layout);
    const state = await runtime.exportState(cache);
    const taken = runtime.memoryBytes - before + state.buffer.byteLength;
    assertLess(taken, needs.dialogue(SLOTS));
    assertGreater(taken, needs.dialogue(SLOTS) / 3);
    runtime.dispose();
  });
}
