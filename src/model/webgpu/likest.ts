/**
 * @module
 */
import { dot } from "../../cache/cosine.ts";
import type { Likest } from "../../cache/unit_view.ts";

/** Lets a zero vector be compared. */
const TINY = 1e-24;

/**
 * Compares a unit's keys on the host, once they are read back from the device: see `Observation.likest`.
 *
 * @param keys [live, headDim] as they are seen; headDim a multiple of 4.
 * @param kept As of `Observation.likest`.
 * @param seekers [n, 3], likewise.
 */
export function likestOf(
  keys: Float32Array,
  headDim: number,
  kept: Int32Array,
  seekers: Int32Array,
): Likest {
  const lengths = lengthsOf(keys, headDim);
  const count = seekers.length / 3;
  const targets = new Int32Array(count).fill(-1);
  const cosines = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const slot = seekers[3 * i], end = seekers[3 * i + 2];
    let most = -Infinity;
    for (let k = seekers[3 * i + 1]; k < end; k++) {
      const at = kept[k] * headDim;
      const product = dot(keys, slot * headDim, keys, at, headDim);
      const cosine = product / (lengths[slot] * lengths[kept[k]]);
      if (cosine > most) [most, targets[i]] = [cosine, kept[k]];
    }
    cosines[i] = most;
  }
  return { targets, cosines };
}

/** [live]: the length of each key; of none is it 0. */
function lengthsOf(keys: Float32Array, headDim: number): Float64Array {
  return Float64Array.from({ length: keys.length / headDim }, (_, slot) => {
    const at = slot * headDim;
    return Math.sqrt(dot(keys, at, keys, at, headDim) + TINY);
  });
}
