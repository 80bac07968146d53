/**
 * The operations that threads share, and how each is cut: products by rows, what is done token by token by tokens; the others
 * are done whole.
 *
 * @module
 */
import { scoreBytes } from "../kernels.ts";
import { narrowOffset } from "../narrow_activations.ts";
import type { Exports } from "../simd.ts";

/** A kernel as the compiled module exports it. */
export type KernelCall = (...args: number[]) => void;

/**
 * Does a part of a command.
 *
 * @param c Where its arguments are, from `a` on: those of the kernel, for the whole of it.
 * @param part Which one, of 0 … `parts` - 1. Commands of a task have their parts in the same places.
 * @param scratch Pointer to scratch space of the thread's own.
 */
export type Player = (
  c: Float64Array,
  a: number,
  part: number,
  parts: number,
  scratch: number,
) => void;

/** Parts have a multiple of so many rows of a matrix: whole groups of those that are interleaved. */
const ROWS = 8;
/** Parts have a multiple of so many tokens: those whose bytes lie together, see `quantizeNarrow`. */
export const TOKENS = 4;

const OPERATIONS = {
  matmulQ4: quantisedProduct(20),
  matmulQ8: quantisedProduct(34),
  matmulF16: floatProduct(2),
  matmulF32: floatProduct(4),
  swiglu: (run) => (c, a, part, parts) => {
    const columns = c[a + 2];
    const first = edge(columns, ROWS, part, parts);
    const count = edge(columns, ROWS, part + 1, parts) - first;
    const at = first * 4;
    run(c[a] + at, c[a + 1] + at, count, c[a + 3], c[a + 4]);
  },
  add: (run) => (c, a, part, parts) => {
    const tokens = c[a + 2], columns = c[a + 3];
    const first = edge(tokens, TOKENS, part, parts);
    const count = edge(tokens, TOKENS, part + 1, parts) - first;
    const at = first * columns * 4;
    run(c[a] + at, c[a + 1] + at, count, columns);
  },
  rmsNorm: (run) => (c, a, part, parts) => {
    const tokens = c[a + 3], columns = c[a + 4];
    const first = edge(tokens, TOKENS, part, parts);
    const count = edge(tokens, TOKENS, part + 1, parts) - first;
    const at = first * columns * 4;
    run(c[a] + at, c[a + 1], c[a + 2] + at, count, columns, c[a + 5]);
  },
  quantizeNarrow: (run) => (c, a, part, parts) => {
    const tokens = c[a + 3], columns = c[a + 4];
    const first = edge(tokens, TOKENS, part, parts);
    const count = edge(tokens, TOKENS, part + 1, parts) - first;
    const x = c[a] + first * columns * 4;
    const bytes = c[a + 1] + narrowOffset(first, columns);
    run(x, bytes, c[a + 2] + first * 4, count, columns);
  },
  quantizeWide: (run) => (c, a, part, parts) => {
    const tokens = c[a + 3], columns = c[a + 4];
    const first = edge(tokens, TOKENS, part, parts);
    const count = edge(tokens, TOKENS, part + 1, parts) - first;
    const values = first * columns;
    const scales = c[a + 2] + values / 8;
    run(c[a] + values * 4, c[a + 1] + values * 2, scales, count, columns);
  },
  attend: (run) => (c, a, _part, _parts, scratch) => {
    // deno-fmt-ignore
    run(c[a], c[a + 1], c[a + 2], c[a + 3], c[a + 4], c[a + 5], scratch,
      c[a + 7], c[a + 8], c[a + 9], c[a + 10], c[a + 11], c[a + 12], c[a + 13],
      c[a + 14], c[a + 15]);
  },
  attendInt8: (run) => (c, a, _part, _parts, scratch) => {
    const words = scratch + alignedScoreBytes(c[a + 13] + c[a + 14]);
    // deno-fmt-ignore
    run(c[a], c[a + 1], c[a + 2], c[a + 3], c[a + 4], c[a + 5], c[a + 6],
      c[a + 7], scratch, words, c[a + 10], c[a + 11], c[a + 12], c[a + 13],
      c[a + 14], c[a + 15], c[a + 16], c[a + 17], c[a + 18]);
  },
  correct: whole,
  rotate: whole,
  copy: whole,
  encode: whole,
  encodeKey: whole,
  turnKey: whole,
  hadamard: whole,
  encodeNibbles: whole,
} satisfies { [K in keyof Exports]?: (run: KernelCall) => Player };

/** Operations that threads share. A command has the index of its own. */
export type Shared = keyof typeof OPERATIONS;
export const NAMES = Object.keys(OPERATIONS) as readonly Shared[];

/** How a thread does each of {@link NAMES}. */
export function createPlayers(wasm: Exports): readonly Player[] {
  return NAMES.map((name) => OPERATIONS[name](wasm[name]));
}

/** As `scoreBytes`, rounded up to whole cache lines: where words of attention begin. */
export function alignedScoreBytes(slots: number): number {
  return Math.ceil(scoreBytes(slots) / 64) * 64;
}

/** Where part `part` of `parts` begins: a multiple of `unit`, or the end. */
function edge(
  all: number,
  unit: number,
  part: number,
  parts: number,
): number {
  if (part === parts) return all;
  return Math.floor(all * part / (unit * parts)) * unit;
}

/** @param bytes Of a row's block of 32. */
function quantisedProduct(bytes: number): (run: KernelCall) => Player {
  return (run) => (c, a, part, parts) => {
    const rows = c[a + 5], blocks = c[a + 6];
    const first = edge(rows, ROWS, part, parts);
    const count = edge(rows, ROWS, part + 1, parts) - first;
    const w = c[a] + first * blocks * bytes;
    const y = c[a + 3] + first * 4;
    run(w, c[a + 1], c[a + 2], y, c[a + 4], count, blocks, c[a + 7]);
  };
}

/** @param bytes Of a weight. */
function floatProduct(bytes: number): (run: KernelCall) => Player {
  return (run) => (c, a, part, parts) => {
    const rows = c[a + 4], columns = c[a + 5];
    const first = edge(rows, ROWS, part, parts);
    const count = edge(rows, ROWS, part + 1, parts) - first;
    const w = c[a] + first * columns * bytes;
    const y = c[a + 2] + first * 4;
    run(w, c[a + 1], y, c[a + 3], count, columns, c[a + 6]);
  };
}

/** Up to seven arguments, as they are; what a kernel does not take, it ignores. */
function whole(run: KernelCall): Player {
  return (c, a) =>
    run(c[a], c[a + 1], c[a + 2], c[a + 3], c[a + 4], c[a + 5], c[a + 6]);
}
