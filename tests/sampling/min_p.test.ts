import { assertEquals } from "@std/assert";
import { minP } from "../../src/sampling/min_p.ts";
import { candidatesOf, idsOf } from "./stages.ts";

Deno.test("minP() keeps what is at least p times as likely as the likeliest", () => {
  const cases: [p: number, ids: number[]][] = [
    [0, [0, 1, 2, 3]],
    [0.1, [0, 2, 3]],
    [0.25, [0, 2, 3]],
    [0.26, [0, 2]],
    [1, [2]],
  ];
  for (const [p, ids] of cases) {
    const candidates = candidatesOf([0.5, 0, 1, 0.25]);
    minP(candidates, p);
    assertEquals(idsOf(candidates), ids, `p = ${p}`);
  }
});
