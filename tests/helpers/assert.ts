/**
 * Stands in for `@std/assert` where JSR cannot be reached: the same names over `node:assert`.
 * The test task chooses it through an import map; no test imports it by itself.
 *
 * @module
 */
import nodeAssert from "node:assert/strict";

export { AssertionError } from "node:assert";

// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

export function assert(
  value: unknown,
  message = "expected a truthy value",
): asserts value {
  nodeAssert.ok(value, message);
}
export function fail(message = "failed"): never {
  nodeAssert.fail(message);
}
export function assertEquals<T>(
  actual: T,
  expected: T,
  message?: string,
): void {
  nodeAssert.deepStrictEqual(actual, expected, message);
}
export function assertNotEquals<T>(
  actual: T,
  expected: T,
  message?: string,
): void {
  nodeAssert.notDeepStrictEqual(actual, expected, message);
}
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  message?: string,
): asserts actual is T {
  nodeAssert.strictEqual(actual, expected, message);
}
export function assertExists<T>(
  actual: T,
  message = "expected a value",
): asserts actual is NonNullable<T> {
  nodeAssert.ok(actual !== undefined && actual !== null, message);
}
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance = 1e-7,
  message?: string,
): void {
  if (Object.is(actual, expected)) return;
  const off = Math.abs(actual - expected);
  nodeAssert.ok(
    off <= tolerance,
    message ??
      `expected ${actual} to be within ${tolerance} of ${expected}, off by ${off}`,
  );
}
export function assertGreater<T>(
  actual: T,
  expected: T,
  message?: string,
): void {
  nodeAssert.ok(
    actual > expected,
    message ?? `expected ${actual} > ${expected}`,
  );
}
export function assertGreaterOrEqual<T>(
  actual: T,
  expected: T,
  message?: string,
): void {
  nodeAssert.ok(
    actual >= expected,
    message ?? `expected ${actual} >= ${expected}`,
  );
}
export function assertLess<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.ok(
    actual < expected,
    message ?? `expected ${actual} < ${expected}`,
  );
}
export function assertLessOrEqual<T>(
  actual: T,
  expected: T,
  message?: string,
): void {
  nodeAssert.ok(
    actual <= expected,
    message ?? `expected ${actual} <= ${expected}`,
  );
}
export function assertMatch(
  actual: string,
  expected: RegExp,
  message?: string,
): void {
  nodeAssert.match(actual, expected, message);
}
export function assertStringIncludes(
  actual: string,
  expected: string,
  message?: string,
): void {
  nodeAssert.ok(
    actual.includes(expected),
    message ??
      `expected ${JSON.stringify(actual)} to contain ${
        JSON.stringify(expected)
      }`,
  );
}
export function assertInstanceOf<E extends Error>(
  actual: unknown,
  expected: ErrorClass<E>,
  message?: string,
): asserts actual is E {
  nodeAssert.ok(
    actual instanceof expected,
    message ?? `expected an instance of ${expected.name}`,
  );
}

/** Runs `fn`, which must throw, and gives what it threw once class and message agree. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass?: ErrorClass<E>,
  messageIncludes?: string,
): E {
  try {
    fn();
  } catch (error) {
    return check(error, errorClass, messageIncludes);
  }
  return fail("expected the function to throw");
}

/** Awaits `fn()`, which must reject, and gives the reason once class and message agree. */
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass?: ErrorClass<E>,
  messageIncludes?: string,
): Promise<E> {
  try {
    await fn();
  } catch (error) {
    return check(error, errorClass, messageIncludes);
  }
  return fail("expected the promise to reject");
}

function check<E extends Error>(
  error: unknown,
  errorClass?: ErrorClass<E>,
  messageIncludes = "",
): E {
  if (errorClass) {
    assertInstanceOf(
      error,
      errorClass,
      `expected ${errorClass.name}, got ${error}`,
    );
  }
  nodeAssert.ok(error instanceof Error, `expected an Error, got ${error}`);
  assertStringIncludes(error.message, messageIncludes);
  return error as E;
}
