/**
 * @module
 */
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
      const inverse = Float64Array.from({ length: live }, (_, slot) => {
        const key = keys.subarray(slot * headDim, (slot + 1) * headDim);
        return 1 / Math.sqrt(key.reduce((sum, x) => sum + x * x, 1e-12));
      });
      const mean = new Float64Array(headDim);
      keys.forEach((x, i) => {
        mean[i % headDim] += x * inverse[Math.floor(i / headDim)];
      });
      const length = Math.sqrt(mean.reduce((sum, x) => sum + x * x, 1e-12));
      for (let slot = 0; slot < live; slot++) {
        let dot = 0;
        for (let d = 0; d < headDim; d++) {
          dot += keys[slot * headDim + d] * mean[d];
        }
        out[slot] = 1 - dot * inverse[slot] / length;
      }
    },
  };
}
