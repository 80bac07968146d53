/**
 * **Idea.** Only the newest tokens matter, and the first few, on which attention rests (the sinks, which are kept for
 * every score). **Formula.** score(slot) = slot, its rank in the dialogue. **Cost.** None. **Paper.** Xiao et al. 2023,
 * Efficient Streaming Language Models with Attention Sinks, arXiv 2309.17453. **Departures.** None; positions by index in
 * the cache are the method's, not the score's.
 *
 * @module
 */
import type { Score } from "../method.ts";

/** The newer, the better. */
export function windowScore(): Score {
  return {
    rank(slots, unit, out) {
      for (let slot = 0; slot < slots.live[unit]; slot++) out[slot] = slot;
    },
  };
}
