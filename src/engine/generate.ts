/**
 * The spine: one request from its prompt to its last event.
 *
 * @module
 */
import type { Runtime } from "../model/runtime.ts";
import type { ChatTemplate } from "../chat/template.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { Choice, type DrawSpace } from "./choice.ts";
import { type CacheOptions, Dialogue } from "./dialogue.ts";
import { ContextLengthError } from "./errors.ts";
import type { KeptDialogues } from "./kept_dialogues.ts";
import { chooseCache } from "./kv_choice.ts";
import { encodePrompt } from "./prompt.ts";
import { PromptEcho } from "./prompt_echo.ts";
import type { RequestQueue } from "./queue.ts";
import type { Steps } from "./steps.ts";
import type { GenerateEvent, GenerateRequest } from "./types.ts";

/** What every request works with. */
export interface GenerateParts {
  readonly runtime: Runtime;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  readonly queue: RequestQueue;
  readonly kept: KeptDialogues;
  readonly cache: CacheOptions;
  /** In which all dialogues take their steps on the runtime. */
  readonly steps: Steps;
  /** One for each request that can have its turn, those of running ones taken out. */
  readonly spaces: DrawSpace[];
  /** Most tokens of an answer that names no bound. */
  readonly maxTokens: number;
}

/** See `Engine.generate`. */
export async function* generate(
  parts: GenerateParts,
  request: GenerateRequest,
  signal: AbortSignal,
): AsyncGenerator<GenerateEvent, void, void> {
  const { tokenizer, template, runtime } = parts;
  const cache = request.kv
    ? chooseCache(runtime, parts.cache, request.kv)
    : parts.cache;
  const prompt = encodePrompt(tokenizer, template, request.prompt);
  if (!cache.method.score && prompt.length > cache.slots) {
    throw new ContextLengthError(prompt.length, cache.slots);
  }
  const release = await parts.queue.acquire(signal);
  const space = parts.spaces.pop()!;
  let dialogue: Dialogue | null = null;
  try {
    const echo = new PromptEcho(tokenizer, prompt, request);
    dialogue = await open(parts, cache, echo.logits === "last" ? prompt : []);
    yield* answer(parts, request, { prompt, echo, dialogue, space }, signal);
  } catch (error) {
    // An abort comes between two steps; after anything else the dialogue may be half-way through one.
    if (!signal.aborted || error !== signal.reason) {
      dialogue?.[Symbol.dispose]();
      dialogue = null;
    }
    throw error;
  } finally {
    if (dialogue) parts.kept.put(dialogue, parts.queue.running);
    parts.spaces.push(space);
    release();
  }
}

/** The kept dialogue that has read most of `known`, or a new one. */
async function open(
  { kept, queue, runtime, steps }: GenerateParts,
  cache: CacheOptions,
  known: readonly number[],
): Promise<Dialogue> {
  const found = await kept.take(known, cache);
  if (found) return found;
  kept.makeRoom(queue.running);
  return new Dialogue(runtime, cache, steps);
}

/** A prompt and what is to answer it. */
interface Turn {
  readonly prompt: readonly number[];
  readonly echo: PromptEcho;
  readonly dialogue: Dialogue;
  readonly space: DrawSpace;
}

async function* answer(
  parts: GenerateParts,
  request: GenerateRequest,
  { prompt, echo, dialogue, space }: Turn,
  signal: AbortSignal,
): AsyncGenerator<GenerateEvent, void, void> {
  const choices = Array.from(
    { length: request.choices },
    (_, index) => new Choice({ ...parts, space }, request, prompt, index),
  );
  const cachedTokens = dialogue.tokens.length;
  yield { type: "start", promptTokens: prompt.length };

  const score = echo.score.bind(echo);
  await dialogue.prefill(
    prompt.slice(cachedTokens),
    echo.logits,
    score,
    signal,
  );
  const state = parts.kept.keeps || choices.length > 1
    ? await dialogue.save(dialogue.beforeAnswer)
    : null;
  dialogue.beforeAnswer = state;

  let completionTokens = 0;
  for (const [index, choice] of choices.entries()) {
    if (index > 0 && state) await dialogue.restore(state);
    yield* echo.events(index);
    yield* choice.run(dialogue, dialogue.logits, signal);
    completionTokens += choice.produced;
  }
  const usage = {
    promptTokens: prompt.length,
    cachedTokens,
    completionTokens,
    kv: dialogue.usage,
  };
  yield { type: "done", usage };
}
