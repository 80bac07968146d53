import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Agreement, divergence, topLogprobs } from "./kl.ts";
import { normal } from "./random.ts";

const VOCAB = 500;
const TOP = 64;

function noisy(logits: Float32Array, seed: number, scale: number) {
  const noise = normal(seed, logits.length);
  return logits.map((x, i) => x + scale * noise[i]);
}

function logSoftmax(logits: Float32Array): number[] {
  const total = logits.reduce((sum, x) => sum + Math.exp(x), 0);
  return [...logits].map((x) => x - Math.log(total));
}

function exactKl(ours: Float32Array, reference: Float32Array): number {
  const q = logSoftmax(ours);
  return logSoftmax(reference)
    .reduce((kl, p, i) => kl + Math.exp(p) * (p - q[i]), 0);
}

Deno.test("topLogprobs() orders the likeliest tokens and gives the rest its mass", () => {
  const logits = Float32Array.of(1, 3, 2, 0, 5, 5, 5, 9);
  const { ids, logprobs, rest } = topLogprobs(logits, 4, 2);
  assertEquals([...ids], [1, 2, 3, 0]);
  const total = Math.exp(1) + Math.exp(3) + Math.exp(2) + 1;
  assertAlmostEquals(logprobs[0], 3 - Math.log(total), 1e-6);
  assertAlmostEquals(rest[0], Math.log((Math.exp(1) + 1) / total), 1e-6);
});

Deno.test("divergence() is 0 for the same distribution, whatever is added to the logits", () => {
  const logits = normal(1, VOCAB).map((x) => 4 * x);
  const reference = topLogprobs(logits, VOCAB, TOP);
  for (const shift of [0, -30, 30]) {
    const { kl, sameBest } = divergence(
      reference,
      0,
      logits.map((x) => x + shift),
    );
    assertAlmostEquals(kl, 0, 1e-6);
    assert(sameBest);
  }
});

Deno.test("divergence() is exact when the top is the whole vocabulary", () => {
  const logits = normal(2, VOCAB).map((x) => 4 * x);
  const ours = noisy(logits, 3, 0.3);
  const { kl } = divergence(topLogprobs(logits, VOCAB, VOCAB), 0, ours);
  assertAlmostEquals(kl, exactKl(ours, logits), 1e-6);
});

Deno.test("divergence() is a close lower bound when the tail is one bucket", () => {
  for (let seed = 10; seed < 20; seed++) {
    const logits = normal(seed, VOCAB).map((x) => 4 * x);
    const ours = noisy(logits, seed + 100, 0.3);
    const exact = exactKl(ours, logits);
    const { kl } = divergence(topLogprobs(logits, VOCAB, TOP), 0, ours);
    assert(kl <= exact + 1e-6, `${kl} is above ${exact}`);
    assert(kl > 0.9 * exact, `${kl} is far below ${exact}`);
  }
});

Deno.test("divergence() stays finite when ours leaves the tail no mass", () => {
  const reference = topLogprobs(new Float32Array(4), 4, 2);
  const { kl } = divergence(reference, 0, Float32Array.of(0, 0, -800, -800));
  assert(kl > 1 && Number.isFinite(kl));
});

Deno.test("Agreement.add() gathers means, the worst and the gap at another best token", () => {
  const logits = Float32Array.of(3, 2.5, 0, 0, 4, 1);
  const reference = topLogprobs(logits, 3, 2);
  const agreement = new Agreement();
  agreement.add(reference, 0, Float32Array.of(2.5, 3, 0));
  agreement.add(reference, 1, logits.subarray(3));
  const first = divergence(reference, 0, Float32Array.of(2.5, 3, 0)).kl;
  assertEquals(agreement.positions, 2);
  assertEquals(agreement.sameBest, 0.5);
  assertAlmostEquals(agreement.worstGap, 0.5, 1e-6);
  assertEquals(agreement.worstKl, first);
  assertAlmostEquals(agreement.meanKl, first / 2, 1e-6);
});

Deno.test("Agreement shows a broken distribution as NaN", () => {
  const reference = topLogprobs(new Float32Array(3), 3, 2);
  const agreement = new Agreement();
  agreement.add(reference, 0, Float32Array.of(1, NaN, 0));
  assertEquals(agreement.meanKl, NaN);
  assertEquals(agreement.worstKl, NaN);
});
