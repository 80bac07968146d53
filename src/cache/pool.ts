/**
 * Spreads what a slot is worth to its neighbours.
 *
 * @module
 */

/**
 * out[i] = {@link largestNear} slot i; the text around a token that matters stays with it (SnapKV, arXiv 2404.14469,
 * section 3.2, there by mean or maximum).
 *
 * @param values [live]
 * @param width Odd.
 * @param out [live]
 */
export function maxPool(
  values: Float32Array,
  width: number,
  out: Float32Array,
): void {
  for (let slot = 0; slot < values.length; slot++) {
    out[slot] = largestNear(values, slot, width);
  }
}

/**
 * The largest of the values at most (width − 1) / 2 slots away.
 *
 * @param values [live]
 * @param width Odd.
 */
export function largestNear(
  values: Float32Array,
  slot: number,
  width: number,
): number {
  const reach = (width - 1) / 2;
  const end = Math.min(slot + reach, values.length - 1);
  let largest = values[slot];
  for (let i = Math.max(slot - reach, 0); i <= end; i++) {
    largest = Math.max(largest, values[i]);
  }
  return largest;
}
