/**
 * Requests to the engine over a tiny model, and what comes of them.
 *
 * @module
 */
import {
  DEFAULT_SAMPLING,
  type FinishReason,
  type GenerateEvent,
  type GenerateRequest,
  type SamplingOptions,
  type ScoredToken,
  type Usage,
} from "../../src/engine/types.ts";
import { setImmediate } from "node:timers";
import { tinyVocabulary } from "./tiny_vocabulary.ts";

/** Tokens of the tiny model that are letters, one or two. */
const LETTER_IDS = tinyVocabulary(320).tokens.flatMap((token, id) =>
  /^[a-z]{1,2}$/.test(token) ? [id] : []
);

/** Adds to the logits of all letters, so that nothing else is ever drawn. */
export const ONLY_LETTERS: ReadonlyMap<number, number> = new Map(
  LETTER_IDS.map((id) => [id, 100]),
);

/** Letters, at random by a fixed seed: a text that no stop token ends. */
export const LETTERS: SamplingOptions = {
  ...DEFAULT_SAMPLING,
  logitBias: ONLY_LETTERS,
  seed: 1,
};

/** `count` ordinary tokens of the tiny model in no order; of two `from`, other ones. */
export function someTokens(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, i) => 3 + ((i + from) * 37) % 317);
}

/** A request for eight letters after ten tokens, but for what `fields` say. */
export function ask(fields: Partial<GenerateRequest> = {}): GenerateRequest {
  return {
    prompt: { kind: "tokens", tokens: someTokens(10) },
    maxTokens: 8,
    choices: 1,
    stop: [],
    logprobs: null,
    echo: false,
    sampling: LETTERS,
    ...fields,
  };
}

/** The prompt of a request. */
export function tokensPrompt(tokens: readonly number[]) {
  return { kind: "tokens" as const, tokens };
}

/** All that an engine says. */
export function collect(
  events: AsyncIterable<GenerateEvent>,
): Promise<GenerateEvent[]> {
  return Array.fromAsync(events);
}

/** One choice, put together from its events. */
export interface Answer {
  readonly text: string;
  readonly tokens: readonly ScoredToken[];
  /** Null where it has not finished. */
  readonly reason: FinishReason | null;
}

/** The answer of each choice. */
export function answersOf(events: readonly GenerateEvent[]): Answer[] {
  const answers: Answer[] = [];
  for (const event of events) {
    if (event.type !== "text" && event.type !== "finish") continue;
    const { choice } = event;
    const { text, tokens } = answers[choice] ?? { text: "", tokens: [] };
    answers[choice] = event.type === "finish"
      ? { text, tokens, reason: event.reason }
      : {
        text: text + event.text,
        tokens: [...tokens, ...event.tokens],
        reason: null,
      };
  }
  return answers;
}

/** The counts that close a request. */
export function usageOf(events: readonly GenerateEvent[]): Usage {
  const last = events.at(-1);
  if (last?.type !== "done") throw new Error(`Cannot count: ${last?.type}`);
  return last.usage;
}

/** Natural logarithms of the probabilities [vocab] of the tokens, summed in f64. */
export function logSoftmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const highest = Math.max(...values);
  const total = values.reduce((sum, x) => sum + Math.exp(x - highest), 0);
  return values.map((x) => x - highest - Math.log(total));
}

/** Aborts after so many turns of the event loop; each block of a prefill and each token takes one. */
export function abortAfter(turns: number, reason: unknown): AbortSignal {
  const controller = new AbortController();
  const turn = () => {
    if (turns-- === 0) controller.abort(reason);
    else setImmediate(turn);
  };
  turn();
  return controller.signal;
}

/** The signal of a request that nobody leaves. */
export const STAYS = new AbortController().signal;
