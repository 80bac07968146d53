/**
 * The layout that a method asks for.
 *
 * @module
 */
import type { ModelConfig } from "../model/config.ts";
import { type CacheLayout, createLayout } from "./layout.ts";
import type { Method, Score } from "./method.ts";
import { joinNeeds } from "./needs.ts";
import type { Protection } from "./protection.ts";
import type { StoreName } from "./store/stores.ts";

/** Sizes of a dialogue's cache. */
export interface CacheSize extends Protection {
  /** Slots of each layer and key/value head after a compaction, on average. */
  readonly slots: number;
  /** Tokens between two compactions. */
  readonly block: number;
  /** Precision of the slots; default f32. */
  readonly store?: StoreName;
  /** Share of attention that prefill must compute where leaving out the rest pays; default 1: all. */
  readonly coverage?: number;
}

/**
 * Lays out the cache of a dialogue under `method`.
 *
 * @param score The method's score, new for this dialogue; null where it has none.
 * @throws {RangeError} If the slots cannot hold the sinks and the window.
 */
export function methodLayout(
  method: Method,
  score: Score | null,
  config: ModelConfig,
  size: CacheSize,
): CacheLayout {
  const { layers, kvHeads, headDim } = config;
  const { slots, block, sinks, window, store, coverage } = size;
  const shape = { layers, kvHeads, headDim, store, coverage };
  if (!score) return createLayout({ ...shape, slots, block: 0 });
  if (slots < sinks + window) {
    throw new RangeError(
      `Cannot keep ${sinks} sinks and a window of ${window} tokens in ${slots} slots`,
    );
  }
  const { queries = 0 } = joinNeeds(method, score);
  return createLayout({
    ...shape,
    slots: [...method.budget.divide(config, slots, sinks + window)],
    block,
    biased: method.fuse.biased,
    carried: score.carried,
    observed: queries === "block" ? block : Math.min(queries, block),
  });
}
