import { assertEquals } from "@std/assert";
import { createCandidates } from "../../src/sampling/candidates.ts";
import { keepHeaviest } from "../../src/sampling/heaviest.ts";
import { createRandom } from "../../src/sampling/random.ts";

/** What is left of candidates with these weights and the ids 0, 10, 20, … */
function kept(weights: number[], need: number, measure: "count" | "weight") {
  const candidates = createCandidates(weights.length);
  candidates.weights.set(weights);
  candidates.ids.set(weights.map((_, at) => at * 10));
  candidates.size = weights.length;
  keepHeaviest(candidates, need, measure);
  const { size, ids } = candidates;
  const left = [...candidates.weights.subarray(0, size)];
  assertEquals(
    left,
    [...ids.subarray(0, size)].map((id) => Math.fround(weights[id / 10])),
  );
  return [...ids.subarray(0, size)];
}

Deno.test("keepHeaviest() keeps so many, in order of id", () => {
  assertEquals(kept([0.25, 1, 0.125, 0.5], 1, "count"), [10]);
  assertEquals(kept([0.25, 1, 0.125, 0.5], 3, "count"), [0, 10, 30]);
});

Deno.test("keepHeaviest() keeps the fewest that reach a weight", () => {
  assertEquals(kept([0.25, 1, 0.125, 0.5], 1, "weight"), [10]);
  assertEquals(kept([0.25, 1, 0.125, 0.5], 1.25, "weight"), [10, 30]);
  assertEquals(kept([0.25, 1, 0.125, 0.5], 1.625, "weight"), [0, 10, 30]);
  assertEquals(kept([0.25, 1, 0.125, 0.5], 99, "weight"), [0, 10, 20, 30]);
});

Deno.test("keepHeaviest() keeps the lowest ids of equal weights", () => {
  assertEquals(kept([0.5, 1, 0.5, 0.5, 1], 3, "count"), [0, 10, 40]);
  assertEquals(kept([1, 1, 1, 1], 2.5, "weight"), [0, 10, 20]);
});

Deno.test("keepHeaviest() tells weights apart that differ in their last bit", () => {
  const next = new Float32Array(Uint32Array.of(0x3f000001).buffer)[0];
  assertEquals(kept([0.5, next, 0.5], 1, "count"), [10]);
});

Deno.test("keepHeaviest() agrees with sorting", () => {
  const random = createRandom(3, 0);
  for (let round = 0; round < 60; round++) {
    const size = 1 + Math.floor(random() * 300);
    const weights = Array.from(
      { length: size },
      // Coarse, so that there are ties, and over many orders of magnitude, down to 0.
      () => Math.fround(Math.exp(-Math.floor(random() * 120))),
    );
    const sorted = weights.map((weight, at) => ({ weight, id: at * 10 }))
      .sort((a, b) => b.weight - a.weight || a.id - b.id);
    const count = 1 + Math.floor(random() * size);
    const ids = sorted.slice(0, count).map(({ id }) => id);
    assertEquals(kept(weights, count, "count"), ids.sort((a, b) => a - b));
  }
});
