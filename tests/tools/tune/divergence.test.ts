import { assertAlmostEquals, assertGreater, assertLess } from "@std/assert";
import { Distributions } from "../../../tools/tune/divergence.ts";
import { normal } from "../../helpers/random.ts";

/** KL(p ‖ q) over everything. */
function exact(a: Float32Array, b: Float32Array): number {
  const [p, q] = [a, b].map((logits) => {
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    return Array.from(logits, (logit) => Math.exp(logit) / total);
  });
  return p.reduce((sum, x, i) => sum + x * Math.log(x / q[i]), 0);
}

Deno.test("Distributions.divergence() is exact where every token is among the likeliest", () => {
  const full = normal(1, 64), other = normal(2, 64);
  const distributions = new Distributions();
  distributions.add(other);
  distributions.add(full);
  assertAlmostEquals(
    distributions.divergence(1, other),
    exact(full, other),
    1e-6,
  );
});

Deno.test("Distributions.divergence() is nothing for the same logits, however they are shifted", () => {
  const full = normal(3, 500);
  const distributions = new Distributions();
  distributions.add(full);
  const shifted = full.map((logit) => logit + 10);
  assertAlmostEquals(distributions.divergence(0, shifted), 0, 1e-5);
});

Deno.test("Distributions.divergence() is a bound from below, close where the rest is light", () => {
  const full = normal(4, 5000).map((x) => 6 * x);
  const noise = normal(5, 5000);
  const other = full.map((x, i) => x + noise[i]);
  const distributions = new Distributions();
  distributions.add(full);
  const found = distributions.divergence(0, other);
  assertLess(found, exact(full, other) + 1e-6);
  assertGreater(found, 0.8 * exact(full, other));
});

Deno.test("Distributions.divergence() takes ties at the end of the likeliest", () => {
  const full = new Float32Array(100);
  const distributions = new Distributions();
  distributions.add(full);
  assertAlmostEquals(distributions.divergence(0, full), 0, 1e-9);
});
