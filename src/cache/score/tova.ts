/**
 * @module
 */
import type { Score } from "../method.ts";

/**
 * **Idea.** A transformer is a multi-state RNN: the state to drop is the one that the newest token looks at least.
 * **Formula.** score = attention of the block's last query, averaged over all heads of the layer (the method's `share`).
 * **Cost.** None. **Paper.** Oren et al. 2024, Transformers are Multi-State RNNs (TOVA), arXiv 2401.06104, section 3.2.
 * **Departures.** The paper drops one state a token; here a block's worth at once.
 */
export function tovaScore(): Score {
  return {
    needs: { queries: 1 },
    carried: 0,
    rank({ attention }, out) {
      out.set(attention);
    },
  };
}
