/**
 * Gives `values` one after another, as a generator would that works on each.
 *
 * @module
 */
export async function* fromList<T>(
  values: Iterable<T>,
): AsyncGenerator<T, void, void> {
  for (const value of values) {
    await Promise.resolve();
    yield value;
  }
}
