/**
 * Log-probabilities under the unmodified distribution of the model.
 *
 * @module
 */
import type { TokenLogprob } from "../engine/types.ts";
import { likeliest } from "./likeliest.ts";

/** A token's log-probability and the likeliest tokens beside it. */
export interface Logprobs {
  /** Natural logarithm. */
  readonly logprob: number;
  /** Likeliest first; of equal ones, the lowest id first. */
  readonly top: TokenLogprob[];
}

/**
 * Scores `token` and the `top` likeliest tokens. Call it before a sampler, which changes the logits.
 *
 * @throws {Error} If a logit is not a finite number.
 */
export function logprobs(
  logits: Float32Array,
  token: number,
  top: number,
): Logprobs {
  const highest = logits[likeliest(logits)];
  let sum = 0; // in f64: 49,152 terms in f32 would cost four digits
  for (let id = 0; id < logits.length; id++) {
    sum += Math.exp(logits[id] - highest);
  }
  const logTotal = highest + Math.log(sum);
  return {
    logprob: logits[token] - logTotal,
    top: highestIds(logits, top).map((id) => (
      { id, logprob: logits[id] - logTotal }
    )),
  };
}

/** Ids of the `count` highest logits, by insertion into a short list; few logits ever enter it. */
function highestIds(logits: Float32Array, count: number): number[] {
  const best: number[] = [];
  if (count === 0) return best;
  for (let id = 0; id < logits.length; id++) {
    if (best.length === count && logits[id] <= logits[best[count - 1]]) {
      continue;
    }
    if (best.length === count) best.pop();
    let at = best.length;
    while (at > 0 && logits[best[at - 1]] < logits[id]) at--;
    best.splice(at, 0, id);
  }
  return best;
}
