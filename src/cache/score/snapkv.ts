/**
 * @module
 */
import type { Score } from "../method.ts";
import { maxPool } from "../pool.ts";

/** Choices of {@link snapkvScore}. */
export interface SnapkvOptions {
  /** Queries at the end of a block that vote, or all of them; more are steadier, fewer are more of the moment. */
  readonly queries?: number | "block";
  /** Width of the pooling, odd; 1 is none. Wider keeps phrases together and wastes slots on their surroundings. */
  readonly pool?: number;
}

/**
 * **Idea.** The last queries of a prompt know what the answer will look at. **Formula.** score = maximum over neighbours of
 * the mean attention of the block's last `queries` queries. **Cost.** None. **Paper.** Li et al. 2024, SnapKV, arXiv
 * 2404.14469, listing 1. **Options.** `queries` (64), `pool` (7). **Departures.** The paper compresses once, behind the
 * prompt; here every block chooses anew among what is still there. A slot's score is the mean over its group of query heads.
 */
export function snapkvScore(options: SnapkvOptions = {}): Score {
  const { queries = 64, pool = 7 } = options;
  return {
    needs: { queries },
    carried: 0,
    rank({ attention }, out) {
      // The mean over queries and heads differs by a constant factor, which changes no rank.
      maxPool(attention, pool, out);
    },
  };
}
