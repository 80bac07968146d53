import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import {
  DEFAULT_SAMPLING,
  type SamplingOptions,
} from "../../src/engine/types.ts";
import {
  createCandidates,
  totalWeight,
} from "../../src/sampling/candidates.ts";
import { TokenHistory } from "../../src/sampling/history.ts";
import { penalise } from "../../src/sampling/penalties.ts";
import { createSampler, narrow } from "../../src/sampling/sampler.ts";
import { LOWEST_LOGIT } from "../../src/model/runtime.ts";
import { normal } from "../helpers/random.ts";
import { readOracle } from "./oracle.ts";
import { idsOf } from "./stages.ts";

const options = (changed: Partial<SamplingOptions>): SamplingOptions => ({
  ...DEFAULT_SAMPLING,
  seed: 1,
  ...changed,
});

/** So many draws from the same logits. */
function draws(
  changed: Partial<SamplingOptions>,
  logits: Float32Array,
  count: number,
  choice = 0,
): number[] {
  const sampler = createSampler(options(changed), logits.length, choice);
  return Array.from({ length: count }, () => sampler.sample(logits.slice()));
}

const LOGITS = Float32Array.of(1, 0.5, 2, -1, 0, 1.5);

Deno.test("narrow() gives the distributions of transformers", () => {
  for (const { logits, seen, results } of readOracle().cases) {
    for (const { options: changed, ids, probs } of results) {
      const about = JSON.stringify(changed);
      const given = Float32Array.from(logits);
      const history = new TokenHistory(logits.length);
      for (const id of seen) history.addPrompt(id);
      penalise(given, history, options(changed));
      const candidates = createCandidates(logits.length);
      narrow(candidates, given, options(changed));
      assertEquals(idsOf(candidates), ids, about);
      const total = totalWeight(candidates);
      probs.forEach((prob, at) =>
        assertAlmostEquals(candidates.weights[at] / total, prob, 2e-6, about)
      );
    }
  }
});

