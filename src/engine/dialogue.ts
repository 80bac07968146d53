/**
 * One dialogue's way through the model: tokens in, logits out, in a fixed number of slots.
 *
 * @module
 */
import { createLayout } from "../cache/layout.ts";
import type { Method } from "../cache/method.ts";
import { Planner } from "../cache/planner.ts";
import type { KvUsage } from "../cache/slots.ts";
import type { KvCache, Runtime } from "../model/runtime.ts";
import { breathe } from "./breathe.ts";

/** The cache of a dialogue. */
export interface CacheOptions {
  readonly methodName: string;
  readonly method: Method;
  /** Slots of each layer and key/value head after a compaction. */
  readonly slots: number;
  /** Tokens between two compactions. */
  readonly block: number;
  /** First tokens that stay for ever. */
  readonly sinks: number;
  /** Newest tokens that stay. */
  readonly window: number;
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
  /** The one token of a step. */
  readonly #token = new Int32Array(1);

  /** @throws {RangeError} If there is no memory for the slots, or too few of them. */
  constructor(runtime: Runtime, options: CacheOptions) {
    const { layers, kvHeads, headDim } = runtime.config;
    const { slots, method, block, sinks, window } = options;
    this.#runtime = runtime;
    this.#options = options;
    const layout = createLayout({
      layers,
      kvHeads,
      headDim,
      slots,
      block: method.score ? block : 0,
    });
    this.#cache = runtime.createCache(layout);
    this.#planner = method.score
      ? new Planner(this.#cache.slots, method, { sinks, window })
      : null;
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
   */
  async prefill(
    tokens: readonly number[],
    logits: "all" | "last",
    onLogits: OnLogits,
    signal: AbortSignal,
  ): Promise<void> {
    const cache = this.#cache;
    const most = Math.min(this.#options.block, this.#runtime.maxTokens);
    for (let first = 0; first < tokens.length; first += most) {
      await breathe(signal);
      const chunk = tokens.slice(first, first + most);
      await this.#makeRoom(chunk.length);
      const isLast = first + most >= tokens.length;
      const wanted = logits === "all" ? "all" : isLast ? "last" : "none";
      await this.#runtime.forward(
        [{ cache, tokens: chunk, logits: wanted }],
        (values, token) => onLogits(values, first + token),
      );
    }
  }

  /** Takes one token. */
  async step(
    token: number,
    onLogits: OnLogits,
    signal: AbortSignal,
  ): Promise<void> {
    await breathe(signal);
    await this.#makeRoom(1);
    this.#token[0] = token;
    const sequence = {
      cache: this.#cache,
      tokens: this.#token,
      logits: "last" as const,
    };
    await this.#runtime.forward([sequence], onLogits);
  }

  /** Compacts if fewer than `count` slots are free. */
  async #makeRoom(count: number): Promise<void> {
    if (this.#planner && this.#cache.slots.room < count) {
      await this.#runtime.apply(this.#cache, this.#planner.plan());
    }
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
