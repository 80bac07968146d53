/**
 * From logits to weights: the softmax under a temperature, left unnormalised.
 *
 * @module
 */
import type { Candidates } from "./candidates.ts";
import { likeliest } from "./likeliest.ts";

/**
 * Makes every token a candidate with the weight exp((x − max) / temperature).
 *
 * @param temperature Above 0.
 * @throws {Error} If a logit is not a finite number.
 */
export function weigh(
  candidates: Candidates,
  logits: Float32Array,
  temperature: number,
): void {
  const { ids, weights } = candidates;
  const highest = logits[likeliest(logits)];
  for (let id = 0; id < logits.length; id++) {
    ids[id] = id;
    weights[id] = Math.exp((logits[id] - highest) / temperature);
  }
  candidates.size = logits.length;
}
