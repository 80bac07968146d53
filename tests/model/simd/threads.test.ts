import { assertEquals, assertGreater } from "@std/assert";
import { createLayout } from "../../../src/cache/layout.ts";
import {
  STORE_NAMES,
  type StoreName,
} from "../../../src/cache/store/stores.ts";
import { readGguf } from "../../../src/model/gguf.ts";
import { SimdRuntime } from "../../../src/model/simd/runtime.ts";
import type { SimdKvCache } from "../../../src/model/simd/kv_cache.ts";
import { ROPE_ROWS } from "../../../src/model/simd/rope_table.ts";
import { boundedCache, logitsOf, run } from "../../helpers/stream.ts";
import { writeTinyGguf } from "../../helpers/tiny_gguf.ts";

/** Logits, as bits, of a dialogue that is read, compacted and gone on with. */
async function dialogue(
  path: string,
  threads: number,
  store: StoreName,
): Promise<Uint32Array[]> {
  const runtime = await SimdRuntime.load(readGguf(path), { threads });
  const size = { slots: 24, block: 16, sinks: 2, window: 4, store };
  const { cache, compact } = boundedCache(runtime, "dual", size);
  const rows: Uint32Array[] = [];
  const keep = (logits: Float32Array) =>
    void rows.push(new Uint32Array(logits.slice().buffer));
  for (let token = 0; token < 64; token += 16) {
    const chunk = Array.from({ length: 15 }, (_, i) => (token + i) * 37 % 300);
    await run(runtime, cache, chunk, keep);
    await run(runtime, cache, [token], keep);
    await compact();
  }
  cache.dispose();
  runtime.dispose();
  return rows;
}

/** What `read` gives with one thread and with two. */
async function both<T>(
  read: (path: string, threads: number) => Promise<T>,
): Promise<[T, T]> {
  const { path, folder } = await writeTinyGguf({ headDim: 32 });
  try {
    return [await read(path, 1), await read(path, 2)];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const store of STORE_NAMES) {
  Deno.test(`SimdRuntime gives the same logits with two threads as with one: ${store} slots`, async () => {
    const [one, two] = await both((path, threads) =>
      dialogue(path, threads, store)
    );
    assertEquals(one.length, 64);
    assertEquals(two, one);
  });

  Deno.test(`SimdRuntime gives the same logits with two threads as with one where units are at positions that share a row of the rotary table: ${store} slots`, async () => {
    const [one, two] = await both(async (path, threads) => {
      const runtime = await SimdRuntime.load(readGguf(path), { threads });
      const { layers, kvHeads, headDim } = runtime.config;
      const shape = { layers, kvHeads, headDim, slots: 64, block: 0 };
      const cache = runtime.createCache(createLayout({ ...shape, store }));
      const { next } = (cache as SimdKvCache).slots;
      next.forEach((_, unit) => next[unit] = (unit + 1) * ROPE_ROWS - 5);
      const rows = [
        ...await logitsOf(runtime, cache, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ...await logitsOf(runtime, cache, [11]),
      ];
      runtime.dispose();
      return rows;
    });
    assertEquals(one.length, 11);
    assertEquals(two, one);
  });
}

for (const observed of [0, 64]) {
  Deno.test(`SimdRuntime gives the same logits with two threads as with one where prefill leaves out lines and observes ${observed} queries`, async () => {
    const [one, two] = await both(async (path, threads) => {
      const runtime = await SimdRuntime.load(readGguf(path), { threads });
      const { layers, kvHeads, headDim } = runtime.config;
      const shape = { layers, kvHeads, headDim, slots: 1152, block: 64 };
      const cache = runtime.createCache(
        createLayout({ ...shape, store: "int8", coverage: 0.9, observed }),
      );
      const text = Array.from({ length: 1152 }, (_, i) => i * i * 53 % 300);
      const rows: Float32Array[] = [];
      for (let at = 0; at < text.length; at += 64) {
        (cache as SimdKvCache).slots.pending = 0;
        rows.push(
          ...await logitsOf(runtime, cache, text.slice(at, at + 64)),
        );
      }
      const { chunks } = runtime.prefillLines;
      const observation = await runtime.observe(cache, {});
      const sums = observed ? [...observation.attention(0)] : [];
      runtime.dispose();
      return { chunks, sums, rows: rows.slice(1024) };
    });
    assertGreater(one.chunks, 0);
    assertEquals(two, one);
  });
}
