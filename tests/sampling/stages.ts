import {
  type Candidates,
  createCandidates,
} from "../../src/sampling/candidates.ts";

/** Candidates 0, 1, 2, … with these weights, of which one should be 1. */
export function candidatesOf(weights: number[]): Candidates {
  const candidates = createCandidates(weights.length);
  candidates.weights.set(weights);
  candidates.ids.set(weights.map((_, id) => id));
  candidates.size = weights.length;
  return candidates;
}

/** The ids that are left. */
export function idsOf({ ids, size }: Candidates): number[] {
  return [...ids.subarray(0, size)];
}
