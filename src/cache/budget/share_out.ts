/**
 * Whole slots in given proportions.
 *
 * @module
 */

/**
 * Shares out `mean` · weights.length slots in proportion to `weights`, none below `least`, by largest remainders.
 *
 * @throws {RangeError} If `mean` is less than `least`.
 */
export function shareOut(
  weights: readonly number[],
  mean: number,
  least: number,
): Int32Array {
  if (mean < least) {
    throw new RangeError(
      `Cannot share out ${mean} slots: every head needs ${least}`,
    );
  }
  const total = mean * weights.length;
  const exact = proportions(weights, total, least);
  const slots = Int32Array.from(exact, Math.floor);
  const missing = total - slots.reduce((a, b) => a + b, 0);
  exact.map((share, unit) => ({ unit, rest: share - slots[unit] }))
    .sort((a, b) => b.rest - a.rest || a.unit - b.unit)
    .slice(0, missing)
    .forEach(({ unit }) => slots[unit]++);
  return slots;
}

/** Shares that sum to `total`: those that would fall below `least` are raised to it at the expense of the others. */
function proportions(
  weights: readonly number[],
  total: number,
  least: number,
): number[] {
  const raised = new Set<number>();
  for (;;) {
    const rest = total - raised.size * least;
    const sum = weights.reduce((s, w, i) => raised.has(i) ? s : s + w, 0);
    const shares = weights.map((weight, unit) =>
      raised.has(unit) ? least : rest * weight / sum
    );
    const low = shares.findIndex((share, i) => share < least && !raised.has(i));
    if (low < 0) return shares;
    shares.forEach((share, unit) => {
      if (share < least) raised.add(unit);
    });
  }
}
