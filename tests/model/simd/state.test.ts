import { assertEquals, assertRejects } from "@std/assert";
import { METHODS } from "../../../src/cache/methods.ts";
import { Planner } from "../../../src/cache/planner.ts";
import { readGguf } from "../../../src/model/gguf.ts";
import type { KvCache, Runtime } from "../../../src/model/runtime.ts";
import { SimdRuntime } from "../../../src/model/simd/runtime.ts";
import { logitsOf, run, uniformCache } from "../../helpers/stream.ts";
import { writeTinyGguf } from "../../helpers/tiny_gguf.ts";

const TEXT = Array.from({ length: 16 }, (_, i) => (i * 53 + 7) % 300);

async function withRuntime(test: (runtime: Runtime) => Promise<void>) {
  const { path, folder } = await writeTinyGguf();
  try {
    await test(await SimdRuntime.load(await readGguf(path)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A cache that has been through two compactions. */
async function lived(runtime: Runtime): Promise<KvCache> {
  const cache = uniformCache(runtime, 16, 16, true);
  const planner = new Planner(cache.slots, METHODS.streaming_llm, {
    sinks: 2,
    window: 4,
  });
  for (let block = 0; block < 4; block++) {
    if (cache.slots.room < 16) await runtime.apply(cache, planner.plan());
    await run(runtime, cache, TEXT);
  }
  return cache;
}

Deno.test("importState() goes on exactly where exportState() left off", async () => {
  await withRuntime(async (runtime) => {
    const cache = await lived(runtime);
    const state = await runtime.exportState(cache);
    const copy = uniformCache(runtime, 16, 16, true);
    await run(runtime, copy, TEXT.slice(0, 5));
    await runtime.importState(copy, state);
    assertEquals({ ...copy.slots.usage("m") }, cache.slots.usage("m"));
    assertEquals(await runtime.exportState(copy), state);
    // Only what fits without another compaction.
    const room = cache.slots.room;
    if (room === 0) {
      for (const one of [cache, copy]) {
        const planner = new Planner(one.slots, METHODS.streaming_llm, {
          sinks: 2,
          window: 4,
        });
        await runtime.apply(one, planner.plan());
      }
    }
    assertEquals(
      await logitsOf(runtime, copy, TEXT),
      await logitsOf(runtime, cache, TEXT),
    );
  });
});

Deno.test("importState() refuses damage and other layouts, and the cache stays as it was", async () => {
  await withRuntime(async (runtime) => {
    const state = await runtime.exportState(await lived(runtime));
    const cache = uniformCache(runtime, 16, 16, true);
    await run(runtime, cache, TEXT.slice(0, 3));
    const before = await runtime.exportState(cache);
    const refuse = (bytes: Uint8Array<ArrayBuffer>, message: string) =>
      assertRejects(
        () => runtime.importState(cache, bytes),
        SyntaxError,
        message,
      );
    const changed = (word: number, value: number) => {
      const copy = new Int32Array(state.slice().buffer);
      copy[word] = value;
      return new Uint8Array(copy.buffer);
    };
    await refuse(new Uint8Array(0), "no saved state");
    await refuse(new Uint8Array(1000), "no saved state");
    await refuse(changed(1, 9), "version is 9");
    await refuse(changed(3, 8), "other slots or another model");
    await refuse(changed(6, 17), "other slots or another model");
    await refuse(changed(7, -1), "damaged");
    await refuse(changed(7, 1000), "damaged");
    await refuse(state.slice(0, -4), "damaged");
    await refuse(state.slice(0, 40), "damaged");
    assertEquals(await runtime.exportState(cache), before);
    const other = uniformCache(runtime, 20, 16, true);
    await assertRejects(
      () => runtime.importState(other, state),
      SyntaxError,
      "other slots or another model",
    );
  });
});
