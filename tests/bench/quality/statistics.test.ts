import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  clusterMeans,
  differences,
  mean,
  median,
  standardError,
  withError,
} from "../../../bench/quality/statistics.ts";

Deno.test("mean(), median() and standardError() of a few values", () => {
  assertEquals(mean([1, 2, 6]), 3);
  assertEquals(median([6, 1, 2]), 2);
  assertEquals(median([6, 1, 2, 4]), 3);
  // Deviations −2, −1 and 3: variance 14 / 2, over 3 values.
  assertAlmostEquals(standardError([1, 2, 6]), Math.sqrt(7 / 3));
  assertEquals(standardError([1]), NaN);
});

Deno.test("clusterMeans() averages runs, the last one shorter", () => {
  assertEquals(clusterMeans([1, 3, 5, 7, 9], 2), [2, 6, 9]);
});

Deno.test("differences() pairs what belongs together, and nothing else", () => {
  assertEquals(differences([3, 5], [1, 6]), [2, -1]);
  assertThrows(
    () => differences([1], [1, 2]),
    RangeError,
    "Cannot pair 1 measurements with 2",
  );
});

Deno.test("withError() shows a sign only where asked, an error only where there is one", () => {
  assertEquals(withError([1, 2, 6], 2), "3.00 ± 1.53");
  assertEquals(withError([0.5], 1, true), "+0.5");
  assertEquals(withError([-0.5], 1, true), "-0.5");
});
