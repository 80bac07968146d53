/**
 * Learned parts, made up: for tests that need no trained ones.
 *
 * @module
 */
import { GATE_FEATURES } from "../../src/cache/fuse/absorb.ts";
import type { Corrections } from "../../src/cache/corrections.ts";
import type { LearnedParts } from "../../src/cache/learned_parts.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { normal } from "./random.ts";

/** Everything that can be learned of a model, at random. */
export function madeUpParts(config: ModelConfig): LearnedParts {
  const { layers, kvHeads, headDim } = config;
  const units = layers * kvHeads;
  const weights = (seed: number) => normal(seed, units * (headDim + 5));
  return {
    name: "made up",
    sha256: "",
    score: { text: weights(11), chat: weights(12), share: 0.25, pool: 7 },
    budgets: {
      sizes: [8, 32, 128],
      errors: Array.from(
        { length: units },
        (_, unit) => [1, 0.5, 0.1].map((error) => error * (1 + unit)),
      ),
    },
    corrections: madeUpCorrections(config),
    absorb: {
      gate: normal(13, units * GATE_FEATURES).map((x, i) =>
        x * 0.2 + [-1.6, 1, -1, 0, 0, 0][i % GATE_FEATURES]
      ),
      pool: 7,
    },
    lococo: {
      convolutions: Array.from({ length: layers }, (_, layer) => ({
        rows: 6,
        taps: 3,
        weight: normal(20 + layer, 6 * 3 * 2 * headDim),
        bias: normal(40 + layer, 6),
      })),
      blend: Float32Array.from({ length: layers }, () => 0.5),
    },
    far: 64,
  };
}

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
