import { assertEquals, assertThrows } from "@std/assert";
import { likeliest } from "../../src/sampling/likeliest.ts";

Deno.test("likeliest() gives the highest logit", () => {
  assertEquals(likeliest(Float32Array.of(-3, -1, -2)), 1);
});

Deno.test("likeliest() gives the lowest id of equal logits", () => {
  assertEquals(likeliest(Float32Array.of(0, 2, 2, 1, 2)), 1);
});

Deno.test("likeliest() refuses what is not a finite number", () => {
  for (const [value, name] of [[NaN, "NaN"], [Infinity, "Infinity"]] as const) {
    assertThrows(
      () => likeliest(Float32Array.of(0, 5, value)),
      Error,
      `Cannot sample: the logit of token 2 is ${name}`,
    );
  }
  assertThrows(
    () => likeliest(Float32Array.of(-Infinity, 0)),
    Error,
    "Cannot sample: the logit of token 0 is -Infinity",
  );
});
