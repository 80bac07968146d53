/**
 * The model that benches run, and what they have it read.
 *
 * @module
 */
import type { LearnedParts } from "../src/cache/learned_parts.ts";
import { withLearned } from "../src/cache/method.ts";
import { type MethodName, METHODS } from "../src/cache/methods.ts";
import type { CacheOptions } from "../src/engine/dialogue.ts";
import { resolveModel } from "../src/model/source.ts";

/** What is measured unless asked for otherwise: as the server's flags are by default. */
export const USUAL = { block: 64, sinks: 4, window: 32 } as const;

/**
 * The path of a model's file, which is got where it is missing.
 *
 * @param source As `deno task serve` takes it; null for the default model.
 * @param log Receives what happens, a line at a time.
 * @throws {ModelError} If no source has it.
 */
export function findModel(
  source: string | null,
  log: (line: string) => void = console.log,
): Promise<string> {
  const options = { cacheDir: ".cache/models", log, progress: false };
  return resolveModel(source, options, new AbortController().signal);
}

/** A cache with a method's own options. */
export function usualCache(
  methodName: MethodName,
  learned: LearnedParts | null,
  size: Pick<CacheOptions, "slots" | "store">,
): CacheOptions {
  const method = withLearned(METHODS[methodName], learned, {});
  return { methodName, method, ...USUAL, ...size };
}

/** A text for when only time counts, token by token; bench/peers/peer.py has the same. */
export function tokenAt(index: number): number {
  return 100 + index * 7919 % 40_000;
}

/** So many tokens of that text. */
export function tokensFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => tokenAt(first + i));
}
