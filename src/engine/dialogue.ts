/**
 * One dialogue's way through the model: tokens in, logits out, in a fixed number of slots.
 *
 * @module
 */
import type { CacheLayout } from "../cache/layout.ts";
import type { Method } from "../cache/method.ts";
import { type CacheSize, methodLayout } from "../cache/method_layout.ts";
import type { OptionValues } from "../cache/options.ts";
import { Planner } from "../cache/planner.ts";
import type { KvUsage } from "../cache/slots.ts";
import type { KvCache, Runtime } from "../model/runtime.ts";
import { Breath } from "./breath.ts";

/** The cache of a dialogue. */
export interface CacheOptions extends CacheSize {
  readonly methodName: string;
  readonly method: Method;
  /** The method's options; what is missing has its fallback. */
  readonly values?: OptionValues;
}

/** Receives the logits [vocab] of the token at `index`; valid during the call only. */
export type OnLogits = (logits: Float32Array, index: number) => void;

/** Feeds tokens to the model and compacts the cache whenever it is full. */
export class Dialogue implements Disposable {
  readonly #runtime: Runtime;
  readonly #options: CacheOptions;
  readonly #cache: KvCache;
  /** Null where nothing is ever evicted. */
  readonly #planner: Planner | null;
  readonly #breath = new Breath();
  /** The one token of a step. */
  readonly #token = new Int32Array(1);

  /**
   * @throws {RangeError} If there are too few slots for the method.
   * @throws {Error} If there is no memory for them.
   */
  constructor(runtime: Runtime, options: CacheOptions) {
    const { config } = runtime;
    const { method } = options;
    const score = method.score?.(options.values ?? {}) ?? null;
    const layout = methodLayout(method, score, config, options);
    this.#runtime = runtime;
    this.#options = options;
    this.#cache = createCache(runtime, layout);
    const { slots } = this.#cache;
    const queryHeads = config.heads / config.kvHeads;
    this.#planner = score &&
      new Planner(slots, method, score, options, queryHeads);
  }

  /** How many more tokens the dialogue can take; unbounded where the method evicts. */
  get capacity(): number {
    return this.#planner ? Infinity : this.#cache.slots.room;
  }

  get usage(): KvUsage {
    return this.#cache.slots.usage(this.#options.methodName);
  }

  /**
   * Takes many tokens, a block at a time, checking `signal` between blocks.
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
      await this.#breath.take(signal);
      await this.#makeRoom();
      // Where there is no room at all, the runtime refuses the token.
      const most = Math.min(cache.slots.room, this.#runtime.maxTokens) || 1;
      const chunk = tokens.slice(first, first + most);
      const isLast = first + most >= tokens.length;
      const wanted = logits === "all" ? "all" : isLast ? "last" : "none";
      await this.#runtime.forward(
        [{ cache, tokens: chunk, logits: wanted }],
        (values, token) => onLogits(values, first + token),
      );
      first += most;
    }
  }

  /** Takes one token. */
  async step(
    token: number,
    onLogits: OnLogits,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#breath.take(signal);
    await this.#makeRoom();
    this.#token[0] = token;
    const sequence = {
      cache: this.#cache,
      tokens: this.#token,
      logits: "last" as const,
    };
    await this.#runtime.forward([sequence], onLogits);
  }

  /** Compacts at the end of a block. */
  async #makeRoom(): Promise<void> {
    const planner = this.#planner;
    if (!planner || this.#cache.slots.room > 0) return;
    const seen = await this.#runtime.observe(this.#cache, planner.needs);
    await this.#runtime.apply(this.#cache, planner.plan(seen));
  }

  /** A copy of where the dialogue stands. */
  save(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#runtime.exportState(this.#cache);
  }

  /** Goes back to a saved state. */
  restore(state: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#runtime.importState(this.#cache, state);
  }

  [Symbol.dispose](): void {
    this.#cache.dispose();
  }
}

/** No memory is the server's trouble, not the request's, so it is no RangeError here. */
function createCache(runtime: Runtime, layout: CacheLayout): KvCache {
  try {
    return runtime.createCache(layout);
  } catch (cause) {
    throw new Error("Cannot hold another dialogue: no memory is left", {
      cause,
    });
  }
}
