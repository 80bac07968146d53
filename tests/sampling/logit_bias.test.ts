import { assertEquals, assertThrows } from "@std/assert";
import {
  addLogitBias,
  createLogitBias,
} from "../../src/sampling/logit_bias.ts";

Deno.test("addLogitBias() adds to the named tokens only", () => {
  const logits = Float32Array.of(1, 2, 3);
  addLogitBias(logits, createLogitBias(new Map([[2, -100], [0, 0.5]]), 3));
  assertEquals([...logits], [1.5, 2, -97]);
});

Deno.test("createLogitBias() refuses a token outside the vocabulary", () => {
  for (const id of [3, -1, 0.5]) {
    assertThrows(
      () => createLogitBias(new Map([[id, 1]]), 3),
      RangeError,
      `Cannot bias token ${id}: the vocabulary has 3 tokens`,
    );
  }
});