Deno.test("Sampler.sample() draws with the probabilities of transformers: chi-square", () => {
  const { logits, seen, results } = readOracle().cases[0];
  const count = 10_000;
  for (const { options: changed, ids, probs } of results) {
    const sampler = createSampler(options(changed), logits.length, 0);
    sampler.prime(seen);
    const counts = new Map<number, number>();
    for (let at = 0; at < count; at++) {
      const id = sampler.sample(Float32Array.from(logits));
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    let chiSquare = 0;
    ids.forEach((id, at) => {
      const expected = probs[at] * count;
      chiSquare += ((counts.get(id) ?? 0) - expected) ** 2 / expected;
      counts.delete(id);
    });
    assertEquals(counts.size, 0, "drew what the options exclude");
    // About three standard deviations above the mean of chi-square with n - 1 degrees.
    const bound = ids.length + 4.5 * Math.sqrt(2 * ids.length);
    assert(chiSquare < bound, `${JSON.stringify(changed)}: ${chiSquare}`);
  }
});

Deno.test("Sampler.sample() is greedy at temperature 0, whatever else is asked", () => {
  assertEquals(draws({ temperature: 0 }, LOGITS, 3), [2, 2, 2]);
  assertEquals(draws({ temperature: 0, topK: 3 }, LOGITS, 3), [2, 2, 2]);
  assertEquals(draws({ temperature: 0 }, Float32Array.of(0, 1, 1), 1), [1]);
});

Deno.test("Sampler.sample() gives the same for the same seed", () => {
  assertEquals(draws({ seed: 9 }, LOGITS, 99), draws({ seed: 9 }, LOGITS, 99));
});

Deno.test("Sampler.sample() differs by seed and by choice", () => {
  const first = draws({ seed: 9 }, LOGITS, 99);
  assertNotEquals(first, draws({ seed: 10 }, LOGITS, 99));
  assertNotEquals(first, draws({ seed: 9 }, LOGITS, 99, 1));
});

Deno.test("Sampler.sample() draws its own seed where none is given", () => {
  const first = draws({ seed: null }, LOGITS, 200);
  assertNotEquals(first, draws({ seed: null }, LOGITS, 200));
});

Deno.test("Sampler.sample() adds the logit bias", () => {
  const ban = new Map([[2, -100]]);
  assertEquals(draws({ temperature: 0, logitBias: ban }, LOGITS, 1), [5]);
  const force = new Map([[3, 100]]);
  assertEquals(draws({ logitBias: force }, LOGITS, 20), Array(20).fill(3));
});

Deno.test("Sampler.accept() makes penalties count", () => {
  const sampler = createSampler(
    options({ temperature: 0, frequencyPenalty: 0.3 }),
    LOGITS.length,
    0,
  );
  const text: number[] = [];
  for (let at = 0; at < 5; at++) {
    text.push(sampler.sample(LOGITS.slice()));
    sampler.accept(text[at]);
  }
  // 2 falls from 2.0 by 0.3 a time, 5 from 1.5, 0 from 1.0.
  assertEquals(text, [2, 2, 5, 2, 5]);
});

Deno.test("Sampler.prime() makes the repetition penalty count, and no other", () => {
  const chosen = (changed: Partial<SamplingOptions>) => {
    const sampler = createSampler(
      options({ temperature: 0, ...changed }),
      LOGITS.length,
      0,
    );
    sampler.prime([2, 2]);
    return sampler.sample(LOGITS.slice());
  };
  assertEquals(chosen({ repetitionPenalty: 1.5 }), 5);
  assertEquals(chosen({ presencePenalty: 2, frequencyPenalty: 2 }), 2);
});

Deno.test("Sampler.sample() refuses broken logits", () => {
  for (const temperature of [0, 1]) {
    const sampler = createSampler(options({ temperature }), 2, 0);
    assertThrows(
      () => sampler.sample(Float32Array.of(NaN, 0)),
      Error,
      "Cannot sample: the logit of token 0 is NaN",
    );
    assertThrows(
      () => sampler.sample(Float32Array.of(0)),
      RangeError,
      "Cannot sample: 1 logits for 2 tokens",
    );
  }
});

Deno.test("createSampler() refuses a bias outside the vocabulary", () => {
  assertThrows(
    () => createSampler(options({ logitBias: new Map([[9, 1]]) }), 9, 0),
    RangeError,
    "Cannot bias token 9: the vocabulary has 9 tokens",
  );
});

Deno.test("Sampler.top is how many of the highest logits it looks at", () => {
  const topOf = (changed: Partial<SamplingOptions>) =>
    createSampler(options(changed), 6, 0).top;
  assertEquals(topOf({ temperature: 0 }), 1);
  assertEquals(topOf({ temperature: 0, topK: 5, topP: 0.5 }), 1);
  assertEquals(topOf({ temperature: 0.7, topK: 5 }), 5);
  assertEquals(topOf({ topK: 5, topP: 0.5, minP: 0.1 }), 5);
  assertEquals(topOf({ topP: 0.5, minP: 0.1 }), Infinity);
  const greedy = { temperature: 0 };
  assertEquals(topOf({ ...greedy, logitBias: new Map([[2, 1]]) }), Infinity);
  assertEquals(topOf({ ...greedy, presencePenalty: 1 }), Infinity);
  assertEquals(topOf({ ...greedy, repetitionPenalty: 1.1 }), Infinity);
});

Deno.test("Sampler.sample() draws the same where all logits but the highest are the lowest", () => {
  const logits = normal(5, 500).map((x) => x * 3);
  const forms: Partial<SamplingOptions>[] = [
    { temperature: 0 },
    { temperature: 0.01, topK: 40 },
    { temperature: 1.5, topK: 40, topP: 0.9 },
    { temperature: 2, topK: 7, topP: 0.5, minP: 0.2 },
  ];
  for (const form of forms) {
    const { top } = createSampler(options(form), logits.length, 0);
    const floor = logits.toSorted().at(-top)!;
    const cut = logits.map((x) => x < floor ? LOWEST_LOGIT : x);
    assertEquals(draws(form, cut, 200), draws(form, logits, 200));
  }
});
