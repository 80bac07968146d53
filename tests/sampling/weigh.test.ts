import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { createCandidates } from "../../src/sampling/candidates.ts";
import { weigh } from "../../src/sampling/weigh.ts";
import { idsOf } from "./stages.ts";

Deno.test("weigh() gives weights against the likeliest, under the temperature", () => {
  const candidates = createCandidates(3);
  weigh(candidates, Float32Array.of(1, 3, 2), 2);
  assertEquals(idsOf(candidates), [0, 1, 2]);
  assertAlmostEquals(candidates.weights[0], Math.exp(-1), 1e-7);
  assertEquals(candidates.weights[1], 1);
  assertAlmostEquals(candidates.weights[2], Math.exp(-0.5), 1e-7);
});

Deno.test("weigh() takes a temperature next to 0", () => {
  const candidates = createCandidates(3);
  weigh(candidates, Float32Array.of(1, 3, 2), Number.MIN_VALUE);
  assertEquals([...candidates.weights], [0, 1, 0]);
});

Deno.test("weigh() refuses what is not a finite number", () => {
  assertThrows(
    () => weigh(createCandidates(2), Float32Array.of(1, NaN), 1),
    Error,
    "Cannot sample: the logit of token 1 is NaN",
  );
});
