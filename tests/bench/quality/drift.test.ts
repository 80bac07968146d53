import { assertEquals } from "@std/assert";
import { repeated } from "../../../bench/quality/drift.ts";

Deno.test("repeated() is the share of runs of four that were there before", () => {
  assertEquals(repeated([1, 2, 3, 4, 5, 6]), 0);
  // Runs 1212, 2121, 1212, 2121, 1212: three of five are old.
  assertEquals(repeated([1, 2, 1, 2, 1, 2, 1, 2]), 1 - 2 / 5);
  assertEquals(repeated([1, 2, 3]), 0);
});
