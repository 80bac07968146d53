import { assertEquals } from "@std/assert";
import { Ranking } from "../../src/cache/ranking.ts";
import { uniform } from "../helpers/random.ts";

function best(scores: number[], start: number, end: number, count: number) {
  const ranking = new Ranking();
  return [
    ...ranking.best(Float32Array.from(scores), start, end, count).sort(),
  ];
}

Deno.test("Ranking.best() finds the highest scores of a range", () => {
  assertEquals(best([9, 5, 1, 7, 8, 9], 1, 5, 2), [3, 4]);
  assertEquals(best([9, 5, 1], 0, 3, 0), []);
  assertEquals(best([9, 5, 1], 0, 3, 3), [0, 1, 2]);
  assertEquals(best([], 0, 0, 0), []);
});

Deno.test("Ranking.best() prefers the newer of equal scores", () => {
  assertEquals(best([1, 1, 1, 1], 0, 4, 2), [2, 3]);
  const all = [Infinity, 0, 0, -Infinity, Infinity];
  assertEquals(best(all, 0, 5, 3), [0, 2, 4]);
});

Deno.test("Ranking.best() agrees with sorting, on any scores", () => {
  const random = uniform(9);
  const ranking = new Ranking();
  for (let round = 0; round < 300; round++) {
    const live = 1 + Math.floor(random() * 128);
    const count = Math.floor(random() * (live + 1));
    // Few distinct values, so that ties are common.
    const scores = Float32Array.from(
      { length: live },
      () => Math.floor(random() * 12) / (1 + round % 3),
    );
    const expected = [...scores].map((score, slot) => ({ score, slot }))
      .sort((a, b) => b.score - a.score || b.slot - a.slot)
      .slice(0, count).map(({ slot }) => slot).sort((a, b) => a - b);
    assertEquals([...ranking.best(scores, 0, live, count).sort()], expected);
  }
});
