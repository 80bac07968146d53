import { assertAlmostEquals } from "@std/assert";
import { logAttention } from "../../src/cache/log_attention.ts";

Deno.test("logAttention() is that of the mean, and of no attention a number all the same", () => {
  // ln 0.5001 and ln 0.0001.
  assertAlmostEquals(logAttention(3, 6), -0.6929472006, 1e-9);
  assertAlmostEquals(logAttention(0, 6), -9.210340372, 1e-9);
});
