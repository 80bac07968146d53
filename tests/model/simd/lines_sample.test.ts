import { assertAlmostEquals, assertEquals } from "@std/assert";
import { LinearMemory } from "../../../src/kernels/memory.ts";
import { ColumnChooser } from "../../../src/model/prefill/lines.ts";
import { LinesSample } from "../../../src/model/simd/lines_sample.ts";

/** A sample of four queries, of which each row is the attention; of the slots, two stand at either end that nobody chooses. */
function sampleOf(...queries: number[][]) {
  const memory = new LinearMemory();
  const slots = queries[0].length;
  const sample = new LinesSample(memory, new ColumnChooser());
  sample.place(memory.allocate(2 * slots * 4), slots);
  sample.clear(slots);
  queries.forEach((attention, query) => {
    const half = sample.half(query) / 4;
    attention.forEach((share, slot) => memory.f32[half + slot] += share);
  });
  const range = { from: 1, until: slots - 1, total: queries.length };
  return { memory, sample, range, slots };
}

Deno.test("LinesSample.unforeseen() is 0 where all queries look at the same, and what one half has for itself where not", () => {
  const same = sampleOf(
    [0.25, 0.5, 0, 0, 0.25],
    [0.25, 0.5, 0, 0, 0.25],
    [0.5, 0.25, 0, 0, 0.25],
    [0.5, 0.25, 0, 0, 0.25],
  );
  assertEquals(
    same.sample.unforeseen({ ...same.range, coverage: 0.99 }),
    0,
  );
  // Each looks at a slot of its own: of four queries' attention, half of each is missed.
  const apart = sampleOf(
    [0.5, 0.5, 0, 0, 0, 0],
    [0.5, 0, 0.5, 0, 0, 0],
    [0.5, 0, 0, 0.5, 0, 0],
    [0.5, 0, 0, 0, 0.5, 0],
  );
  assertAlmostEquals(
    apart.sample.unforeseen({ ...apart.range, coverage: 0.99 }),
    0.5,
    1e-6,
  );
});

Deno.test("LinesSample.unforeseen() counts what a half leaves out for little of its own attention", () => {
  // The first half may leave 5 % out, and so the slot that the second has 0.3 of.
  const { sample, range } = sampleOf(
    [0.5, 0.45, 0.05, 0],
    [0.25, 0.45, 0.3, 0],
  );
  const missed = sample.unforeseen({ ...range, coverage: 0.9 });
  assertAlmostEquals(missed, 0.3 / 2, 1e-6);
  assertEquals(sample.unforeseen({ ...range, coverage: 1 }), 0);
});

Deno.test("LinesSample.join() adds both halves up, clear() forgets them", () => {
  const { memory, sample, slots } = sampleOf([0.5, 0.5, 0], [0, 0.25, 0.75]);
  const sum = () => {
    const start = sample.join(slots) / 4;
    return [...memory.f32.subarray(start, start + slots)];
  };
  assertEquals(sum(), [0.5, 0.75, 0.75]);
  sample.clear(slots);
  assertEquals(sum(), [0, 0, 0]);
});
