import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
} from "@std/assert";
import { createLayout } from "../../../src/cache/layout.ts";
import {
  STORE_NAMES,
  type StoreName,
} from "../../../src/cache/store/stores.ts";
import { readGguf } from "../../../src/model/gguf.ts";
import { SimdRuntime } from "../../../src/model/simd/runtime.ts";
import { logitsOf } from "../../helpers/stream.ts";
import { writeTinyGguf } from "../../helpers/tiny_gguf.ts";

/** Long enough for lines to be left out in the chunks behind 1,024 tokens. */
const TEXT = Array.from({ length: 1280 }, (_, i) => (i * i * 53 + 7) % 300);

/** What is held in few bits, as activations are while they are multiplied, the smallest difference may round to its neighbour. */
const TOLERANCE = 0.05;

async function withRuntime(test: (runtime: SimdRuntime) => Promise<void>) {
  const { path, folder } = await writeTinyGguf({ headDim: 32 });
  try {
    await test(await SimdRuntime.load(readGguf(path)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Logits of the last chunks, and the attention that each slot of the first head got from the last block. */
async function read(
  runtime: SimdRuntime,
  store: StoreName,
  coverage: number,
  { biased = false, observed = 64 } = {},
) {
  const { layers, kvHeads, headDim } = runtime.config;
  const cache = runtime.createCache(createLayout({
    layers,
    kvHeads,
    headDim,
    slots: TEXT.length,
    block: 64,
    store,
    coverage,
    biased,
    observed,
  }));
  const rows: Float32Array[] = [];
  for (let at = 0; at < TEXT.length; at += 64) {
    // Attention is summed up over a block; the table does not hinder more tokens than one.
    cache.slots.pending = 0;
    const chunk = TEXT.slice(at, at + 64);
    const part = await logitsOf(runtime, cache, chunk);
    if (at >= 1024) rows.push(...part);
  }
  const observation = await runtime.observe(cache, {});
  const attention = observed ? observation.attention(0).slice() : null;
  cache.dispose();
  return { rows, attention };
}

function distance(a: Float32Array[], b: Float32Array[]): number {
  return Math.max(
    ...a.map((row, i) => Math.max(...row.map((x, j) => Math.abs(x - b[i][j])))),
  );
}

/**
 * In most chunks half of a sample foresees what the other half looks at up to a thousandth, in none up to next to nothing;
 * what is left out shows in logits and, relatively, in sums of attention.
 */
const NEARLY_ALL = [
  { wanted: 0.999, whole: [0, 0.2], logits: 0.2, sums: 0.05 },
  { wanted: 1 - 1e-7, whole: [1, 1], logits: TOLERANCE, sums: 0.01 },
];

for (const store of STORE_NAMES) {
  for (const biased of [false, true]) {
    for (const { wanted, whole, logits, sums } of NEARLY_ALL) {
      Deno.test(`lines that cover ${wanted} of attention give that of all slots: ${store}, bias ${biased}`, async () => {
        await withRuntime(async (runtime) => {
          const all = await read(runtime, store, 1, { biased });
          assertEquals(runtime.prefillLines.chunks, 0);
          const lines = await read(runtime, store, wanted, { biased });
          const report = runtime.prefillLines;
          const { layers, kvHeads } = runtime.config;
          assertEquals(report.chunks, 4 * layers * kvHeads);
          const [least, most] = whole;
          assert(report.whole >= least && report.whole <= most);
          assertGreaterOrEqual(report.coverage, wanted - 1e-6);
          assertLess(distance(all.rows, lines.rows), logits);
          // Sums of 20 chunks of 64 queries of two heads, of which all see all.
          all.attention!.forEach((sum, i) =>
            assertAlmostEquals(lines.attention![i], sum, sums * (1 + sum))
          );
        });
      });
    }
  }
}

Deno.test("lines cover the share that was asked for, with fewer cells the less it is", async () => {
  let cells = 1;
  for (const coverage of [0.99, 0.9, 0.5]) {
    await withRuntime(async (runtime) => {
      await read(runtime, "int8", coverage);
      const report = runtime.prefillLines;
      assertGreaterOrEqual(report.coverage, coverage);
      assertLess(report.cells, cells);
      cells = report.cells;
    });
  }
  assertGreater(cells, 0);
});

Deno.test("attention sums over lines are complete: every query's attention is one", async () => {
  await withRuntime(async (runtime) => {
    const all = await read(runtime, "f32", 1);
    const lines = await read(runtime, "f32", 0.9);
    const sum = (a: Float32Array) => a.reduce((x, y) => x + y, 0);
    const total = sum(all.attention!);
    assertAlmostEquals(sum(lines.attention!) / total, 1, 1e-4);
  });
});

Deno.test("lines are off where some queries of a chunk are observed and others not", async () => {
  await withRuntime(async (runtime) => {
    const all = await read(runtime, "int8", 1, { observed: 3 });
    const lines = await read(runtime, "int8", 0.5, { observed: 3 });
    assertEquals(lines, all);
    assertEquals(runtime.prefillLines.chunks, 0);
  });
});
