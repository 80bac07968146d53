/**
 * The heaviest candidates, found without sorting.
 *
 * @module
 */
import type { Candidates } from "./candidates.ts";

/** The bits of a weight, highest first, in three digits that index the histogram. */
const DIGITS = [
  { shift: 21, mask: 0x7ff },
  { shift: 10, mask: 0x7ff },
  { shift: 0, mask: 0x3ff },
] as const;

/**
 * Keeps the fewest heaviest candidates that reach `need`; of equal weights, the lowest ids. They stay in
 * ascending order of id. Radix selection on the bits of the weights: four passes whatever they are.
 *
 * @param need Above 0: a number of candidates, or a sum of weights.
 * @param measure What of the candidates adds up to `need`.
 */
export function keepHeaviest(
  candidates: Candidates,
  need: number,
  measure: "count" | "weight",
): void {
  const { ids, weights, bits, histogram, size } = candidates;
  const byWeight = measure === "weight";
  let left = need;
  let lowest = 0; // bits of the lightest weight to keep, found digit by digit
  let known = 0; // mask of the bits found so far
  for (const { shift, mask } of DIGITS) {
    histogram.fill(0);
    for (let at = 0; at < size; at++) {
      if ((bits[at] & known) !== lowest) continue;
      histogram[(bits[at] >>> shift) & mask] += byWeight ? weights[at] : 1;
    }
    let digit: number = mask;
    while (digit > 0 && histogram[digit] < left) left -= histogram[digit--];
    lowest |= digit << shift;
    known |= mask << shift;
  }
  let kept = 0;
  for (let at = 0; at < size; at++) {
    if (bits[at] < lowest) continue;
    if (bits[at] === lowest) {
      if (left <= 0) continue;
      left -= byWeight ? weights[at] : 1;
    }
    ids[kept] = ids[at];
    weights[kept++] = weights[at];
  }
  candidates.size = kept;
}
