/**
 * @module
 */

/** Keeps the logarithm of no attention finite; `ATTENTION_FLOOR` of `training/score.py`. */
const FLOOR = 1e-4;

/**
 * ln(a + 1e-4), with a = sum / rows the mean attention that a slot got: the form in which learned weights take it.
 *
 * @param sum As `UnitView.attention` has it.
 * @param rows As `UnitView.rows` has it: what went into the sum.
 */
export function logAttention(sum: number, rows: number): number {
  return Math.log(sum / rows + FLOOR);
}
