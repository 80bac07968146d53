import { assertEquals } from "@std/assert";
import { highestOf, testTop } from "../../../src/kernels/webgpu/top_check.ts";
import { gpuTest, withDevice } from "../../helpers/gpu.ts";
import { normal } from "../../helpers/random.ts";

/** Whether `actual` holds the `top` highest logits, and of the others some or none. */
function assertHighest(
  actual: Float32Array | null,
  logits: Float32Array,
  top: number,
): void {
  const floor = logits.toSorted().at(-top)!;
  actual!.forEach((value, id) => {
    if (value !== logits[id]) {
      assertEquals([value, logits[id] < floor], [0, true]);
    }
  });
}

for (const vocab of [1, 63, 64, 257, 320, 49_152]) {
  gpuTest(`top picks out the highest logits: of ${vocab}`, async () => {
    await withDevice(async (device) => {
      const logits = normal(3, vocab).map((x) => x * 9 - 4);
      for (const top of [1, 40].filter((top) => top <= vocab)) {
        assertHighest(await highestOf(device, logits, top), logits, top);
      }
    });
  });
}

gpuTest(
  "top picks out highest logits that lie side by side, or are equal",
  async () => {
    await withDevice(async (device) => {
      const rising = Float32Array.from({ length: 1000 }, (_, id) => id / 8);
      assertHighest(await highestOf(device, rising, 40), rising, 40);
      const equal = Float32Array.from(
        { length: 1000 },
        (_, id) => id % 100 === 7 ? 5 : -id,
      );
      assertHighest(await highestOf(device, equal, 5), equal, 5);
      const lowest = normal(3, 1000).map((x) => x - 1e6);
      assertHighest(await highestOf(device, lowest, 2), lowest, 2);
    });
  },
);

gpuTest(
  "top does not say what it cannot know: a tie past its end, too many, or a logit that is no finite number",
  async () => {
    await withDevice(async (device) => {
      const logits = normal(4, 1000);
      assertEquals(await highestOf(device, logits, 200), null);
      const flat = new Float32Array(1000).fill(2.5);
      assertEquals(await highestOf(device, flat, 1), null);
      const steps = logits.map((_, id) => id < 3 ? 9 : id < 103 ? 8 : -id);
      assertEquals(await highestOf(device, steps, 4), null);
      assertHighest(await highestOf(device, steps, 3), steps, 3);
      for (const odd of [NaN, Infinity, -Infinity]) {
        const broken = logits.slice();
        broken[777] = odd;
        assertEquals(await highestOf(device, broken, 1), null);
      }
    });
  },
);

gpuTest("testTop() passes on this adapter", async () => {
  await withDevice(testTop);
});
