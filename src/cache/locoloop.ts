/**
 * What the learned parts of a model make of the method `locoloop`.
 *
 * @module
 */
import { curveBudget } from "./budget/curves.ts";
import { absorb } from "./fuse/absorb.ts";
import type { LearnedParts } from "./learned_parts.ts";
import type { LearnedForm } from "./method.ts";
import type { MethodOption, OptionValues } from "./options.ts";
import { cappedTrue } from "./positions.ts";
import { foresightScore } from "./score/foresight.ts";

/** 1 or 0, so that each part can be judged by what is lost without it. */
function part(summary: string): MethodOption {
  return { summary, fallback: 1, least: 0, most: 1, kind: "whole" };
}

/** See {@link locoloopForm}. */
export const LOCOLOOP_OPTIONS = {
  share: {
    summary:
      "Share of the slots for what may be asked for again; the rest goes by what text needs.",
    fallback: null,
    least: 0,
    most: 1,
  },
  score: part("1: slots are chosen by the learned score; 0: as in dual."),
  budgets: part("1: slots of each head as learned; 0: as in dual."),
  fusion: part("1: what leaves joins what stays near it; 0: it is dropped."),
  corrections: part("1: attention is corrected for what it lacks; 0: not."),
} as const;

/**
 * **Idea.** Every block chooses anew (LoopServe, arXiv 2507.13681), but by what a slot is worth to the loss instead of by
 * attention, with slots for each head where they count, at true positions as far as the model knows them, with what leaves
 * fused into what stays by learned weights (LoCoCo, arXiv 2406.05317), and with attention corrected for what was evicted.
 * **Parts.** {@link foresightScore} with {@link cappedTrue}, {@link curveBudget}, {@link absorb}, `Corrections`; each can be
 * switched off by an option. A part that the model's file lacks is off.
 */
export function locoloopForm(
  { score, budgets, absorb: gates, corrections, far }: LearnedParts,
  values: OptionValues,
): LearnedForm | null {
  const form: LearnedForm = {
    ...score && values.score !== 0 && {
      score: ({ share }: OptionValues) => foresightScore(score, { share }),
      positions: cappedTrue(far),
    },
    ...budgets && values.budgets !== 0 && { budget: curveBudget(budgets) },
    ...gates && values.fusion !== 0 && { fuse: absorb(gates) },
    ...corrections && values.corrections !== 0 && { corrections },
  };
  return Object.keys(form).length > 0 ? form : null;
}
