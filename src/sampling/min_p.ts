/**
 * A floor that moves with the likeliest token (Nguyen et al. 2024, arXiv:2407.01082).
 *
 * @module
 */
import type { Candidates } from "./candidates.ts";

/** Keeps the candidates at least `p` times as likely as the likeliest; 0 keeps all. */
export function minP(candidates: Candidates, p: number): void {
  if (p <= 0) return;
  const { ids, weights, size } = candidates;
  const floor = Math.fround(Math.min(p, 1)); // as the likeliest has weight 1
  let kept = 0;
  for (let at = 0; at < size; at++) {
    if (weights[at] < floor) continue;
    ids[kept] = ids[at];
    weights[kept++] = weights[at];
  }
  candidates.size = kept;
}
