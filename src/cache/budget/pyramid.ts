/**
 * @module
 */
import type { Budget } from "../method.ts";
import { shareOut } from "./share_out.ts";

/** Choices of {@link pyramid}. */
export interface PyramidOptions {
  /** Slots of the last layer as a share of the mean; the first has as many more as the last has fewer. */
  readonly top?: number;
}

/**
 * **Idea.** Low layers spread their attention, high layers gather it on a few tokens: slots fall in a straight line from
 * the first layer to the last. **Formula.** slots(l) = mean · (2 − top − 2·(1 − top)·l / (L − 1)). **Paper.** Cai et al.
 * 2024, PyramidKV, arXiv 2406.02069, equation 4. **Options.** `top` (0.5; the paper's β = 20 is near 0.05, too little
 * for sinks and window here). **Departures.** None.
 */
export function pyramid({ top = 0.5 }: PyramidOptions = {}): Budget {
  return {
    divide({ layers, kvHeads }, mean, least) {
      const weights = Array.from({ length: layers * kvHeads }, (_, unit) => {
        const layer = Math.floor(unit / kvHeads);
        const depth = layers > 1 ? layer / (layers - 1) : 0.5;
        return 2 - top - 2 * (1 - top) * depth;
      });
      return shareOut(weights, mean, least);
    },
  };
}
