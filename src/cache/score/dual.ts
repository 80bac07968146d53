/**
 * @module
 */
import type { Score } from "../method.ts";
import { maxPool } from "../pool.ts";
import { Ranking } from "../ranking.ts";

/** Choices of {@link dualScore}. */
export interface DualOptions {
  /** Share of the slots that are given by accumulated attention; the rest go by the newest tokens. */
  readonly share?: number;
  /** Width of the pooling of the newest tokens' attention, odd; 1 is none. */
  readonly pool?: number;
}

/**
 * **Idea.** Two kinds of memory: some slots for what mattered over the whole dialogue (H2O), the rest for what the newest
 * tokens look at (LoopServe). **Formula.** The best `share` of the free slots by Σ attention since the token came; the
 * others by the pooled mean attention of the last block. **Cost.** One number a slot and a second choice. **Options.**
 * `share` (0.75, chosen on training texts and dialogues), `pool` (7). **Source.** Our own; measured in the quality bench.
 */
export function dualScore(options: DualOptions = {}): Score {
  const { share = 0.75, pool = 7 } = options;
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
      const count = Math.floor(free * share);
      for (const slot of ranking.best(unit.carried(0), start, end, count)) {
        out[slot] = Infinity;
      }
    },
  };
}
