import {
  assertEquals,
  assertGreater,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { createLayout } from "../../../src/cache/layout.ts";
import { type Method, withLearned } from "../../../src/cache/method.ts";
import { METHOD_NAMES, METHODS } from "../../../src/cache/methods.ts";
import { STORE_NAMES } from "../../../src/cache/store/stores.ts";
import { readGguf } from "../../../src/model/gguf.ts";
import type { Runtime } from "../../../src/model/runtime.ts";
import { SimdRuntime } from "../../../src/model/simd/runtime.ts";
import { madeUpParts } from "../../helpers/learned.ts";
import {
  type BoundedCache,
  boundedCache,
  logitsOf,
  run,
} from "../../helpers/stream.ts";
import { tinyGguf, writeTinyGguf } from "../../helpers/tiny_gguf.ts";

/** Heads of 32 values, so that every store can hold them. */
const MODEL = { headDim: 32 };
const SIZE = { slots: 16, block: 16, sinks: 2, window: 4 };
const TEXT = Array.from({ length: 200 }, (_, i) => (i * 53 + 7) % 300);

async function withRuntime(test: (runtime: Runtime) => Promise<void>) {
  const { path, folder } = await writeTinyGguf(MODEL);
  try {
    await test(await SimdRuntime.load(readGguf(path)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

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

/** All methods that evict, and those that learned parts change once more with them. */
const FORMS = METHOD_NAMES.flatMap((name): [string, Method][] => {
  const method: Method = METHODS[name];
  if (!method.score) return [];
  if (!method.learned) return [[name, method]];
  const learned = withLearned(method, madeUpParts(tinyGguf(MODEL).config), {});
  return [[name, method], [`${name} (learned)`, learned]];
});

for (
  const [name, method, store] of FORMS.flatMap(([name, method]) =>
    STORE_NAMES.map((store) => [name, method, store] as const)
  )
) {
  Deno.test(`a dialogue that fits is that of full, bit by bit: ${name} in ${store}`, async () => {
    await withRuntime(async (runtime) => {
      // Of twice as many slots, even the least that a budget gives hold all tokens.
      const size = { ...SIZE, slots: 120, store };
      const bounded = boundedCache(runtime, method, size);
      const rows = await live(runtime, bounded, 0, 60);
      const { layers, kvHeads, headDim } = runtime.config;
      const shape = { layers, kvHeads, headDim, slots: 60, block: 0, store };
      const full = runtime.createCache(createLayout(shape));
      const expected: Float32Array[] = [];
      for (let at = 0; at < 60; at += SIZE.block) {
        const block = TEXT.slice(at, Math.min(at + SIZE.block, 60));
        expected.push(...await logitsOf(runtime, full, block));
      }
      assertEquals(rows, expected);
    });
  });

  Deno.test(`importState() goes on in mid-block exactly where exportState() left off: ${name} in ${store}`, async () => {
    await withRuntime(async (runtime) => {
      const first = boundedCache(runtime, method, { ...SIZE, store });
      await live(runtime, first, 0, 103);
      const state = await runtime.exportState(first.cache);
      const second = boundedCache(runtime, method, { ...SIZE, store });
      await live(runtime, second, 50, 90);
      await runtime.importState(second.cache, state);
      assertEquals(await runtime.exportState(second.cache), state);
      // Several more compactions: what a score remembers must have come along.
      const rows = await live(runtime, first, 103, 200);
      assertEquals(await live(runtime, second, 103, 200), rows);
      assertEquals(
        second.cache.slots.usage(name),
        first.cache.slots.usage(name),
      );
    });
  });
}

Deno.test("exportState() uses the memory of a spent state again, whatever was in it", async () => {
  await withRuntime(async (runtime) => {
    const bounded = boundedCache(runtime, "dual", SIZE);
    await live(runtime, bounded, 0, 3);
    const spent = await runtime.exportState(bounded.cache);
    await live(runtime, bounded, 3, 150);
    const fresh = await runtime.exportState(bounded.cache);
    assertGreater(fresh.length, spent.length);
    const state = await runtime.exportState(bounded.cache, spent);
    assertStrictEquals(state.buffer, spent.buffer);
    assertEquals(state, fresh);
    const small = new Uint8Array(8);
    assertEquals(await runtime.exportState(bounded.cache, small), fresh);
  });
});

Deno.test("importState() takes bytes from anywhere in an array", async () => {
  await withRuntime(async (runtime) => {
    const { cache } = boundedCache(runtime, "dual", SIZE);
    await run(runtime, cache, TEXT.slice(0, 9));
    const state = await runtime.exportState(cache);
    const moved = new Uint8Array(state.length + 1).subarray(1);
    moved.set(state);
    await run(runtime, cache, TEXT.slice(9, 12));
    await runtime.importState(cache, moved);
    assertEquals(await runtime.exportState(cache), state);
  });
});

Deno.test("importState() refuses damage and other layouts, and the cache stays as it was", async () => {
  await withRuntime(async (runtime) => {
    const origin = boundedCache(runtime, "adakv", SIZE);
    await live(runtime, origin, 0, 100);
    const state = await runtime.exportState(origin.cache);
    const { cache } = boundedCache(runtime, "adakv", SIZE);
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
    const UNIT = 10;
    await refuse(new Uint8Array(0), "no saved state");
    await refuse(new Uint8Array(1000), "no saved state");
    await refuse(changed(1, 9), "version is 9");
    await refuse(changed(3, 8), "other slots or another model");
    await refuse(changed(UNIT, 17), "other slots or another model");
    await refuse(changed(9, -1), "damaged");
    await refuse(changed(9, 17), "damaged");
    await refuse(changed(UNIT + 1, -1), "damaged");
    await refuse(changed(UNIT + 1, 1000), "damaged");
    await refuse(changed(UNIT + 3, -5), "damaged");
    await refuse(changed(UNIT + 7, 1e9), "damaged");
    await refuse(state.slice(0, -4), "damaged");
    await refuse(state.slice(0, 60), "damaged");
    assertEquals(await runtime.exportState(cache), before);
    const other = boundedCache(runtime, "adakv", { ...SIZE, slots: 20 });
    await assertRejects(
      () => runtime.importState(other.cache, state),
      SyntaxError,
      "other slots or another model",
    );
  });
});
