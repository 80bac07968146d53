/**
 * @module
 */
import type { Budget } from "../method.ts";
import { shareOut } from "./share_out.ts";

/** **Idea.** The same number of slots for every layer and head. */
export function uniform(): Budget {
  return {
    divide({ layers, kvHeads }, mean, least) {
      const weights = new Array<number>(layers * kvHeads).fill(1);
      return shareOut(weights, mean, least);
    },
  };
}
