/**
 * @module
 */
import { dot, normalised } from "../cosine.ts";
import type { Score } from "../method.ts";

/**
 * **Idea.** Keys that differ from the rest are the ones that queries find; no attention is needed to see which.
 * **Formula.** score = 1 − cos(k, mean of the normalised keys). **Cost.** Reads all keys. **Paper.** Park et al. 2025,
 * KeyDiff, arXiv 2504.15364, equation 4. **Departures.** Keys are compared before rotation, as they are held here.
 */
export function keydiffScore(): Score {
  return {
    needs: { keys: true },
    carried: 0,
    rank({ keys, live, headDim }, out) {
      const directions = normalised(keys, headDim);
      const mean = new Float32Array(headDim);
      for (let slot = 0; slot < live; slot++) {
        for (let i = 0; i < headDim; i++) {
          mean[i] += directions[slot * headDim + i];
        }
      }
      const direction = normalised(mean, headDim);
      for (let slot = 0; slot < live; slot++) {
        const at = slot * headDim;
        out[slot] = 1 - dot(directions, at, direction, 0, headDim);
      }
    },
  };
}
