/**
 * @module
 */
import type { Score } from "../method.ts";

/**
 * **Idea.** Only the newest tokens matter, and the first few, on which attention rests (the sinks, kept under every
 * score). **Formula.** score = the slot's rank in the dialogue. **Cost.** None. **Paper.** Xiao et al. 2023, Efficient
 * Streaming Language Models with Attention Sinks, arXiv 2309.17453. **Departures.** None; positions by index in the cache
 * are the method's, not the score's.
 */
export function windowScore(): Score {
  return {
    needs: {},
    carried: 0,
    rank({ live }, out) {
      for (let slot = 0; slot < live; slot++) out[slot] = slot;
    },
  };
}
