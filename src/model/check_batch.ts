/**
 * @module
 */
import type { ModelConfig } from "./config.ts";
import type { Sequence } from "./runtime.ts";

/**
 * The number of tokens of a step, once the whole batch is known to be possible.
 *
 * @param most Most tokens of a step.
 * @throws {RangeError} If it is not; see `Runtime.forward`.
 */
export function checkBatch(
  batch: readonly Sequence[],
  { vocab }: ModelConfig,
  most: number,
): number {
  let total = 0;
  for (let s = 0; s < batch.length; s++) {
    const { cache, tokens } = batch[s];
    const { length } = tokens;
    for (let other = 0; other < s; other++) {
      if (batch[other].cache !== cache) continue;
      throw new RangeError("Cannot run a dialogue twice in one step");
    }
    for (let i = 0; i < length; i++) {
      const token = tokens[i];
      if (token >= 0 && token < vocab) continue;
      throw new RangeError(
        `Cannot run token ${token}: not in the vocabulary`,
      );
    }
    if (length > cache.slots.room) {
      throw new RangeError(
        `Cannot append ${length} tokens: room for ${cache.slots.room}`,
      );
    }
    total += length;
  }
  if (total <= most) return total;
  throw new RangeError(
    `Cannot run ${total} tokens in one step: at most ${most}`,
  );
}
