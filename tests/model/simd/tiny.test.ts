import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { createLayout } from "../../../src/cache/layout.ts";
import type { Kernels } from "../../../src/kernels/kernels.ts";
import type { LinearMemory } from "../../../src/kernels/memory.ts";
import { ReferenceKernels } from "../../../src/kernels/reference.ts";
import { loadSimdKernels } from "../../../src/kernels/simd.ts";
import { readGguf } from "../../../src/model/gguf.ts";
import { SimdRuntime } from "../../../src/model/simd/runtime.ts";
import { Agreement, topLogprobs } from "../../helpers/kl.ts";
import { readTinySet } from "../../helpers/oracle.ts";
import { logitsOf, uniformCache } from "../../helpers/stream.ts";
import {
  type TinyGgufOptions,
  writeTinyGguf,
} from "../../helpers/tiny_gguf.ts";

type CreateKernels = (memory: LinearMemory) => Promise<Kernels>;

const REFERENCE: CreateKernels = (memory) =>
  Promise.resolve(new ReferenceKernels(memory));
const PLAIN: CreateKernels = (memory) => loadSimdKernels(memory, "plain");

/** Runs `test` on a runtime of a tiny model. */
async function withTiny(
  options: TinyGgufOptions,
  test: (runtime: SimdRuntime) => Promise<void>,
  kernels?: CreateKernels,
): Promise<void> {
  const { path, folder } = await writeTinyGguf(options);
  try {
    await test(await SimdRuntime.load(readGguf(path), { kernels }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const TOKENS = Array.from({ length: 40 }, (_, i) => (i * 37 + 11) % 300);

for (const record of await readTinySet()) {
  const { name, options, tokens } = record;

  Deno.test(`SimdRuntime with reference kernels computes what transformers does: ${name}`, async () => {
    await withTiny(options, async (runtime) => {
      const rows = await logitsOf(
        runtime,
        uniformCache(runtime, 64, 0),
        tokens,
      );
      // Sums in another order, in f32, over logits of the order of 1.
      let worst = 0;
      rows.forEach((row, i) =>
        row.forEach((value, id) => {
          const off = Math.abs(value - record.logits[i * row.length + id]);
          worst = Math.max(worst, off);
        })
      );
      assertLess(worst, 1e-4);
    }, REFERENCE);
  });

  for (
    const [variant, kernels] of [["fastest", undefined], [
      "plain",
      PLAIN,
    ]] as const
  ) {
    Deno.test(`SimdRuntime with ${variant} kernels stays within 8-bit activations of transformers: ${name}`, async () => {
      await withTiny(options, async (runtime) => {
        const { vocab } = runtime.config;
        const rows = await logitsOf(
          runtime,
          uniformCache(runtime, 64, 0),
          tokens,
        );
        const agreement = new Agreement();
        const expected = topLogprobs(record.logits, vocab, vocab);
        rows.forEach((row, i) => agreement.add(expected, i, row));
        assertEquals(agreement.positions, tokens.length);
        assertLess(agreement.meanKl, 1e-3);
      }, kernels);
    });
  }
}

Deno.test("SimdRuntime.forward() gives the same logits however a text is cut into steps", async () => {
  await withTiny({}, async (runtime) => {
    const whole = await logitsOf(runtime, uniformCache(runtime, 64, 0), TOKENS);
    for (const chunk of [1, 3, 7]) {
      const cache = uniformCache(runtime, 64, 0);
      const rows = await logitsOf(runtime, cache, TOKENS, chunk);
      rows.forEach((row, i) =>
        row.forEach((value, id) =>
          assertLess(Math.abs(value - whole[i][id]), 1e-4)
        )
      );
    }
  });
});

Deno.test("SimdRuntime.forward() runs several dialogues as if each were alone", async () => {
  await withTiny({}, async (runtime) => {
    const texts = [
      TOKENS.slice(0, 9),
      TOKENS.slice(9, 10),
      TOKENS.slice(10, 31),
    ];
    const batch = texts.map((tokens) => ({
      cache: uniformCache(runtime, 64, 0),
      tokens,
      logits: "all" as const,
    }));
    const together: Float32Array[][] = [[], [], []];
    await runtime.forward(batch, (row, token, sequence) => {
      assertEquals(token, together[sequence].length);
      together[sequence].push(row.slice());
    });
    for (const [i, tokens] of texts.entries()) {
      const cache = uniformCache(runtime, 64, 0);
      const alone = await logitsOf(runtime, cache, tokens);
      alone.forEach((row, t) =>
        row.forEach((value, id) =>
          assertLess(Math.abs(value - together[i][t][id]), 1e-4)
        )
      );
    }
  });
});

Deno.test("SimdRuntime.forward() gives only the logits that are wanted", async () => {
  await withTiny({}, async (runtime) => {
    const whole = await logitsOf(
      runtime,
      uniformCache(runtime, 64, 0),
      TOKENS.slice(0, 5),
    );
    const seen: [number, number][] = [];
    await runtime.forward([
      {
        cache: uniformCache(runtime, 64, 0),
        tokens: TOKENS.slice(0, 5),
        logits: "none",
      },
      {
        cache: uniformCache(runtime, 64, 0),
        tokens: TOKENS.slice(0, 5),
        logits: "last",
      },
    ], (row, token, sequence) => {
      seen.push([sequence, token]);
      row.forEach((value, id) =>
        assertLess(Math.abs(value - whole[4][id]), 1e-4)
      );
    });
    assertEquals(seen, [[1, 4]]);
  });
});

Deno.test("SimdRuntime.forward() refuses what it cannot run, and no cache changes", async () => {
  await withTiny({}, async (runtime) => {
    const cache = uniformCache(runtime, 12, 0);
    const forward = (tokens: number[], times = 1) =>
      runtime.forward(
        Array.from(
          { length: times },
          () => ({ cache, tokens, logits: "last" as const }),
        ),
        () => assert(false, "no logits are expected"),
      );
    await assertRejects(
      () => forward([1, 2, 320]),
      RangeError,
      "Cannot run token 320",
    );
    await assertRejects(() => forward([-1]), RangeError, "Cannot run token -1");
    await assertRejects(
      () => forward(Array(13).fill(1)),
      RangeError,
      "room for 12",
    );
    await assertRejects(() => forward([1], 2), RangeError, "twice in one step");
    const large = uniformCache(runtime, 100, 0);
    await assertRejects(
      () =>
        runtime.forward([{
          cache: large,
          tokens: Array(65).fill(1),
          logits: "none",
        }], () => {}),
      RangeError,
      "at most 64",
    );
    assertEquals(cache.slots.seen, 0);
  });
});

Deno.test("SimdRuntime.createCache() uses the memory of dialogues that ended", async () => {
  await withTiny({}, (runtime) => {
    uniformCache(runtime, 64, 64).dispose();
    const before = runtime.memoryBytes;
    for (let i = 0; i < 100; i++) uniformCache(runtime, 64, 64).dispose();
    assertEquals(runtime.memoryBytes, before);
    return Promise.resolve();
  });
});

Deno.test("SimdRuntime.load() refuses sizes that the kernels cannot read", async () => {
  const { path, folder } = await writeTinyGguf({
    type: "F32",
    embeddingType: "F32",
    hidden: 12,
    heads: 2,
    kvHeads: 1,
    headDim: 6,
    ffn: 24,
  });
  try {
    await assertRejects(
      () => SimdRuntime.load(readGguf(path)),
      Error,
      "headDim is 6, expected a multiple of 4",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("SimdRuntime.check() refuses 8-bit slots of heads that are no multiple of 16", async () => {
  await withTiny({ headDim: 8, hidden: 32 }, (runtime) => {
    const layout = createLayout({
      layers: 2,
      kvHeads: 2,
      headDim: 8,
      slots: 9,
      block: 4,
      store: "int8",
    });
    assertThrows(
      () => runtime.check(layout, {}),
      RangeError,
      "Cannot hold slots in int8: headDim is 8, expected a multiple of 16",
    );
    runtime.check({ ...layout, store: "f32" }, {
      queries: "block",
      keys: true,
    });
    return Promise.resolve();
  });
});
