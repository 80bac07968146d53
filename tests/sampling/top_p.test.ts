import { assertEquals } from "@std/assert";
import { topP } from "../../src/sampling/top_p.ts";
import { candidatesOf, idsOf } from "./stages.ts";

Deno.test("topP() keeps the smallest set with at least p of the probability", () => {
  // Probabilities 1/4, 1/8, 1/2, 1/8.
  const cases: [p: number, ids: number[]][] = [
    [Number.MIN_VALUE, [2]],
    [0.5, [2]],
    [0.51, [0, 2]],
    [0.75, [0, 2]],
    [0.8, [0, 1, 2]],
    [0.9, [0, 1, 2, 3]],
    [1, [0, 1, 2, 3]],
  ];
  for (const [p, ids] of cases) {
    const candidates = candidatesOf([0.5, 0.25, 1, 0.25]);
    topP(candidates, p);
    assertEquals(idsOf(candidates), ids, `p = ${p}`);
  }
});
