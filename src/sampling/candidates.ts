/**
 * The tokens that may be drawn, which the stages of sampling narrow down.
 *
 * @module
 */

/** Buckets of the histogram by which the heaviest candidates are found: 11 bits of a weight at a time. */
export const BUCKETS = 2048;

/** Memory for one distribution over the vocabulary; made once, refilled at each token. */
export interface Candidates {
  /** The first `size` entries hold token ids, ascending. */
  readonly ids: Int32Array; // [vocab]
  /** How likely each is against the likeliest of the vocabulary, which has 1. */
  readonly weights: Float32Array; // [vocab]
  /** The bits of `weights`; as no weight is negative, they rise as the weights do. */
  readonly bits: Uint32Array; // [vocab], same memory as weights
  readonly histogram: Float64Array; // [BUCKETS]
  size: number;
}

/** An empty set with room for `vocab` tokens. */
export function createCandidates(vocab: number): Candidates {
  const weights = new Float32Array(vocab);
  return {
    ids: new Int32Array(vocab),
    weights,
    bits: new Uint32Array(weights.buffer),
    histogram: new Float64Array(BUCKETS),
    size: 0,
  };
}

/** Sum of the weights. */
export function totalWeight({ weights, size }: Candidates): number {
  let total = 0;
  for (let at = 0; at < size; at++) total += weights[at];
  return total;
}
