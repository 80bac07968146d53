/**
 * Sends more than 20,000 tokens through the default model in 256 slots and lets it go on by itself. A process of its own,
 * so that its memory is nobody else's; prints an {@link EndlessRecord} as JSON.
 *
 * @module
 */
import { METHODS } from "../../src/cache/methods.ts";
import { Choice, createDrawSpace } from "../../src/engine/choice.ts";
import { type CacheOptions, Dialogue } from "../../src/engine/dialogue.ts";
import { RequestQueue } from "../../src/engine/queue.ts";
import { DEFAULT_SAMPLING } from "../../src/engine/types.ts";
import { readGguf } from "../../src/model/gguf.ts";
import { SimdRuntime } from "../../src/model/simd/runtime.ts";
import { logprobs } from "../../src/sampling/logprobs.ts";
import { createChatTemplate } from "../../src/chat/template.ts";
import { loadTokenizer } from "../../src/text/bpe_tokenizer.ts";
import { type Answer, answersOf, ask, collect, STAYS } from "./generation.ts";
import { readKlSet } from "./oracle.ts";
import { realModelPath } from "./real_model.ts";

/** Memory of the process and of the model in it, and slots in use. */
interface Stretch {
  readonly rss: number;
  readonly memory: number;
  readonly resident: number;
}

/** What was seen on the way. Logarithms are natural; memory is in bytes. */
export interface EndlessRecord {
  /** Tokens of one lap; every lap is the same text. */
  readonly lap: number;
  /** Tokens that went through. */
  readonly seen: number;
  /** After each 640 tokens of the laps. */
  readonly stretches: readonly Stretch[];
  /** Mean log-probability of a token of the second and of the last lap. */
  readonly second: number;
  readonly last: number;
  /** What the model says behind the last lap. */
  readonly tail: {
    readonly text: string;
    readonly ids: readonly number[];
    /** Mean log-probability of a token, in 256 slots and in a full cache behind the last 1,024 tokens. */
    readonly inSlots: number;
    readonly inFull: number;
  };
}

const LAPS = 8;
const STRETCH = 640;
const TAIL = 256;
/** Tokens before the tail that the full cache sees. */
const BEFORE = 1024;

const file = readGguf(realModelPath());
const tokenizer = loadTokenizer(file);
const runtime = await SimdRuntime.load(file);
const queue = new RequestQueue(0);
const template = createChatTemplate(null, tokenizer, { bos: "", eos: "" });
const endless: CacheOptions = {
  methodName: "streaming_llm",
  method: METHODS.streaming_llm,
  slots: 256,
  block: 64,
  sinks: 4,
  window: 32,
};
const full: CacheOptions = {
  ...endless,
  methodName: "full",
  method: METHODS.full,
  slots: BEFORE + TAIL,
};

/** Logits [vocab] behind the newest token. */
const newest = new Float32Array(runtime.config.vocab);
const stretches: Stretch[] = [];

/** Reads one lap; gives the mean log-probability of its tokens but the first where that is wanted. */
async function readLap(
  dialogue: Dialogue,
  text: readonly number[],
  scored: boolean,
): Promise<number> {
  let sum = 0;
  for (let first = 0; first < text.length; first += STRETCH) {
    const part = text.slice(first, first + STRETCH);
    await dialogue.prefill(part, scored ? "all" : "last", (logits, index) => {
      const next = text[first + index + 1];
      if (next !== undefined) sum += logprobs(logits, next, 0).logprob;
      if (index === part.length - 1) newest.set(logits);
    }, STAYS);
    stretches.push({
      rss: Deno.memoryUsage().rss,
      memory: runtime.memoryBytes,
      resident: dialogue.usage.resident,
    });
  }
  return sum / (text.length - 1);
}

/** Lets the model go on, by its own distribution; stop tokens are never drawn. */
async function goOn(dialogue: Dialogue): Promise<Answer> {
  const never = tokenizer.stopIds.map((id) => [id, -100] as const);
  const sampling = { ...DEFAULT_SAMPLING, seed: 1, logitBias: new Map(never) };
  const request = ask({ sampling, maxTokens: TAIL, logprobs: 0 });
  const space = createDrawSpace(runtime.config.vocab);
  const parts = { runtime, tokenizer, template, queue, cache: endless, space };
  const choice = new Choice({ ...parts, maxTokens: TAIL }, request, [], 0);
  const events = await collect(choice.run(dialogue, newest, STAYS));
  return answersOf(events)[0];
}

/** Mean log-probability of `tail` behind `before` when nothing is evicted. */
async function scoreInFull(
  before: readonly number[],
  tail: readonly number[],
): Promise<number> {
  using dialogue = new Dialogue(runtime, full);
  let sum = 0;
  const tokens = [...before, ...tail];
  await dialogue.prefill(tokens, "all", (logits, index) => {
    const next = index + 1;
    if (next < before.length || next === tokens.length) return;
    sum += logprobs(logits, tokens[next], 0).logprob;
  }, STAYS);
  return sum / tail.length;
}

async function record(): Promise<EndlessRecord> {
  const lap = (await readKlSet()).flatMap(({ tokens }) => tokens);
  using dialogue = new Dialogue(runtime, endless);
  const scores: number[] = [];
  for (let i = 0; i < LAPS; i++) {
    scores.push(await readLap(dialogue, lap, i === 1 || i === LAPS - 1));
  }
  const { text, tokens } = await goOn(dialogue);
  const ids = tokens.map(({ id }) => id);
  const sum = tokens.reduce((sum, { logprob }) => sum + (logprob ?? NaN), 0);
  return {
    lap: lap.length,
    seen: dialogue.usage.seen,
    stretches,
    second: scores[1],
    last: scores[LAPS - 1],
    tail: {
      text,
      ids,
      inSlots: sum / ids.length,
      inFull: await scoreInFull(lap.slice(-BEFORE), ids),
    },
  };
}

if (import.meta.main) console.log(JSON.stringify(await record()));
