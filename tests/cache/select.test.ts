import { assertEquals } from "@std/assert";
import { createLayout } from "../../src/cache/layout.ts";
import { Plan } from "../../src/cache/plan.ts";
import { Selector } from "../../src/cache/select.ts";
import { uniform } from "../helpers/random.ts";

const LAYOUT = createLayout({
  layers: 1,
  kvHeads: 1,
  headDim: 4,
  slots: 64,
  block: 64,
});

function select(
  scores: number[],
  budget: number,
  sinks: number,
  window: number,
): number[] {
  const plan = new Plan(LAYOUT);
  new Selector({ sinks, window }, 128)
    .select(plan, 0, Float32Array.from(scores), scores.length, budget);
  return Array.from(plan.source.subarray(0, plan.count[0]));
}

Deno.test("Selector.select() keeps sinks, window and the best between them, in order", () => {
  assertEquals(select([0, 0, 5, 9, 1, 7, 8, 0, 0], 6, 2, 2), [
    0,
    1,
    3,
    6,
    7,
    8,
  ]);
});

Deno.test("Selector.select() prefers the newer of equal scores", () => {
  assertEquals(select([1, 1, 1, 1, 1, 1], 3, 1, 1), [0, 4, 5]);
  assertEquals(select([0, 0, 0, 0, 0, 0], 3, 0, 0), [3, 4, 5]);
});

Deno.test("Selector.select() keeps everything that fits", () => {
  assertEquals(select([3, 1, 2], 3, 1, 1), [0, 1, 2]);
  assertEquals(select([3, 1], 3, 1, 1), [0, 1]);
});

Deno.test("Selector.select() keeps nothing but what is protected where that is all there is room for", () => {
  assertEquals(select([0, 9, 9, 9, 0], 2, 1, 1), [0, 4]);
});

Deno.test("Selector.select() agrees with sorting, on any scores", () => {
  const random = uniform(9);
  for (let round = 0; round < 200; round++) {
    const live = 2 + Math.floor(random() * 126);
    const budget = 1 + Math.floor(random() * Math.min(live - 1, 64));
    // Few distinct values, so that ties are common.
    const scores = Array.from(
      { length: live },
      () => Math.floor(random() * 12) / (1 + round % 3),
    );
    const expected = scores.map((score, slot) => ({ score, slot }))
      .sort((a, b) => b.score - a.score || b.slot - a.slot)
      .slice(0, budget).map(({ slot }) => slot).sort((a, b) => a - b);
    assertEquals(select(scores, budget, 0, 0), expected);
  }
});
