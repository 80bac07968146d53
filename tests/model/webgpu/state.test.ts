import { assertEquals, assertRejects } from "@std/assert";
import type { MethodName } from "../../../src/cache/methods.ts";
import type { Runtime } from "../../../src/model/runtime.ts";
import { gpuTest, withTinyGpu } from "../../helpers/gpu.ts";
import {
  type BoundedCache,
  boundedCache,
  logitsOf,
} from "../../helpers/stream.ts";

const SIZE = { slots: 16, block: 16, sinks: 2, window: 4 };
const TEXT = Array.from({ length: 130 }, (_, i) => (i * 53 + 7) % 300);

/** Runs tokens `from` … `to` - 1 of the text, compacting after every block. */
async function live(
  runtime: Runtime,
  { cache, compact }: BoundedCache,
  from: number,
  to: number,
): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  for (let at = from; at < to;) {
    if (cache.slots.room === 0) await compact();
    const size = Math.min(cache.slots.room, to - at);
    rows.push(...await logitsOf(runtime, cache, TEXT.slice(at, at + size)));
    at += size;
  }
  return rows;
}

const NAMES: MethodName[] = ["dual", "adakv", "keydiff", "maxdecay_merge"];

for (const name of NAMES) {
  gpuTest(
    `importState() goes on in mid-block exactly where exportState() left off, on the GPU: ${name}`,
    async () => {
      await withTinyGpu({}, async (runtime) => {
        const first = boundedCache(runtime, name, SIZE);
        await live(runtime, first, 0, 71);
        const state = await runtime.exportState(first.cache);
        const second = boundedCache(runtime, name, SIZE);
        await live(runtime, second, 30, 60);
        await runtime.importState(second.cache, state);
        assertEquals(await runtime.exportState(second.cache), state);
        // Several more compactions: what a score remembers must have come along.
        const rows = await live(runtime, first, 71, 130);
        assertEquals(await live(runtime, second, 71, 130), rows);
      });
    },
  );
}

gpuTest(
  "importState() refuses damage, and the cache on the GPU stays as it was",
  async () => {
    await withTinyGpu({}, async (runtime) => {
      const { cache } = boundedCache(runtime, "dual", SIZE);
      await logitsOf(runtime, cache, TEXT.slice(0, 5));
      const state = await runtime.exportState(cache);
      await assertRejects(
        () => runtime.importState(cache, state.slice(0, -4)),
        SyntaxError,
        "damaged",
      );
      assertEquals(await runtime.exportState(cache), state);
    });
  },
);
