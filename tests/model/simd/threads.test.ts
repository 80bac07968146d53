import { assertEquals } from "@std/assert";
import type { StoreName } from "../../../src/cache/store/stores.ts";
import { readGguf } from "../../../src/model/gguf.ts";
import { SimdRuntime } from "../../../src/model/simd/runtime.ts";
import { boundedCache, run } from "../../helpers/stream.ts";
import { writeTinyGguf } from "../../helpers/tiny_gguf.ts";

/** Logits, as bits, of a dialogue that is read, compacted and gone on with. */
async function dialogue(
  path: string,
  threads: number,
  store: StoreName,
): Promise<Uint32Array[]> {
  const runtime = await SimdRuntime.load(await readGguf(path), { threads });
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

for (const store of ["f32", "int8"] as const) {
  Deno.test(`SimdRuntime gives the same logits with two threads as with one: ${store} slots`, async () => {
    const { path, folder } = await writeTinyGguf({ headDim: 16 });
    try {
      const one = await dialogue(path, 1, store);
      assertEquals(one.length, 64);
      assertEquals(await dialogue(path, 2, store), one);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
