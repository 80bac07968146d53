/**
 * The nucleus (Holtzman et al. 2019, arXiv:1904.09751).
 *
 * @module
 */
import { type Candidates, totalWeight } from "./candidates.ts";
import { keepHeaviest } from "./heaviest.ts";

/** Keeps the fewest candidates that hold at least `p` of the probability; 1 keeps all. */
export function topP(candidates: Candidates, p: number): void {
  if (p >= 1) return;
  keepHeaviest(candidates, p * totalWeight(candidates), "weight");
}
