/**
 * @module
 */
import type { KeySearch } from "./key_search.ts";
import type { LinearMemory } from "./memory.ts";

/** Lets a zero vector be compared. */
const TINY = 1e-24;

/**
 * Defines `likest` and `likestBytes`: fills the targets and cosines of a search.
 *
 * @param values What its keys are in, from index `start` on.
 */
export function findLikest(
  { i32, f32 }: LinearMemory,
  values: Float32Array | Int8Array,
  start: number,
  { kept, seekers, count, headDim, targets, cosines }: KeySearch,
): void {
  const keyOf = (slot: number) => {
    const from = start + slot * headDim;
    return values.subarray(from, from + headDim);
  };
  const dot = (a: number, b: number) => {
    const x = keyOf(a), y = keyOf(b);
    let sum = 0;
    for (let i = 0; i < headDim; i++) sum += x[i] * y[i];
    return sum;
  };
  const length = (slot: number) => Math.sqrt(dot(slot, slot) + TINY);
  for (let i = 0; i < count; i++) {
    const [slot, from, end] = i32.subarray(seekers / 4 + i * 3);
    let best = -1, most = -Infinity;
    for (const other of i32.subarray(kept / 4 + from, kept / 4 + end)) {
      const cosine = dot(slot, other) / (length(slot) * length(other));
      if (cosine > most) [best, most] = [other, cosine];
    }
    i32[targets / 4 + i] = best;
    f32[cosines / 4 + i] = most;
  }
}
