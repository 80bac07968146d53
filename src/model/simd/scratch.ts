/**
 * The buffers of a forward step, allocated once.
 *
 * @module
 */
import type { Activations } from "../../kernels/kernels.ts";
import { BLOCK } from "../../kernels/matrix.ts";
import type { LinearMemory } from "../../kernels/memory.ts";
import { narrowBytes } from "../../kernels/narrow_activations.ts";
import type { ModelConfig } from "../config.ts";

/** Tokens whose logits are computed together. */
export const LOGIT_ROWS = 4;

/** Pointers to f32 unless said; T is the most tokens of a step. */
export interface Scratch {
  /** [T, hidden] the residual stream */
  readonly residual: number;
  /** [T, hidden] the normalised input of a layer's products */
  readonly normed: Activations;
  /** [T, heads · headDim] */
  readonly query: number;
  /** [T, kvHeads · headDim] */
  readonly key: number;
  /** [T, kvHeads · headDim] */
  readonly value: number;
  /** [T, heads · headDim] */
  readonly attended: Activations;
  /** [T, hidden] what a layer's half adds to the residual stream */
  readonly update: number;
  /** [T, ffn] */
  readonly gate: Activations;
  /** [T, ffn] */
  readonly up: number;
  /** [LOGIT_ROWS, vocab rounded up to 4] */
  readonly logits: number;
}

/** Allocates the buffers for steps of at most `tokens` tokens. */
export function createScratch(
  memory: LinearMemory,
  config: ModelConfig,
  tokens: number,
): Scratch {
  const { hidden, heads, kvHeads, headDim, ffn, vocab } = config;
  // A product writes whole groups of four rows, so every width is rounded up.
  const padded = (width: number) => Math.ceil(width / 4) * 4;
  const floats = (width: number) => memory.allocate(tokens * padded(width) * 4);
  const blocks = (width: number) => tokens * Math.ceil(width / BLOCK);
  const activations = (width: number): Activations => ({
    values: floats(width),
    narrow: {
      bytes: memory.allocate(narrowBytes(tokens, width)),
      scales: memory.allocate(tokens * 4),
    },
    wide: {
      bytes: memory.allocate(blocks(width) * BLOCK * 2),
      scales: memory.allocate(blocks(width) * 4),
    },
  });
  return {
    residual: floats(hidden),
    normed: activations(hidden),
    query: floats(heads * headDim),
    key: floats(kvHeads * headDim),
    value: floats(kvHeads * headDim),
    attended: activations(heads * headDim),
    update: floats(hidden),
    gate: activations(ffn),
    up: floats(ffn),
    logits: memory.allocate(LOGIT_ROWS * padded(vocab) * 4),
  };
}
