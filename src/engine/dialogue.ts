/**
 * One dialogue's way through the model: tokens in, logits out, in a fixed number of slots.
 *
 * @module
 */
import type { CacheLayout } from "../cache/layout.ts";
import type { LearnedParts } from "../cache/learned_parts.ts";
import type { Method } from "../cache/method.ts";
import { type CacheSize, methodLayout } from "../cache/method_layout.ts";
import type { OptionValues } from "../cache/options.ts";
import { Planner } from "../cache/planner.ts";
import type { KvUsage } from "../cache/slots.ts";
import type { KvCache, Runtime, Sequence } from "../model/runtime.ts";
import { type OnLogits, Steps } from "./steps.ts";

/** The cache of a dialogue. */
export interface CacheOptions extends CacheSize {
  readonly methodName: string;
  /** With the learned parts that it uses. */
  readonly method: Method;
  /** Those of the model, for other methods and options than these. */
  readonly learned?: LearnedParts | null;
  /** The method's options; what is missing has its fallback. */
  readonly values?: OptionValues;
}

/** Where a dialogue stood. */
export interface DialogueState {
  readonly cache: Uint8Array<ArrayBuffer>;
  readonly tokens: readonly number[];
  /** [vocab] */
  readonly logits: Float32Array;
}

/** A step of one token. */
interface Step extends Sequence {
  top: number;
}

/** Feeds tokens to the model and compacts the cache whenever it is full. */
export class Dialogue implements Disposable {
  readonly options: CacheOptions;
  /** Where it stood before its last answer, if that is to be gone back to. */
  beforeAnswer: DialogueState | null = null;
  /** [vocab]: the logits behind the last token, if they were asked for; see `hasAllLogits`. */
  readonly logits: Float32Array;
  readonly #runtime: Runtime;
  readonly #cache: KvCache;
  /** What went through: as long as its prompts and answers, which requests send whole. */
  readonly #tokens: number[] = [];
  /** Null where nothing is ever evicted. */
  readonly #planner: Planner | null;
  readonly #steps: Steps;
  /** The one token of a step, and the step itself: nothing is made for each token. */
  readonly #token = new Int32Array(1);
  readonly #step: Step;
  #hasAllLogits = true;
  readonly #keepLogits = (logits: Float32Array): void =>
    this.logits.set(logits);

