/**
 * The choice by chance.
 *
 * @module
 */
import { type Candidates, totalWeight } from "./candidates.ts";

/**
 * The candidate into whose share of the total weight `point` falls. As candidates lie in order of id, a
 * small change of the logits rarely changes what is drawn.
 *
 * @param point In [0, 1), uniformly distributed.
 */
export function draw(candidates: Candidates, point: number): number {
  const { ids, weights, size } = candidates;
  let left = point * totalWeight(candidates);
  let last = 0;
  for (let at = 0; at < size; at++) {
    if (weights[at] === 0) continue;
    if (left < weights[at]) return ids[at];
    left -= weights[at];
    last = at;
  }
  return ids[last]; // reached only by rounding
}
