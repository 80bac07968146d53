import { assertAlmostEquals, assertEquals, assertGreater } from "@std/assert";
import type { Corrections } from "../../../src/cache/corrections.ts";
import { METHODS } from "../../../src/cache/methods.ts";
import { STORE_NAMES } from "../../../src/cache/store/stores.ts";
import { ReferenceKernels } from "../../../src/kernels/reference.ts";
import { readGguf } from "../../../src/model/gguf.ts";
import type { Runtime } from "../../../src/model/runtime.ts";
import {
  type SimdOptions,
  SimdRuntime,
} from "../../../src/model/simd/runtime.ts";
import { madeUpCorrections } from "../../helpers/learned.ts";
import { boundedCache, logitsOf } from "../../helpers/stream.ts";
import { tinyGguf, writeTinyGguf } from "../../helpers/tiny_gguf.ts";

const { config } = tinyGguf({ headDim: 32 });
const SIZE = { slots: 16, block: 16, sinks: 2, window: 4 };
const TEXT = Array.from({ length: 120 }, (_, i) => (i * 53 + 7) % 300);

async function withRuntime(
  test: (runtime: Runtime) => Promise<void>,
  options: SimdOptions = {},
) {
  // Weights of 32 bits: nothing is rounded to bytes on the way.
  const type = "F32";
  const { path, folder } = await writeTinyGguf({
    headDim: 32,
    type,
    embeddingType: type,
  });
  try {
    await test(await SimdRuntime.load(readGguf(path), options));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Logits of the whole text, fed `chunk` tokens at a time. */
async function read(
  runtime: Runtime,
  corrections: Corrections | null,
  size: Parameters<typeof boundedCache>[2] = SIZE,
  chunk = SIZE.block,
): Promise<Float32Array[]> {
  const method = { ...METHODS.loopserve, corrections };
  const dialogue = boundedCache(runtime, method, size);
  const { cache } = dialogue;
  const rows: Float32Array[] = [];
  for (let at = 0; at < TEXT.length;) {
    if (cache.slots.room === 0) await dialogue.compact();
    const most = Math.min(cache.slots.room, chunk);
    const part = TEXT.slice(at, at + most);
    rows.push(...await logitsOf(runtime, cache, part));
    at += part.length;
  }
  cache.dispose();
  return rows;
}

/** The largest difference of two readings. */
function distance(a: Float32Array[], b: Float32Array[]): number {
  return Math.max(
    ...a.map((row, i) => Math.max(...row.map((x, j) => Math.abs(x - b[i][j])))),
  );
}

for (const store of STORE_NAMES) {
  Deno.test(`corrections change nothing while nothing is evicted, bit by bit: ${store}`, async () => {
    await withRuntime(async (runtime) => {
      const size = { ...SIZE, slots: TEXT.length, store };
      const corrected = await read(runtime, madeUpCorrections(config), size);
      assertEquals(corrected, await read(runtime, null, size));
    });
  });

  Deno.test(`corrections of zero change nothing that a rounding would not: ${store}`, async () => {
    await withRuntime(async (runtime) => {
      const size = { ...SIZE, store };
      const corrected = await read(runtime, madeUpCorrections(config, 0), size);
      assertEquals(corrected, await read(runtime, null, size));
    });
  });

  Deno.test(`corrections are the same token by token as in whole blocks: ${store}`, async () => {
    await withRuntime(async (runtime) => {
      const size = { ...SIZE, store };
      const corrections = madeUpCorrections(config);
      const whole = await read(runtime, corrections, size);
      for (const chunk of [1, 5]) {
        const parts = await read(runtime, corrections, size, chunk);
        assertAlmostEquals(distance(parts, whole), 0, 1e-4);
      }
    });
  });
}

Deno.test("every kind of correction changes what follows the first eviction, and nothing before", async () => {
  await withRuntime(async (runtime) => {
    const plain = await read(runtime, null);
    const all = madeUpCorrections(config);
    const none = madeUpCorrections(config, 0);
    for (const kind of Object.keys(all) as (keyof Corrections)[]) {
      const rows = await read(runtime, { ...none, [kind]: all[kind] });
      // 16 slots and a block: the first 32 tokens are all there.
      assertEquals(rows.slice(0, 32), plain.slice(0, 32));
      assertGreater(distance(rows.slice(32), plain.slice(32)), 1e-3, kind);
    }
  });
});

Deno.test("corrected attention in SIMD agrees with the reference kernels", async () => {
  const readings: Float32Array[][] = [];
  for (const reference of [false, true]) {
    await withRuntime(async (runtime) => {
      readings.push(await read(runtime, madeUpCorrections(config)));
    }, {
      ...reference && {
        kernels: (memory) => Promise.resolve(new ReferenceKernels(memory)),
      },
    });
  }
  assertAlmostEquals(distance(readings[0], readings[1]), 0, 1e-4);
});
