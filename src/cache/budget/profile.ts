/**
 * @module
 */
import type { ModelConfig } from "../../model/config.ts";
import type { Budget } from "../method.ts";
import { allocate } from "./allocate.ts";

/** What fewer slots cost each layer, or each head, of one model under one method's choice. */
export interface BudgetProfile {
  /** Of the model it was made for. */
  readonly model: Pick<ModelConfig, typeof IDENTITY[number]>;
  /** Name of the method whose choice was measured. */
  readonly method: string;
  /** Slots at which it was measured, ascending. */
  readonly sizes: readonly number[];
  /**
   * [layers or layers · kvHeads][sizes]: nats that the next token's distribution moves by when that layer or head alone
   * has so few slots.
   */
  readonly losses: readonly (readonly number[])[];
}

/** What tells models apart. */
const IDENTITY = ["name", "layers", "kvHeads", "hidden", "vocab"] as const;

/**
 * **Idea.** Which layers and heads need slots is a property of the model, so it is measured once (`deno task tune
 * budgets`), and slots go where they save most. **Formula.** {@link allocate}, between `least` and the larger of twice the
 * mean and the most slots that were measured. **Cost.** None. **Source.** Our own; DESIGN of the search in EvolKV, arXiv
 * 2509.08315, which evolves what is greedy here.
 *
 * @param otherwise Divides for other models than the profile's; without it, they are refused.
 */
export function profile(given: BudgetProfile, otherwise?: Budget): Budget {
  const { sizes, losses } = given;
  return {
    divide(config, mean, least) {
      const wrong = IDENTITY.find((key) => config[key] !== given.model[key]);
      if (wrong !== undefined && otherwise) {
        return otherwise.divide(config, mean, least);
      }
      if (wrong !== undefined) {
        throw new RangeError(
          `Cannot use a budget profile of ${given.model.name}: its ${wrong} is ` +
            `${given.model[wrong]}, the model's ${config[wrong]}`,
        );
      }
      const most = Math.max(2 * mean, sizes[sizes.length - 1]);
      const bounds = { least, most };
      const byGroup = allocate(sizes, losses, mean, bounds);
      const units = config.layers * config.kvHeads;
      return Int32Array.from(
        { length: units },
        (_, unit) => byGroup[Math.floor(unit * byGroup.length / units)],
      );
    },
  };
}
