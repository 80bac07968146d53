/**
 * How well a model that reads through a cache foresees given tokens.
 *
 * @module
 */
import type { Dialogue } from "../../src/engine/dialogue.ts";
import { likeliest } from "../../src/sampling/likeliest.ts";

/** A question with the beginning of its answer, and the tokens that should follow. */
export interface Question {
  readonly prompt: readonly number[];
  readonly answer: readonly number[];
}

/** Nats: −log of the probability that `logits` [vocab] give `token`. */
export function surprise(logits: Float32Array, token: number): number {
  let most = -Infinity;
  for (const logit of logits) if (logit > most) most = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - most);
  return Math.log(sum) + most - logits[token];
}

/**
 * Reads `tokens` and gives the surprise of each from index `first` on.
 *
 * @param first A multiple of the block, so that reading in two parts changes no block.
 */
export async function readText(
  dialogue: Dialogue,
  tokens: readonly number[],
  first: number,
  signal: AbortSignal,
): Promise<number[]> {
  const nats: number[] = [];
  const score = (index: number) => (logits: Float32Array, offset: number) => {
    const next = tokens[index + offset + 1];
    nats.push(surprise(logits, next));
  };
  await dialogue.prefill(
    tokens.slice(0, first),
    "last",
    (logits) => nats.push(surprise(logits, tokens[first])),
    signal,
  );
  // The last token is foreseen, but not read.
  const rest = tokens.slice(first, -1);
  await dialogue.prefill(rest, "all", score(first), signal);
  return nats;
}

/** Whether the model, taking the likeliest token each time, gives the answer. */
export async function answers(
  dialogue: Dialogue,
  { prompt, answer }: Question,
  signal: AbortSignal,
): Promise<boolean> {
  let right = true;
  const given = [...prompt, ...answer.slice(0, -1)];
  const begins = prompt.length - 1;
  await dialogue.prefill(given, "all", (logits, index) => {
    if (index < begins || !right) return;
    right = likeliest(logits) === answer[index - begins];
  }, signal);
  return right;
}
