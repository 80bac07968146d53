/**
 * The model that benches run, and what they have it read.
 *
 * @module
 */
import { resolveModel } from "../src/model/source.ts";

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

/** A text for when only time counts, token by token; bench/peers/peer.py has the same. */
export function tokenAt(index: number): number {
  return 100 + index * 7919 % 40_000;
}
