/**
 * The next token out of the logits.
 *
 * @module
 */
import type { SamplingOptions } from "../engine/types.ts";
import { type Candidates, createCandidates } from "./candidates.ts";
import { draw } from "./draw.ts";
import { TokenHistory } from "./history.ts";
import { likeliest } from "./likeliest.ts";
import { addLogitBias, createLogitBias } from "./logit_bias.ts";
import { minP } from "./min_p.ts";
import { hasPenalty, penalise } from "./penalties.ts";
import { createRandom, drawSeed } from "./random.ts";
import { topK } from "./top_k.ts";
import { topP } from "./top_p.ts";
import { weigh } from "./weigh.ts";

/** Draws the tokens of one continuation. Allocates nothing after it was made. */
export interface Sampler {
  /** How many of the highest logits it looks at: it draws the same where all others are very low. Infinity for all. */
  readonly top: number;
  /** Tells of the prompt, once and first; the repetition penalty counts its tokens. */
  prime(prompt: readonly number[]): void;
  /**
   * Chooses a token. Changes `logits` in place.
   *
   * @param logits [vocab]
   * @throws {Error} If a logit is not a finite number, which means that the model's state is broken.
   */
  sample(logits: Float32Array): number;
  /** Tells which token the text went on with. */
  accept(token: number): void;
}

/**
 * A sampler for one choice. In this order: logit bias, penalties, the likeliest token if the temperature is
 * 0, else temperature, top-k, top-p, min-p and a draw.
 *
 * @param vocab Number of tokens.
 * @param choice Index of the continuation: those of one seed differ from each other.
 * @param candidates Memory for a draw, of which nothing is kept between two: samplers may share it.
 * @throws {RangeError} If a biased token is not in the vocabulary.
 */
export function createSampler(
  options: SamplingOptions,
  vocab: number,
  choice: number,
  candidates: Candidates = createCandidates(vocab),
): Sampler {
  const bias = createLogitBias(options.logitBias, vocab);
  const history = hasPenalty(options) ? new TokenHistory(vocab) : null;
  const random = createRandom(options.seed ?? drawSeed(), choice);
  const changes = bias.ids.length > 0 || history !== null;
  return {
    top: changes ? Infinity : highestLookedAt(options),
    prime: (prompt) => {
      for (const token of prompt) history?.addPrompt(token);
    },
    sample: (logits) => {
      if (logits.length !== vocab) {
        throw new RangeError(
          `Cannot sample: ${logits.length} logits for ${vocab} tokens`,
        );
      }
      addLogitBias(logits, bias);
      if (history !== null) penalise(logits, history, options);
      if (options.temperature === 0) return likeliest(logits);
      narrow(candidates, logits, options);
      return draw(candidates, random());
    },
    accept: (token) => history?.addProduced(token),
  };
}

/** Of unchanged logits. */
function highestLookedAt({ temperature, topK }: SamplingOptions): number {
  if (temperature === 0) return 1;
  return topK > 0 ? topK : Infinity;
}

/** Fills `candidates` with the distribution to draw from. */
export function narrow(
  candidates: Candidates,
  logits: Float32Array,
  options: SamplingOptions,
): void {
  weigh(candidates, logits, options.temperature);
  topK(candidates, options.topK);
  topP(candidates, options.topP);
  minP(candidates, options.minP);
}
