/**
 * Means with their errors.
 *
 * @module
 */

/** Of equal weights; NaN where there are none. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The standard error of the mean of independent values; NaN for fewer than two. */
export function standardError(values: readonly number[]): number {
  const center = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - center) ** 2, 0);
  const count = values.length;
  return Math.sqrt(squares / (count - 1) / count);
}

/** The middle value, or the mean of the two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[half]
    : (sorted[half - 1] + sorted[half]) / 2;
}

/** Means of runs of `size` values; a rest that is shorter makes the last one. */
export function clusterMeans(
  values: readonly number[],
  size: number,
): number[] {
  const means: number[] = [];
  for (let first = 0; first < values.length; first += size) {
    means.push(mean(values.slice(first, first + size)));
  }
  return means;
}

/**
 * Element by element `a − b`.
 *
 * @throws {RangeError} If they are not of the same things.
 */
export function differences(
  a: readonly number[],
  b: readonly number[],
): number[] {
  if (a.length !== b.length) {
    throw new RangeError(
      `Cannot pair ${a.length} measurements with ${b.length}`,
    );
  }
  return a.map((value, index) => value - b[index]);
}

/** `mean ± standard error`, with a sign for differences. */
export function withError(
  values: readonly number[],
  digits: number,
  signed = false,
): string {
  const center = mean(values);
  const sign = signed && center >= 0 ? "+" : "";
  const error = values.length > 1
    ? ` ± ${standardError(values).toFixed(digits)}`
    : "";
  return `${sign}${center.toFixed(digits)}${error}`;
}
