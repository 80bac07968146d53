/**
 * @module
 */
import type { Score } from "../method.ts";
import { maxPool } from "../pool.ts";
import { Ranking } from "../ranking.ts";

/** Choices of {@link dualScore}. */
export interface DualOptions {
  /** Slots of a unit, at most, that go by the newest tokens; the rest are given by accumulated attention. */
  readonly newest?: number;
  /** Width of the pooling of the newest tokens' attention, odd; 1 is none. */
  readonly pool?: number;
}

/**
 * **Idea.** Two kinds of memory: some slots for what mattered over the whole dialogue (H2O), the rest for what the newest
 * tokens look at (LoopServe). **Formula.** `newest` of the free slots by the pooled mean attention of the last block; the
 * others, before that, by Σ attention since the token came. On training texts and dialogues a number that does not grow with
 * the cache did better than a share of it. **Cost.** One number a slot and a second choice. **Options.** `newest` (72),
 * `pool` (7). **Source.** Our own; measured in the quality bench.
 */
export function dualScore(options: DualOptions = {}): Score {
  const { newest = 72, pool = 7 } = options;
  const ranking = new Ranking();
  return {
    needs: { queries: "block" },
    carried: 1,
    update(unit) {
      const { attention } = unit;
      const sum = unit.carried(0);
      for (let slot = 0; slot < sum.length; slot++) {
        sum[slot] += attention[slot];
      }
    },
    rank(unit, out) {
      const { attention, free } = unit;
      maxPool(attention, pool, out);
      const { start, end } = unit;
      const count = Math.max(0, free - newest);
      for (const slot of ranking.best(unit.carried(0), start, end, count)) {
        out[slot] = Infinity;
      }
    },
  };
}
