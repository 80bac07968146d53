import { assertEquals } from "@std/assert";
import { findDeparture } from "../../../bench/agree/departure.ts";

/** Logits of three tokens at each step. */
function steps(...rows: number[][]): Float32Array[] {
  return rows.map((row) => Float32Array.from(row));
}

Deno.test("findDeparture() tells the first step with another token, and how far each runtime's is ahead there", () => {
  const a = steps([0, 2, 1], [4, 3, 3.5], [9, 0, 0]);
  const b = steps([1, 9, 8], [3, 0, 3.25], [0, 9, 0]);
  assertEquals(findDeparture(a, b), { step: 1, leads: [0.5, 0.25] });
});

Deno.test("findDeparture() gives null where both take the same tokens", () => {
  const a = steps([0, 2, 1], [4, 3, 3]);
  assertEquals(findDeparture(a, steps([0, 3, 1], [4, 0, 0])), null);
});

Deno.test("findDeparture() of equal logits is by the lowest token, as greedy decoding is", () => {
  assertEquals(findDeparture(steps([1, 1, 0]), steps([2, 2, 2])), null);
});
