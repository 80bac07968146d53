import { assertEquals, assertThrows } from "@std/assert";
import { countTests } from "../../tools/junit.ts";

Deno.test("countTests() adds the suites of a report up", () => {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="6" failures="1" errors="1" time="0.2">
    <testsuite name="./a > b.test.ts" tests="4" disabled="1" errors="0" failures="1">
        <testcase name="&lt;testsuite tests=&quot;9&quot;&gt;"></testcase>
    </testsuite>
    <testsuite name="./c.test.ts" tests="2" disabled="0" errors="1" failures="0">
    </testsuite>
</testsuites>`;
  assertEquals(countTests(xml), { passed: 3, failed: 2, skipped: 1 });
});

Deno.test("countTests() gives zeros for a report without tests", () => {
  const xml = `<testsuites name="deno test" tests="0" failures="0" errors="0">
</testsuites>`;
  assertEquals(countTests(xml), { passed: 0, failed: 0, skipped: 0 });
});

Deno.test("countTests() refuses what is not a report", () => {
  assertThrows(() => countTests(""), SyntaxError, "not a JUnit report");
  assertThrows(
    () => countTests(`<testsuites ><testsuite tests="1">`),
    SyntaxError,
    "no failures",
  );
});
