import { assertEquals } from "@std/assert";
import { topK } from "../../src/sampling/top_k.ts";
import { candidatesOf, idsOf } from "./stages.ts";

Deno.test("topK() keeps the k likeliest, and all when k is 0 or too large", () => {
  const cases: [k: number, ids: number[]][] = [
    [0, [0, 1, 2, 3]],
    [1, [2]],
    [2, [0, 2]],
    [3, [0, 2, 3]],
    [4, [0, 1, 2, 3]],
    [9, [0, 1, 2, 3]],
  ];
  for (const [k, ids] of cases) {
    const candidates = candidatesOf([0.5, 0.01, 1, 0.3]);
    topK(candidates, k);
    assertEquals(idsOf(candidates), ids, `k = ${k}`);
  }
});
