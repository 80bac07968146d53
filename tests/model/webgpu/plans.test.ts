/** What a cache keeps must not depend on the device that computes. */
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { type Method, withLearned } from "../../../src/cache/method.ts";
import { METHOD_NAMES, METHODS } from "../../../src/cache/methods.ts";
import type { StoreName } from "../../../src/cache/store/stores.ts";
import { readGguf } from "../../../src/model/gguf.ts";
import type { Runtime } from "../../../src/model/runtime.ts";
import { SimdRuntime } from "../../../src/model/simd/runtime.ts";
import { gpuTest, withTinyGpu } from "../../helpers/gpu.ts";
import { madeUpParts } from "../../helpers/learned.ts";
import { boundedCache, run } from "../../helpers/stream.ts";
import { tinyGguf, writeTinyGguf } from "../../helpers/tiny_gguf.ts";

/** In f32, so that both runtimes compute the same but for the order of sums; heads that every store can hold. */
const OPTIONS = { type: "F32", embeddingType: "F32", headDim: 32 } as const;
const SIZE = { slots: 16, block: 16, sinks: 2, window: 4 };
/** In which no two slots are worth so nearly the same that rounding decides. */
const TEXT = Array.from({ length: 90 }, (_, i) => (i * 61 + 7) % 300);
const { config } = tinyGguf(OPTIONS);

const FORMS: [name: string, method: Method][] = METHOD_NAMES
  .filter((name) => METHODS[name].score)
  .flatMap((name) => {
    const method: Method = METHODS[name];
    if (!method.learned) return [[name, method]];
    const learned = withLearned(method, madeUpParts(config), {});
    return [[name, method], [`${name} (learned)`, learned]];
  });

/** What is in the slots after every compaction, and the logits of the text. */
async function stream(runtime: Runtime, method: Method, store: StoreName) {
  const size = { ...SIZE, store };
  const { cache, compact } = boundedCache(runtime, method, size);
  const { slots } = cache;
  const tables: unknown[] = [];
  const masses: number[][] = [];
  let fused = 0;
  const logits: Float32Array[] = [];
  for (let at = 0; at < TEXT.length; at += SIZE.block) {
    if (slots.room === 0) {
      await compact();
      const all = (array: Float32Array | Int32Array | Uint8Array) =>
        [...slots.live].map((live, unit) => {
          const first = slots.offsets[unit];
          return [...array.subarray(first, first + live)];
        });
      tables.push([slots.token, slots.position, slots.fused].map(all));
      masses.push(all(slots.mass).flat());
      fused += all(slots.fused).flat().reduce((sum, one) => sum + one);
    }
    const block = TEXT.slice(at, at + SIZE.block);
    await run(runtime, cache, block, (row) => logits.push(row.slice()));
  }
  cache.dispose();
  return { tables, masses, logits, fused };
}

function assertNear(
  actual: readonly ArrayLike<number>[],
  expected: readonly ArrayLike<number>[],
  tolerance: number,
  name: string,
): void {
  assertEquals(actual.length, expected.length);
  expected.forEach((row, i) => {
    assertEquals(actual[i].length, row.length);
    Array.from(row).forEach((value, at) =>
      assertLess(Math.abs(actual[i][at] - value), tolerance, name)
    );
  });
}

/**
 * How far masses and logits may be apart: by the order of sums; in few bits, by numbers that are rounded to the next level,
 * of which mixtures of values in 4 bits make much, and by the whole numbers in which the CPU attends. Keys of 4
 * bits are not here: the CPU rounds them once more for attention, so that a text soon parts.
 */
const TOLERANCES = { f32: 1e-4, int8: 0.02, k8v4: 1.5 };

for (const [store, tolerance] of Object.entries(TOLERANCES)) {
  gpuTest(
    `both runtimes make the same plans in ${store}, whatever the method`,
    async () => {
      const { path, folder } = await writeTinyGguf(OPTIONS);
      const simd = await SimdRuntime.load(readGguf(path));
      await Deno.remove(folder, { recursive: true });
      await withTinyGpu(OPTIONS, async (runtime) => {
        for (const [name, method] of FORMS) {
          const expected = await stream(simd, method, store as StoreName);
          assertGreater(expected.tables.length, 4);
          // Mixtures and joins are compared where a method makes them.
          assertEquals(expected.fused > 0, method.fuse.biased, name);
          const actual = await stream(runtime, method, store as StoreName);
          assertEquals(actual.tables, expected.tables, name);
          // What stands behind a mixture follows from weights that the device computes.
          assertNear(actual.masses, expected.masses, tolerance, name);
          assertNear(actual.logits, expected.logits, tolerance, name);
        }
      });
    },
  );
}
