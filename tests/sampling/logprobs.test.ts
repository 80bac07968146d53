import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { logprobs } from "../../src/sampling/logprobs.ts";
import { createRandom } from "../../src/sampling/random.ts";
import { readOracle } from "./oracle.ts";

Deno.test("logprobs() equals torch's log_softmax", () => {
  for (const { logits, logprobs: expected } of readOracle().cases) {
    const given = Float32Array.from(logits);
    for (let id = 0; id < logits.length; id++) {
      assertAlmostEquals(logprobs(given, id, 0).logprob, expected[id], 1e-8);
    }
  }
});

Deno.test("logprobs() gives the likeliest tokens first, without changing the logits", () => {
  const logits = Float32Array.of(0, 2, 1, 2, -1);
  const { top } = logprobs(logits, 0, 4);
  assertEquals(top.map(({ id }) => id), [1, 3, 2, 0]);
  for (const { id, logprob } of top) {
    assertEquals(logprob, logprobs(logits, id, 0).logprob);
  }
  assertEquals([...logits], [0, 2, 1, 2, -1]);
});

Deno.test("logprobs() gives as many alternatives as there are", () => {
  assertEquals(logprobs(Float32Array.of(1, 2), 0, 5).top.length, 2);
  assertEquals(logprobs(Float32Array.of(1, 2), 0, 0).top, []);
});

Deno.test("logprobs() agrees with sorting", () => {
  const random = createRandom(5, 0);
  const logits = Float32Array.from(
    { length: 3000 },
    () => Math.floor(random() * 500) / 16,
  );
  const sorted = [...logits.keys()].sort((a, b) =>
    logits[b] - logits[a] || a - b
  );
  const { top } = logprobs(logits, 0, 20);
  assertEquals(top.map(({ id }) => id), sorted.slice(0, 20));
});

Deno.test("logprobs() keeps far tails finite", () => {
  const logits = Float32Array.of(0, 1000, -1000);
  assertEquals(logprobs(logits, 1, 0).logprob, 0);
  assertEquals(logprobs(logits, 2, 0).logprob, -2000);
});

Deno.test("logprobs() refuses what is not a finite number", () => {
  assertThrows(
    () => logprobs(Float32Array.of(1, NaN), 0, 0),
    Error,
    "Cannot sample: the logit of token 1 is NaN",
  );
});
