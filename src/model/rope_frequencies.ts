/**
 * @module
 */
import type { ModelConfig } from "./config.ts";

/**
 * How fast each pair of a head's values turns with the position.
 *
 * @param factors [ropeDim / 2] by which frequencies are divided, or null.
 * @returns [ropeDim / 2] radians per position.
 */
export function ropeFrequencies(
  { ropeDim, ropeBase, ropeScale }: ModelConfig,
  factors: Float32Array | null,
): Float64Array {
  return Float64Array.from(
    { length: ropeDim / 2 },
    (_, i) => ropeBase ** (-2 * i / ropeDim) / ropeScale / (factors?.[i] ?? 1),
  );
}
