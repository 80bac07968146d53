/**
 * Where `quantize` puts activations of 8 bits, which matrices of 4 bits multiply; `simd/quantize.ts` has the reasons.
 *
 * @module
 */
import { BLOCK } from "./matrix.ts";

/** The largest byte times the largest multiplier: how many units the largest value of a token has. */
export const MOST_UNITS = 127 * 32767;

/** Bytes of a block of a token, at most. */
const MOST_BYTES = 48;
/** Bytes of a block of a token that has three others beside it. */
const SHARED_BYTES = 44;

/** Offsets in bytes. */
export interface NarrowBlock {
  /** Of the 16 bytes of either half. */
  readonly bytes: readonly [number, number];
  /** Of either half's multiplier, u16, twice. */
  readonly multipliers: readonly [number, number];
  /** Of the block's sum in units, f32. */
  readonly sum: number;
}

/** Bytes that `tokens` rows of `columns` values take. */
export function narrowBytes(tokens: number, columns: number): number {
  return tokens * Math.ceil(columns / BLOCK) * MOST_BYTES;
}

/** Bytes before a token that begins a group of four. */
export function narrowOffset(token: number, columns: number): number {
  return token * columns / BLOCK * SHARED_BYTES;
}

/** The parts of a token's block. */
export function narrowBlock(
  tokens: number,
  columns: number,
  token: number,
  block: number,
): NarrowBlock {
  const lane = token % 4;
  const group = token - lane;
  const start = narrowOffset(group, columns);
  if (group + 4 <= tokens) {
    const at = start + block * 4 * SHARED_BYTES;
    return {
      bytes: [at + 16 + lane * 16, at + 96 + lane * 16],
      multipliers: [at + lane * 4, at + 80 + lane * 4],
      sum: at + 160 + lane * 4,
    };
  }
  const at = start + (lane * columns / BLOCK + block) * MOST_BYTES;
  return {
    bytes: [at, at + 16],
    multipliers: [at + 32, at + 36],
    sum: at + 40,
  };
}
