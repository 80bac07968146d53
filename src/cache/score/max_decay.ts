/**
 * @module
 */
import type { Score } from "../method.ts";
import { maxPool } from "../pool.ts";

/** Choices of {@link maxDecayScore}. */
export interface MaxDecayOptions {
  /** What is left of a slot's best moment after each block. 1 never forgets, 0 is the last block alone. */
  readonly decay?: number;
  /** Width of the pooling, odd; 1 is none. */
  readonly pool?: number;
}

/**
 * **Idea.** A token that was once looked at hard will be again, though not for ever: its worth is its best moment, fading.
 * It joins LoopServe's choice by the newest tokens with H2O's memory. **Formula.** s ← max(decay · s, a), a the mean
 * attention of the block; score = maximum of s over neighbours. **Cost.** One number a slot. **Options.** `decay` (0.98),
 * `pool` (7). **Source.** Our own; measured in the quality bench.
 */
export function maxDecayScore(options: MaxDecayOptions = {}): Score {
  const { decay = 0.98, pool = 7 } = options;
  return {
    needs: { queries: "block" },
    carried: 1,
    update(unit) {
      const { attention, rows } = unit;
      const best = unit.carried(0);
      for (let slot = 0; slot < best.length; slot++) {
        best[slot] = Math.max(decay * best[slot], attention[slot] / rows);
      }
    },
    rank(unit, out) {
      maxPool(unit.carried(0), pool, out);
    },
  };
}
