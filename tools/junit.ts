/**
 * Reads the counts from the report that `deno test --junit-path` writes.
 *
 * @module
 */

/** How many tests, their steps included, ended how. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Counts of a whole report.
 *
 * @throws {SyntaxError} If `xml` is not such a report.
 */
export function countTests(xml: string): Counts {
  const suites = Array.from(
    xml.matchAll(/<testsuite (?:[^">]|"[^"]*")*>/g),
    ([tag]) => tag,
  );
  if (!xml.includes("<testsuites ")) {
    throw new SyntaxError("Cannot count the tests: not a JUnit report");
  }
  const sum = (name: string) =>
    suites.reduce((total, tag) => total + attribute(tag, name), 0);
  const failed = sum("failures") + sum("errors");
  const skipped = sum("disabled");
  return { passed: sum("tests") - failed - skipped, failed, skipped };
}

function attribute(tag: string, name: string): number {
  const value = new RegExp(` ${name}="(\\d+)"`).exec(tag);
  if (!value) {
    throw new SyntaxError(`Cannot count the tests: no ${name} in ${tag}`);
  }
  return Number(value[1]);
}