  /**
   * @param steps Those that it takes with others on the runtime; its own where it is alone.
   * @throws {RangeError} If there are too few slots for the method.
   * @throws {Error} If there is no memory for them.
   */
  constructor(
    runtime: Runtime,
    options: CacheOptions,
    steps: Steps = new Steps(runtime),
  ) {
    const { config } = runtime;
    const { method } = options;
    const score = method.score?.(options.values ?? {}) ?? null;
    const layout = methodLayout(method, score, config, options);
    this.#runtime = runtime;
    this.#steps = steps;
    this.options = options;
    this.logits = new Float32Array(config.vocab);
    this.#cache = createCache(runtime, layout, options);
    this.#step = {
      cache: this.#cache,
      tokens: this.#token,
      logits: "last",
      top: Infinity,
    };
    const { slots } = this.#cache;
    const queryHeads = config.heads / config.kvHeads;
    this.#planner = score &&
      new Planner(slots, method, score, options, queryHeads);
  }

  /** How many more tokens the dialogue can take; unbounded where the method evicts. */
  get capacity(): number {
    return this.#planner ? Infinity : this.#cache.slots.room;
  }

  /** The tokens that it has taken. */
  get tokens(): readonly number[] {
    return this.#tokens;
  }

  /** Whether `logits` may be drawn from in any way, not only by the highest. */
  get hasAllLogits(): boolean {
    return this.#hasAllLogits;
  }

  /** Whether its device is gone, and with it all that was read. */
  get isLost(): boolean {
    return this.#cache.isLost;
  }

  get usage(): KvUsage {
    return this.#cache.slots.usage(this.options.methodName);
  }

  /**
   * Takes many tokens, a block at a time, looking at `signal` between blocks.
   *
   * @param logits Whether `onLogits` is told about every token or the last one only.
   * @throws {RangeError} If nothing is ever evicted and the slots are full; they hold what came before then.
   */
  async prefill(
    tokens: readonly number[],
    logits: "all" | "last",
    onLogits: OnLogits,
    signal: AbortSignal,
  ): Promise<void> {
    const cache = this.#cache;
    for (let first = 0; first < tokens.length;) {
      await this.#makeRoom(signal);
      // Where there is no room at all, the runtime refuses the token.
      const most = Math.min(cache.slots.room, this.#steps.most) || 1;
      const chunk = tokens.slice(first, first + most);
      const isLast = first + most >= tokens.length;
      const wanted = logits === "all" ? "all" : isLast ? "last" : "none";
      await this.#steps.forward(
        { cache, tokens: chunk, logits: wanted },
        (values, token) => {
          if (first + token === tokens.length - 1) this.logits.set(values);
          onLogits(values, first + token);
        },
        signal,
      );
      this.#hasAllLogits = true;
      for (const token of chunk) this.#tokens.push(token);
      first += most;
    }
  }

  /**
   * Takes one token.
   *
   * @param top How many of the highest logits are enough; the others may be given as `LOWEST_LOGIT`.
   */
  async step(
    token: number,
    onLogits: OnLogits,
    signal: AbortSignal,
    top = Infinity,
  ): Promise<void> {
    await this.#makeRoom(signal);
    this.#token[0] = token;
    this.#step.top = top;
    await this.#steps.forward(this.#step, this.#keepLogits, signal);
    this.#hasAllLogits = top === Infinity;
    this.#tokens.push(token);
    onLogits(this.logits, 0);
  }

  /** Compacts at the end of a block, unless `signal` has aborted. */
  async #makeRoom(signal: AbortSignal): Promise<void> {
    const planner = this.#planner;
    if (!planner || this.#cache.slots.room > 0) return;
    await this.#steps.alone(async () => {
      signal.throwIfAborted();
      const seen = await this.#runtime.observe(this.#cache, planner.needs);
      await this.#runtime.apply(this.#cache, await planner.plan(seen));
    });
  }

  /**
   * A copy of where the dialogue stands.
   *
   * @param spent A state that nobody wants any more: what it took is used again, for two take as much as the slots twice.
   */
  async save(spent: DialogueState | null = null): Promise<DialogueState> {
    const cache = await this.#steps.alone(() =>
      this.#runtime.exportState(this.#cache, spent?.cache)
    );
    const logits = spent?.logits ?? new Float32Array(this.logits.length);
    logits.set(this.logits);
    return { cache, tokens: this.#tokens.slice(), logits };
  }

  /** Goes to where it, or another one with the same cache, stood. */
  async restore({ cache, tokens, logits }: DialogueState): Promise<void> {
    await this.#steps.alone(() =>
      this.#runtime.importState(this.#cache, cache)
    );
    this.#tokens.length = 0;
    for (const token of tokens) this.#tokens.push(token);
    this.logits.set(logits);
    this.#hasAllLogits = true;
  }

  /** Gives back what it took, and the state before its answer at once: nobody can tell when V8 would. */
  [Symbol.dispose](): void {
    this.#cache.dispose();
    this.beforeAnswer?.cache.buffer.transfer(0);
    this.beforeAnswer = null;
  }
}

/** No memory is the server's trouble, not the request's, so it is no RangeError here. */
function createCache(
  runtime: Runtime,
  layout: CacheLayout,
  { method: { corrections }, sinks, window }: CacheOptions,
): KvCache {
  const corrected = corrections ? { corrections, sinks, window } : null;
  try {
    return runtime.createCache(layout, corrected);
  } catch (cause) {
    throw new Error("Cannot hold another dialogue: no memory is left", {
      cause,
    });
  }
}
