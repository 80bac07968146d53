/**
 * An engine whose answers are written down beforehand, for tests of what
 * stands around it. Its queue and how it heeds signals are the real ones.
 *
 * @module
 */
import { RequestQueue } from "../../src/engine/queue.ts";
import type {
  Engine,
  GenerateEvent,
  GenerateRequest,
  KvChoice,
  KvUsage,
  ModelInfo,
  ScoredToken,
} from "../../src/engine/types.ts";

/** What one request gives once it has its turn. */
export type Script = (
  request: GenerateRequest,
  signal: AbortSignal,
) => AsyncIterable<GenerateEvent> | Iterable<GenerateEvent>;

export const SCRIPTED_INFO = Object.freeze<ModelInfo>({
  id: "scripted",
  created: 1_700_000_000,
  contextLength: 2048,
  method: "streaming_llm",
  slots: 512,
  runtime: "simd",
  learned: null,
  methods: [{
    name: "streaming_llm",
    summary: "Keeps the first few tokens and the newest.",
    paper: "arXiv 2309.17453",
    options: {},
    learned: "none",
  }],
});

/** Plays `script` for every request; its vocabulary is the 256 bytes. */
export class ScriptedEngine implements Engine {
  readonly info = SCRIPTED_INFO;
  /** All requests that came, in order. */
  readonly requests: GenerateRequest[] = [];
  closed = false;
  readonly #script: Script;
  readonly #queue: RequestQueue;

  constructor(script: Script, { queue = 16 } = {}) {
    this.#script = script;
    this.#queue = new RequestQueue(queue);
  }

  get load() {
    return { running: this.#queue.running, waiting: this.#queue.waiting };
  }

  async *generate(
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<GenerateEvent, void, void> {
    this.requests.push(request);
    const release = await this.#queue.acquire(signal);
    try {
      for await (const event of this.#script(request, signal)) {
        signal.throwIfAborted();
        yield event;
      }
    } finally {
      release();
    }
  }

  checkKv(choice: KvChoice): void {
    if (!choice.slots || choice.slots <= SCRIPTED_INFO.slots) return;
    throw new RangeError(`Cannot use kv.slots ${choice.slots}`);
  }

  tokenBytes(id: number): Uint8Array {
    if (id >= 0 && id < 256) return Uint8Array.of(id);
    throw new RangeError(`Cannot find token ${id}: there are 256`);
  }

  close(): void {
    this.closed = true;
    this.#queue.close();
  }
}

export const SCRIPTED_KV: KvUsage = Object.freeze({
  method: "streaming_llm",
  slots: 512,
  seen: 9,
  resident: 6,
  fused: 1,
  evicted: 2,
  recalled: 0,
});

/** A token of the scripted vocabulary or of several bytes, scored. */
export function scored(
  bytes: string | readonly number[],
  logprob: number | null = -0.5,
  top: ScoredToken["top"] = [],
): ScoredToken {
  const encoded = typeof bytes === "string"
    ? new TextEncoder().encode(bytes)
    : Uint8Array.from(bytes);
  return { id: encoded[0], bytes: encoded, logprob, top };
}

/**
 * A script that says `pieces` in every choice, each a token, after the prompt
 * `echo` where that is wanted.
 */
export function says(
  pieces: readonly string[],
  { echo = "" } = {},
): Script {
  return function* (request) {
    yield { type: "start", promptTokens: 7 };
    for (let choice = 0; choice < request.choices; choice++) {
      const wanted = request.maxTokens === 0 ? [] : pieces;
      for (const text of request.echo ? [echo, ...wanted] : wanted) {
        const tokens = request.logprobs === null ? [] : [scored(text)];
        yield { type: "text", choice, text, tokens };
      }
      yield { type: "finish", choice, reason: "stop" };
    }
    const completionTokens = pieces.length * request.choices;
    const usage = {
      promptTokens: 7,
      cachedTokens: 0,
      completionTokens,
      kv: SCRIPTED_KV,
    };
    yield { type: "done", usage };
  };
}

/** Never ends by itself: throws the signal's reason when it aborts. */
export function hangs(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else {
      signal.addEventListener("abort", () => reject(signal.reason), {
        once: true,
      });
    }
  });
}

/** A script that works on the prompt for ever: before or after `start`. */
export function hangsInPrefill({ beforeStart = false } = {}): Script {
  return async function* (_, signal) {
    if (!beforeStart) yield { type: "start", promptTokens: 7 };
    await hangs(signal);
  };
}

/** A script that says one word and then nothing for ever. */
export const hangsInDecode: Script = async function* (_, signal) {
  yield { type: "start", promptTokens: 7 };
  yield { type: "text", choice: 0, text: "word", tokens: [] };
  await hangs(signal);
};

/** Waits until `condition` holds, which it must within `seconds`. */
export async function until(
  condition: () => boolean,
  seconds = 30,
): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!condition()) {
    if (performance.now() > deadline) {
      throw new Error(`Cannot wait longer: not so after ${seconds} s`);
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
