/**
 * @module
 */
import type { Score } from "../method.ts";
import { snapkvScore } from "./snapkv.ts";

/**
 * **Idea.** What a dialogue needs shifts from turn to turn, so every n_d tokens the cache is chosen anew by the attention of
 * the newest *output* tokens, instead of once by the end of the prompt. **Formula.** score = mean attention of the last n_d
 * tokens, n_d being the block between two compactions. **Cost.** None. **Paper.** Hu et al. 2025, LoopServe, arXiv
 * 2507.13681, section on progressive decoding. **Departures.** The paper chooses from everything that ever came; a fixed
 * memory chooses from what is still there, so a fact that the last answer did not look at is gone. {@link dualScore} and
 * {@link maxDecayScore} mend that.
 */
export function loopserveScore(): Score {
  return snapkvScore({ queries: "block", pool: 1 });
}
