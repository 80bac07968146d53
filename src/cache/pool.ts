/**
 * Spreads what a slot is worth to its neighbours.
 *
 * @module
 */

/**
 * out[i] = the largest of `values` at most (width − 1) / 2 away; the text around a token that matters stays with it
 * (SnapKV, arXiv 2404.14469, section 3.2, there by mean or maximum).
 *
 * @param width Odd.
 */
export function maxPool(
  values: Float32Array,
  width: number,
  out: Float32Array,
): void {
  const reach = (width - 1) / 2;
  for (let i = 0; i < values.length; i++) {
    const end = Math.min(i + reach, values.length - 1);
    let largest = values[i];
    for (let j = Math.max(i - reach, 0); j <= end; j++) {
      largest = Math.max(largest, values[j]);
    }
    out[i] = largest;
  }
}
