import { assertEquals, assertLess, assertRejects } from "@std/assert";
import type { MethodName } from "../../../src/cache/methods.ts";
import { STORE_NAMES } from "../../../src/cache/store/stores.ts";
import { readGguf } from "../../../src/model/gguf.ts";
import type { Runtime } from "../../../src/model/runtime.ts";
import { SimdRuntime } from "../../../src/model/simd/runtime.ts";
import { gpuTest, withTinyGpu } from "../../helpers/gpu.ts";
import {
  type BoundedCache,
  boundedCache,
  logitsOf,
} from "../../helpers/stream.ts";
import { writeTinyGguf } from "../../helpers/tiny_gguf.ts";

/** Heads of 32 values, so that every store can hold them. */
const MODEL = { headDim: 32 };
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

for (const store of STORE_NAMES) {
  gpuTest(
    `importState() goes on in mid-block exactly where exportState() left off, on the GPU: ${store}`,
    async () => {
      await withTinyGpu(MODEL, async (runtime) => {
        for (const name of NAMES) {
          const first = boundedCache(runtime, name, { ...SIZE, store });
          await live(runtime, first, 0, 71);
          const state = await runtime.exportState(first.cache);
          const second = boundedCache(runtime, name, { ...SIZE, store });
          await live(runtime, second, 30, 60);
          await runtime.importState(second.cache, state);
          assertEquals(await runtime.exportState(second.cache), state, name);
          // Several more compactions: what a score remembers must have come along.
          const rows = await live(runtime, first, 71, 130);
          assertEquals(await live(runtime, second, 71, 130), rows, name);
          first.cache.dispose();
          second.cache.dispose();
        }
      });
    },
  );

  gpuTest(
    `importState() takes what the other runtime exported, bit by bit, and sees the same keys: ${store}`,
    async () => {
      // In f32, so that both runtimes compute the same but for the order of sums.
      const model = { ...MODEL, type: "F32", embeddingType: "F32" } as const;
      const { path, folder } = await writeTinyGguf(model);
      const simd = await SimdRuntime.load(readGguf(path));
      await Deno.remove(folder, { recursive: true });
      await withTinyGpu(model, async (gpu) => {
        for (const [from, to] of [[simd, gpu], [gpu, simd]]) {
          const size = { ...SIZE, store };
          const first = boundedCache(from, "maxdecay_merge", size);
          await live(from, first, 0, 71);
          const state = await from.exportState(first.cache);
          const second = boundedCache(to, "maxdecay_merge", size);
          await to.importState(second.cache, state);
          assertEquals(await to.exportState(second.cache), state);

          const expected = await keysOf(from, first);
          const actual = await keysOf(to, second);
          // Whole numbers turned back by angles of another last digit: a rare one is another.
          assertLess(meanDistance(actual, expected), 1e-4);
          const next = await live(from, first, 71, 80);
          const same = await live(to, second, 71, 80);
          same.forEach((row, i) =>
            assertLess(meanDistance(row, next[i]), NEXT[store])
          );
        }
      });
    },
  );
}

/**
 * How far logits may be apart, on average and by their size, behind the same slots. The CPU attends in whole numbers, and
 * rounds keys of 4 bits once more for that.
 */
const NEXT = { f32: 1e-5, int8: 1e-3, k8v4: 1e-3, int4: 0.03 };

/** All keys, turned back, and for every slot its cosine with the one before it that is most like it, where both are seen. */
async function keysOf(
  runtime: Runtime,
  { cache }: BoundedCache,
): Promise<number[]> {
  const needs = { keys: true, likest: true };
  const seen = await runtime.observe(cache, needs);
  return [...cache.slots.live].flatMap((live, unit) => {
    const all = Int32Array.from({ length: live }, (_, slot) => slot);
    const seekers = [...all].slice(1).flatMap((slot) => [slot, 0, slot]);
    const { cosines } = seen.likest(unit, all, Int32Array.from(seekers));
    return [...cosines, ...seen.keys(unit)];
  });
}

/** Mean difference by mean size. */
function meanDistance(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
): number {
  assertEquals(actual.length, expected.length);
  let off = 0, size = 0;
  for (let i = 0; i < expected.length; i++) {
    off += Math.abs(actual[i] - expected[i]);
    size += Math.abs(expected[i]);
  }
  return off / size;
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
