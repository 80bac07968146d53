/**
 * Learned parts, made up: for tests that need no trained ones.
 *
 * @module
 */
import type { Corrections } from "../../src/cache/corrections.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { normal } from "./random.ts";

/** Random corrections; `size` is their standard deviation. */
export function madeUpCorrections(
  { layers, heads, headDim }: ModelConfig,
  size = 0.3,
): Corrections {
  const random = (seed: number, count: number) =>
    normal(seed, count).map((x) => x * size);
  return {
    stretch: random(1, layers * heads),
    sink: random(2, layers * heads),
    chosen: random(3, layers * heads),
    gain: random(4, layers * heads * headDim),
    offset: random(5, layers * heads * headDim),
  };
}
