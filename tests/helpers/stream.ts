/**
 * Feeds tokens to a runtime as a dialogue would, and collects logits.
 *
 * @module
 */
import { createLayout } from "../../src/cache/layout.ts";
import { type MethodName, METHODS } from "../../src/cache/methods.ts";
import { type CacheSize, methodLayout } from "../../src/cache/method_layout.ts";
import type { Method } from "../../src/cache/method.ts";
import { Planner } from "../../src/cache/planner.ts";
import type { KvCache, Runtime } from "../../src/model/runtime.ts";

/** A cache with the same number of slots everywhere. */
export function uniformCache(
  runtime: Runtime,
  slots: number,
  block: number,
  biased = false,
): KvCache {
  const { layers, kvHeads, headDim } = runtime.config;
  return runtime.createCache(
    createLayout({ layers, kvHeads, headDim, slots, block, biased }),
  );
}

/** A cache under a method that evicts, and what brings it back to its size. */
export interface BoundedCache {
  readonly cache: KvCache;
  readonly planner: Planner;
  compact(): Promise<void>;
}

/** A cache under a method. */
export function boundedCache(
  runtime: Runtime,
  given: MethodName | Method,
  size: CacheSize,
): BoundedCache {
  const method: Method = typeof given === "string" ? METHODS[given] : given;
  const score = method.score!({});
  const { config } = runtime;
  const layout = methodLayout(method, score, config, size);
  const { corrections } = method;
  const corrected = corrections ? { ...size, corrections } : null;
  const cache = runtime.createCache(layout, corrected);
  const queryHeads = config.heads / config.kvHeads;
  const planner = new Planner(cache.slots, method, score, size, queryHeads);
  return {
    cache,
    planner,
    async compact() {
      const seen = await runtime.observe(cache, planner.needs);
      await runtime.apply(cache, await planner.plan(seen));
    },
  };
}

/** Runs `tokens` in chunks of at most `chunk`; `visit` gets the logits of each, with its index. */
export async function run(
  runtime: Runtime,
  cache: KvCache,
  tokens: readonly number[],
  visit: (logits: Float32Array, index: number) => void = () => {},
  chunk = runtime.maxTokens,
): Promise<void> {
  for (let first = 0; first < tokens.length; first += chunk) {
    const part = tokens.slice(first, first + chunk);
    await runtime.forward(
      [{ cache, tokens: part, logits: "all" }],
      (logits, token) => visit(logits, first + token),
    );
  }
}

/** Runs `tokens` and copies the logits of all of them. */
export async function logitsOf(
  runtime: Runtime,
  cache: KvCache,
  tokens: readonly number[],
  chunk?: number,
): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  await run(runtime, cache, tokens, (row) => rows.push(row.slice()), chunk);
  return rows;
}

/** The index of the largest value, the first of equal ones. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if (values[i] > values[best]) best = i;
  }
  return best;
}
