import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { createLayout } from "../../../src/cache/layout.ts";
import { readTinySet } from "../../helpers/oracle.ts";
import { gpuTest, withTinyGpu } from "../../helpers/gpu.ts";
import { logitsOf, uniformCache } from "../../helpers/stream.ts";

const TOKENS = Array.from({ length: 40 }, (_, i) => (i * 37 + 11) % 300);

/** The largest difference between rows of logits. */
function worst(rows: Float32Array[], expected: ArrayLike<number>[]): number {
  assertEquals(rows.length, expected.length);
  let most = 0;
  rows.forEach((row, i) => {
    assertEquals(row.length, expected[i].length);
    row.forEach((value, id) => {
      const off = Math.abs(value - expected[i][id]);
      most = Math.max(most, Number.isNaN(off) ? Infinity : off);
    });
  });
  return most;
}

for (const { name, options, tokens, logits } of await readTinySet()) {
  gpuTest(
    `WebGpuRuntime computes what transformers does: ${name}`,
    async () => {
      await withTinyGpu(options, async (runtime) => {
        const { vocab } = runtime.config;
        const expected = tokens.map((_, i) =>
          logits.subarray(i * vocab, (i + 1) * vocab)
        );
        // In one padded step, in steps that are padded less, and token by token.
        for (const chunk of [64, 7, 1]) {
          const cache = uniformCache(runtime, 64, 0);
          const rows = await logitsOf(runtime, cache, tokens, chunk);
          // Sums in another order, in f32, over logits of the order of 1.
          assertLess(worst(rows, expected), 1e-4);
          cache.dispose();
        }
      });
    },
  );
}

gpuTest(
  "WebGpuRuntime.forward() runs several dialogues as if each were alone, and gives only the logits that are wanted",
  async () => {
    await withTinyGpu({}, async (runtime) => {
      const texts = [
        TOKENS.slice(0, 9),
        TOKENS.slice(9, 10),
        TOKENS.slice(10, 31),
      ];
      const wanted = ["all", "none", "last"] as const;
      const batch = texts.map((tokens, i) => ({
        cache: uniformCache(runtime, 64, 0),
        tokens,
        logits: wanted[i],
      }));
      const seen: [number, number][] = [];
      const rows: Float32Array[] = [];
      await runtime.forward(batch, (row, token, sequence) => {
        seen.push([sequence, token]);
        rows.push(row.slice());
      });
      assertEquals(seen, [...texts[0].map((_, t) => [0, t]), [2, 20]]);
      const alone = async (text: number) =>
        await logitsOf(runtime, uniformCache(runtime, 64, 0), texts[text]);
      const last = (await alone(2)).slice(-1);
      assertLess(worst(rows, [...await alone(0), ...last]), 1e-5);
    });
  },
);

gpuTest(
  "WebGpuRuntime.forward() refuses what it cannot run, and no cache changes",
  async () => {
    await withTinyGpu({}, async (runtime) => {
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
        () => forward([1, 320]),
        RangeError,
        "Cannot run token 320",
      );
      await assertRejects(
        () => forward(Array(13).fill(1)),
        RangeError,
        "room for 12",
      );
      await assertRejects(
        () => forward([1], 2),
        RangeError,
        "twice in one step",
      );
      assertEquals(cache.slots.seen, 0);
    });
  },
);

gpuTest(
  "WebGpuRuntime.check() refuses stores that cannot hold the model's heads, and more slots than a buffer holds",
  async () => {
    await withTinyGpu({}, (runtime) => {
      const shape = { layers: 2, kvHeads: 2, headDim: 16, block: 4 };
      const layout = createLayout({ ...shape, slots: 9 });
      runtime.check(layout, {
        queries: "block",
        keys: true,
        corrections: true,
      });
      assertThrows(
        () => runtime.check({ ...layout, store: "int4" }, {}),
        RangeError,
        "Cannot hold slots in int4: headDim is 16, expected a multiple of 32",
      );
      const large = createLayout({ ...shape, slots: 40_000_000 });
      assertThrows(
        () => runtime.check(large, {}),
        RangeError,
        "a buffer at most",
      );
      assertThrows(
        () => runtime.createCache(large),
        RangeError,
        "a buffer at most",
      );
      return Promise.resolve();
    });
  },
);
