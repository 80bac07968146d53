/**
 * The greedy choice.
 *
 * @module
 */

/**
 * Id of the highest logit; of equal ones, the lowest.
 *
 * @throws {Error} If a logit is not a finite number, which means that the model's state is broken.
 */
export function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let id = 0; id < logits.length; id++) {
    if (!Number.isFinite(logits[id])) {
      throw new Error(
        `Cannot sample: the logit of token ${id} is ${logits[id]}`,
      );
    }
    if (logits[id] > logits[best]) best = id;
  }
  return best;
}
