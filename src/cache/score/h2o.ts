/**
 * @module
 */
import type { Score } from "../method.ts";

/** Choices of {@link h2oScore}. */
export interface H2oOptions {
  /** 1: the mean over the queries that could see a slot; 0: the sum, which favours old tokens. */
  readonly mean?: number;
}

/**
 * **Idea.** Heavy hitters: a few tokens get most of the attention, and what got it so far will get it again. **Formula.**
 * score = Σ attention of all queries since the token came / the number of those queries. **Cost.** Two numbers a slot.
 * **Options.** `mean` (1): 0 leaves out the division. **Paper.** Zhang et al. 2023, H2O: Heavy-Hitter Oracle, arXiv 2306.14048, algorithm 1. **Departures.** The paper sums
 * and evicts at every token; here it is every block, so a sum would favour the old tokens of a block, and the mean does
 * not. A head's score is that of its group of query heads.
 */
export function h2oScore({ mean = 1 }: H2oOptions = {}): Score {
  return {
    needs: { queries: "block" },
    carried: 2,
    update(unit) {
      const { attention, live, fresh, queryHeads } = unit;
      const sum = unit.carried(0), seen = unit.carried(1);
      for (let slot = 0; slot < live; slot++) {
        sum[slot] += attention[slot];
        // A token of this block was seen by itself and those after it.
        seen[slot] += Math.min(fresh, live - slot) * queryHeads;
      }
    },
    rank(unit, out) {
      const sum = unit.carried(0), seen = unit.carried(1);
      for (let slot = 0; slot < sum.length; slot++) {
        out[slot] = mean ? sum[slot] / seen[slot] : sum[slot];
      }
    },
  };
}
