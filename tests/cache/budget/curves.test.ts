import { assertEquals, assertGreaterOrEqual, assertThrows } from "@std/assert";
import { curveBudget } from "../../../src/cache/budget/curves.ts";
import { tinyGguf } from "../../helpers/tiny_gguf.ts";
import { uniform } from "../../helpers/random.ts";

const { config } = tinyGguf({ layers: 1, kvHeads: 2 });
const SIZES = [16, 64, 256];

Deno.test("curveBudget() gives slots, 16 at a time, to the head whose error falls most, by hand", () => {
  // Straight lines between logarithms: 1024 / size, and 4096 / size² from 64 on.
  const { divide } = curveBudget({
    sizes: SIZES,
    errors: [[64, 16, 4], [1, 1, 1 / 16]],
  });
  // Both start at 8 + 12 = 20. One head falls by 51 - 28 at the first step, the other by nothing.
  assertEquals([...divide(config, 28, 8)], [36, 20]);
  // All of 60 further slots, up to 2.5 times the mean, and what is left to the other.
  assertEquals([...divide(config, 50, 8)], [80, 20]);
});

Deno.test("curveBudget() looks ahead over steps that save nothing", () => {
  // Nothing until 64, then down to a hundredth; the other falls by little, and evenly.
  const { divide } = curveBudget({
    sizes: [16, 60, 64, 256],
    errors: [[1, 1, 0.01, 0.01], [0.2, 0.1, 0.095, 0.05]],
  });
  const [first, second] = divide(config, 48, 8);
  assertGreaterOrEqual(first, 64);
  assertEquals(first + second, 96);
});

Deno.test("curveBudget() gives whole slots whose sum is the mean's, for any mean", () => {
  const { config } = tinyGguf({ layers: 5, kvHeads: 3, heads: 3, headDim: 32 });
  const random = uniform(5);
  const errors = Array.from({ length: 15 }, () => {
    const start = random() + 0.5;
    return [1, 0.5, 0.3].map((factor) => start * factor ** (1 + random() / 9));
  });
  const { divide } = curveBudget({ sizes: [32, 128, 512], errors });
  for (const mean of [36, 40, 48, 49, 77, 128, 201, 512, 700, 3000]) {
    const slots = divide(config, mean, 36);
    assertEquals(slots.reduce((a, b) => a + b, 0), mean * 15);
    const most = Math.max(mean, Math.min(Math.floor(2.5 * mean), 512));
    for (const count of slots) {
      assertGreaterOrEqual(count, Math.min(mean, 48));
      assertGreaterOrEqual(most, count);
    }
  }
});

Deno.test("curveBudget() refuses means below what is protected, and curves of another model", () => {
  const { divide } = curveBudget({ sizes: SIZES, errors: [[3, 2, 1]] });
  assertThrows(
    () => divide(config, 35, 36),
    RangeError,
    "Cannot share out 35 slots: every head needs 36",
  );
  assertThrows(
    () => divide(config, 64, 36),
    RangeError,
    "Cannot share out slots by 1 curves: the model has 2 heads",
  );
});
