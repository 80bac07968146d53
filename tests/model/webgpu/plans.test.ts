/** What a cache keeps must not depend on the device that computes. */
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { type Method, withLearned } from "../../../src/cache/method.ts";
import { METHOD_NAMES, METHODS } from "../../../src/cache/methods.ts";
import { readGguf } from "../../../src/model/gguf.ts";
import type { Runtime } from "../../../src/model/runtime.ts";
import { SimdRuntime } from "../../../src/model/simd/runtime.ts";
import { gpuTest, withTinyGpu } from "../../helpers/gpu.ts";
import { madeUpParts } from "../../helpers/learned.ts";
import { boundedCache, run } from "../../helpers/stream.ts";
import { tinyGguf, writeTinyGguf } from "../../helpers/tiny_gguf.ts";

/** In f32, so that both runtimes compute the same but for the order of sums. */
const OPTIONS = { type: "F32", embeddingType: "F32" } as const;
const SIZE = { slots: 16, block: 16, sinks: 2, window: 4 };
const TEXT = Array.from({ length: 90 }, (_, i) => (i * 53 + 7) % 300);
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
async function stream(runtime: Runtime, method: Method) {
  const { cache, compact } = boundedCache(runtime, method, SIZE);
  const { slots } = cache;
  const tables: unknown[] = [];
  const masses: number[][] = [];
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
    }
    const block = TEXT.slice(at, at + SIZE.block);
    await run(runtime, cache, block, (row) => logits.push(row.slice()));
  }
  cache.dispose();
  return { tables, masses, logits };
}

/** Asserts that rows of numbers are the same but for the order of sums. */
function assertNear(
  actual: readonly ArrayLike<number>[],
  expected: readonly ArrayLike<number>[],
): void {
  assertEquals(actual.length, expected.length);
  expected.forEach((row, i) => {
    assertEquals(actual[i].length, row.length);
    Array.from(row).forEach((value, at) =>
      assertLess(Math.abs(actual[i][at] - value), 1e-4)
    );
  });
}

for (const [name, method] of FORMS) {
  gpuTest(`both runtimes make the same plans: ${name}`, async () => {
    const { path, folder } = await writeTinyGguf(OPTIONS);
    const simd = await SimdRuntime.load(await readGguf(path));
    await Deno.remove(folder, { recursive: true });
    const expected = await stream(simd, method);
    assertGreater(expected.tables.length, 4);
    await withTinyGpu(OPTIONS, async (runtime) => {
      const actual = await stream(runtime, method);
      assertEquals(actual.tables, expected.tables);
      // What stands behind a mixture follows from weights that the device computes.
      assertNear(actual.masses, expected.masses);
      assertNear(actual.logits, expected.logits);
    });
  });
}
