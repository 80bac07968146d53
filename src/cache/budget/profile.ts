/**
 * @module
 */
import type { Budget } from "../method.ts";
import { shareOut } from "./share_out.ts";

/** Slots by layer, or by layer and head, for one model. */
export interface BudgetProfile {
  /** Of the model it was made for. */
  readonly layers: number;
  readonly kvHeads: number;
  /** [layers] or [layers · kvHeads]; only their proportions count. */
  readonly slots: readonly number[];
}

/**
 * **Idea.** Which layers and heads need slots is a property of the model, so it is measured once (`deno task tune
 * budgets`) by what fewer slots cost each of them. **Formula.** A unit's slots are its share of the profile, scaled to the
 * mean that is asked for. **Cost.** None. **Source.** Our own; the search may be EvolKV's (arXiv 2509.08315).
 *
 * A model of another shape than the profile's gets even slots.
 */
export function profile(given: BudgetProfile): Budget {
  return {
    divide({ layers, kvHeads }, mean, least) {
      const units = layers * kvHeads;
      const fits = given.layers === layers && given.kvHeads === kvHeads;
      const heads = given.slots.length === units ? 1 : kvHeads;
      const weights = Array.from(
        { length: units },
        (_, unit) => fits ? given.slots[Math.floor(unit / heads)] : 1,
      );
      return shareOut(weights, mean, least);
    },
  };
}
