/**
 * The k most likely tokens (Fan et al. 2018, arXiv:1805.04833).
 *
 * @module
 */
import type { Candidates } from "./candidates.ts";
import { keepHeaviest } from "./heaviest.ts";

/** Keeps the `k` likeliest candidates; 0 keeps all. */
export function topK(candidates: Candidates, k: number): void {
  if (k > 0 && k < candidates.size) keepHeaviest(candidates, k, "count");
}
