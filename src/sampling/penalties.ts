/**
 * Penalties for tokens that the text holds already.
 *
 * @module
 */
import type { SamplingOptions } from "../engine/types.ts";
import type { TokenHistory } from "./history.ts";

/** The options that {@link penalise} reads. */
export type PenaltyOptions = Pick<
  SamplingOptions,
  "repetitionPenalty" | "presencePenalty" | "frequencyPenalty"
>;

/** Below this a repetition penalty changes nothing more, and the quotient might leave the range of f32. */
const LEAST_REPETITION_PENALTY = 1e-6;

/** Whether any penalty is on. */
export function hasPenalty(options: PenaltyOptions): boolean {
  return options.repetitionPenalty !== 1 || options.presencePenalty !== 0 ||
    options.frequencyPenalty !== 0;
}

/**
 * Changes `logits` in place, as vLLM and `transformers` do: the repetition penalty r of every token of
 * prompt and continuation (x / r above 0, x · r below; Keskar et al. 2019, arXiv:1909.05858), then, of
 * the tokens produced n > 0 times, x − n · frequency − presence (the OpenAI API).
 */
export function penalise(
  logits: Float32Array,
  history: TokenHistory,
  options: PenaltyOptions,
): void {
  const { presencePenalty, frequencyPenalty } = options;
  const repetition = Math.max(
    options.repetitionPenalty,
    LEAST_REPETITION_PENALTY,
  );
  for (let index = 0; index < history.size; index++) {
    const id = history.token(index);
    const count = history.produced(id);
    let logit = logits[id];
    logit = logit > 0 ? logit / repetition : logit * repetition;
    if (count > 0) logit -= count * frequencyPenalty + presencePenalty;
    logits[id] = logit;
  }
}
