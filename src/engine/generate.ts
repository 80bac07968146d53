/**
 * The spine: one request from its prompt to its last event.
 *
 * @module
 */
import type { Runtime } from "../model/runtime.ts";
import type { ChatTemplate } from "../chat/template.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { Choice } from "./choice.ts";
import { type CacheOptions, Dialogue } from "./dialogue.ts";
import { ContextLengthError } from "./errors.ts";
import { encodePrompt } from "./prompt.ts";
import { chooseCache } from "./kv_choice.ts";
import { PromptEcho } from "./prompt_echo.ts";
import type { RequestQueue } from "./queue.ts";
import type { GenerateEvent, GenerateRequest } from "./types.ts";

/** What every request works with. */
export interface GenerateParts {
  readonly runtime: Runtime;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  readonly queue: RequestQueue;
  readonly cache: CacheOptions;
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
  try {
    using dialogue = new Dialogue(runtime, cache);
    const choices = Array.from(
      { length: request.choices },
      (_, index) => new Choice(parts, request, prompt, index),
    );
    const echo = new PromptEcho(tokenizer, prompt, request);
    yield { type: "start", promptTokens: prompt.length };

    const logits = new Float32Array(runtime.config.vocab);
    await dialogue.prefill(prompt, echo.logits, (values, index) => {
      echo.score(values, index);
      if (index === prompt.length - 1) logits.set(values);
    }, signal);
    const state = choices.length > 1 ? await dialogue.save() : null;

    let completionTokens = 0;
    for (const [index, choice] of choices.entries()) {
      if (index > 0 && state) await dialogue.restore(state);
      yield* echo.events(index);
      yield* choice.run(dialogue, logits, signal);
      completionTokens += choice.produced;
    }
    const usage = { promptTokens: prompt.length, completionTokens };
    yield { type: "done", usage: { ...usage, kv: dialogue.usage } };
  } finally {
    release();
  }
}
