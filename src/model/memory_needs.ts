/**
 * How much memory a model and its dialogues take.
 *
 * @module
 */
import { type StoreName, STORES } from "../cache/store/stores.ts";
import { matrixBytes, PACKED } from "../kernels/matrix.ts";
import type { ModelConfig } from "./config.ts";
import type { GgufFile } from "./gguf.ts";
import { ROPE_ROWS } from "./simd/rope_table.ts";
import { LOGIT_ROWS } from "./simd/scratch.ts";

/**
 * Bytes of everything but the model and its dialogues: Deno, this program, the tokenizer, requests, and what V8 has not
 * collected yet. `deno task bench memory` prints what it is; this is more, for other machines and habits of V8.
 */
const PROCESS = 105e6;
/** Bytes of each thread but the first. */
const THREAD = 12e6;
/** Bytes for each value of a token's activations, in all the forms that kernels read. */
const ACTIVATION = 16;
/** Bytes for each token of the vocabulary while one is drawn from it: its logit, and what a sampler notes of it. */
const DRAW = 16;
/** Bytes of a slot on the host: its table, what a score remembers, the plan of a compaction. */
const SLOT = 64;
/** Of it, what a saved state has as well. */
const SAVED_SLOT = 40;
/** Bytes of a slot and unit beside its keys and values: attention and bias. */
const SUMS = 8;

/** Choices that decide how much it is. */
export interface MemoryChoices {
  readonly store: StoreName;
  readonly threads: number;
  /** Most tokens of one dialogue in a step, and between two compactions. */
  readonly block: number;
  /** Dialogues that run at once. */
  readonly parallel: number;
}

/** What the process takes at its peak, in bytes. */
export interface MemoryNeeds {
  /** Without any dialogue. */
  readonly fixed: number;
  /** A dialogue with so many slots, and the state before its answer. */
  dialogue(slots: number): number;
}

/** What a model needs on the CPU; more than it takes, not less. */
export function memoryNeeds(
  file: GgufFile,
  { store, threads, block, parallel }: MemoryChoices,
): MemoryNeeds {
  const { layers, kvHeads, headDim, vocab } = file.config;
  const units = layers * kvHeads;
  const spread = STORES[store].spreadBytes(headDim) + headDim * 8;
  const slotBytes = STORES[store].bytes(headDim);
  return {
    fixed: PROCESS + THREAD * (threads - 1) + weightBytes(file) +
      scratchBytes(file.config, block + parallel - 1) +
      DRAW * vocab * parallel,
    dialogue(slots) {
      const each = slots + block;
      const held = units * each * (slotBytes + SUMS + SLOT);
      const saved = units * each * (slotBytes + SAVED_SLOT);
      // Once for all dialogues, but their number is small.
      const worked = kvHeads * each * spread;
      return held + saved + worked + 2 * vocab * 4;
    },
  };
}

/** Bytes of all tensors as the kernels read them. */
function weightBytes({ tensors }: GgufFile): number {
  let sum = 0;
  for (const { type, rows, columns } of tensors.values()) {
    const paddedRows = Math.ceil(rows / 4) * 4;
    const matrix = { type: PACKED[type], pointer: 0, rows, columns };
    sum += rows === 1 ? columns * 4 : matrixBytes({ ...matrix, paddedRows });
  }
  return sum;
}

/** Bytes of what a step of so many tokens works with. */
function scratchBytes(config: ModelConfig, tokens: number): number {
  const { hidden, heads, headDim, ffn, vocab, ropeDim } = config;
  const values = hidden + heads * headDim + ffn;
  return tokens * values * ACTIVATION + LOGIT_ROWS * vocab * 4 +
    ROPE_ROWS * ropeDim * 8;
}
