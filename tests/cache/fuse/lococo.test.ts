import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { Convolution } from "../../../src/cache/convolution.ts";
import { lococo, massesOf } from "../../../src/cache/fuse/lococo.ts";
import { createLayout } from "../../../src/cache/layout.ts";
import { Plan } from "../../../src/cache/plan.ts";
import { SlotTable } from "../../../src/cache/slots.ts";
import { UnitView } from "../../../src/cache/unit_view.ts";
import { convolved, NOTHING_SEEN } from "../../helpers/observation.ts";
import { normal } from "../../helpers/random.ts";

/** Twelve slots of which six stay; the first and the last are protected. */
const LIVE = 12;
const KEPT = Int32Array.of(0, 2, 3, 7, 9, 11);
/** Of the four that are free, 2 and 7 get the most attention. */
const ATTENTION = [9, 0, 5, 2, 1, 1, 0, 4, 0, 3, 1, 8];
/** Everything but sink, window, 2 and 7. */
const REST = [1, 3, 4, 5, 6, 8, 9, 10];

const KEYS = [...normal(1, LIVE)], VALUES = [...normal(2, LIVE)];

/** A unit with keys of one number, of which `outcome` is what was computed. */
function unit(outcome: () => Float32Array) {
  const layout = createLayout({
    layers: 1,
    kvHeads: 1,
    headDim: 1,
    slots: 6,
    block: 6,
    observed: 6,
    biased: true,
  });
  const slots = new SlotTable(layout);
  slots.append(6);
  slots.pending = 0;
  slots.append(6);
  const view = new UnitView(slots, { sinks: 1, window: 1 }, 1).move(0, {
    ...NOTHING_SEEN,
    attention: () => Float32Array.from(ATTENTION),
    keys: () => Float32Array.from(KEYS),
    freshKeys: () => Float32Array.from(KEYS),
    convolve: () => Promise.resolve(),
    convolved: outcome,
  });
  const plan = new Plan(layout);
  plan.clear(slots);
  return { view, plan };
}

function write(
  convolution: Convolution,
  blend: number,
  options: Parameters<typeof lococo>[1] = {},
) {
  const convolutions = [convolution];
  const weights = { convolutions, blend: Float32Array.of(blend) };
  const fuse = lococo(weights, options);
  let outcome = new Float32Array(0);
  const { view, plan } = unit(() => outcome);
  const wanted = fuse.convolution!(view, KEPT);
  if (wanted) {
    const vectors = [...wanted.slots].map((slot) => [KEYS[slot], VALUES[slot]]);
    outcome = convolved(vectors, wanted.convolution);
  }
  fuse.write(view, KEPT, plan);
  return plan;
}

/** Weights of a row of the plan, by slot. */
function rowOf(plan: Plan, row: number): Map<number, number> {
  const from = plan.rowStart[row], to = plan.rowStart[row + 1];
  return new Map(
    Array.from(plan.member.subarray(from, to), (slot, i) => [
      slot,
      plan.weight[from + i],
    ]),
  );
}

function filter(rows: number, taps: number, scale = 1): Convolution {
  return {
    rows,
    taps,
    weight: normal(3, rows * taps * 2).map((x) => x * scale),
    bias: normal(4, rows).map((x) => x * scale),
  };
}

Deno.test("lococo() mixes in the place of the kept slots with the least attention, half of those that are free", () => {
  const plan = write(filter(2, 3), 0.5);
  assertEquals(
    [...plan.source.subarray(0, 6)].map((source) =>
      source >= 0 ? source : `row at ${plan.anchor[~source]}`
    ),
    [0, 2, "row at 3", 7, "row at 9", 11],
  );
  assertEquals([...rowOf(plan, 0).keys()], REST);
  assertEquals([...rowOf(plan, 1).keys()], REST);
});

Deno.test("lococo() with λ = 0 is exactly eviction, whatever the convolution", () => {
  for (
    const plan of [write(filter(2, 3), 0), write(filter(2, 3), 1, { blend: 0 })]
  ) {
    assertEquals(plan.rows, 0);
    assertEquals([...plan.source.subarray(0, 6)], [...KEPT]);
  }
});

Deno.test("lococo() with λ = 1 and a convolution of zeros makes every mixture the mean of the rest", () => {
  const plan = write(filter(2, 3, 0), 1);
  assertEquals(plan.rows, 2);
  for (const row of [0, 1]) {
    for (const weight of rowOf(plan, row).values()) {
      assertAlmostEquals(weight, 1 / REST.length, 1e-6);
    }
  }
});

Deno.test("lococo() has rows that sum up to 1 and are nowhere negative", () => {
  for (const blend of [0.1, 0.5, 0.9, 1]) {
    const plan = write(filter(2, 5, 3), blend);
    for (const row of [0, 1]) {
      const weights = [...rowOf(plan, row).values()];
      assertAlmostEquals(weights.reduce((a, b) => a + b, 0), 1, 1e-6);
      assert(weights.every((weight) => weight >= 0));
    }
  }
});

Deno.test("lococo() with one tap is a linear map of each slot, by hand", () => {
  const convolution = {
    rows: 2,
    taps: 1,
    weight: Float32Array.of(1, 2, -1, 0.5),
    bias: Float32Array.of(0.1, 0),
  };
  const plan = write(convolution, 0.25);
  const expected = [[1, 2, 0.1, 3], [-1, 0.5, 0, 9]].map(
    ([key, value, bias, anchor]) => {
      const z = REST.map((slot) =>
        Math.exp(Math.max(0, key * KEYS[slot] + value * VALUES[slot] + bias))
      );
      const sum = z.reduce((a, b) => a + b, 0);
      return z.map((x, i) => 0.25 * x / sum + (REST[i] === anchor ? 0.75 : 0));
    },
  );
  for (const row of [0, 1]) {
    [...rowOf(plan, row).values()].forEach((weight, i) =>
      assertAlmostEquals(weight, expected[row][i], 1e-6)
    );
  }
});

Deno.test("lococo() pads with zeros past both ends", () => {
  // Only the slot before counts for the first row, only the one after for the second.
  const convolution = {
    rows: 2,
    taps: 3,
    weight: Float32Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0),
    bias: new Float32Array(2),
  };
  const plan = write(convolution, 1);
  const before = REST.map((_, i) => Math.max(0, KEYS[REST[i - 1]] ?? 0));
  const after = REST.map((_, i) => Math.max(0, KEYS[REST[i + 1]] ?? 0));
  for (const [row, z] of [before, after].entries()) {
    const sum = z.reduce((total, x) => total + Math.exp(x), 0);
    [...rowOf(plan, row).values()].forEach((weight, i) =>
      assertAlmostEquals(weight, Math.exp(z[i]) / sum, 1e-6)
    );
  }
});

Deno.test("lococo() uses the last rows where there are fewer mixtures, and no more mixtures than rows", () => {
  const more = filter(5, 3);
  const last = {
    ...more,
    rows: 2,
    weight: more.weight.subarray(3 * 6),
    bias: more.bias.subarray(3),
  };
  const plans = [write(more, 1), write(last, 1)];
  for (const row of [0, 1]) {
    assertEquals(rowOf(plans[0], row), rowOf(plans[1], row));
  }
  assertEquals(write(filter(1, 3), 1).rows, 1);
  assertEquals(write(filter(5, 3), 1, { ratio: 0 }).rows, 0);
  assertEquals(write(filter(5, 3), 1, { ratio: 1 }).rows, 4);
});

Deno.test("massesOf() shares out the tokens of slots of which at least half is mixed in", () => {
  // The first slot goes into both rows, the second hardly into any, the third into the second row.
  const weights = Float32Array.of(0.9, 0.1, 0, 0.3, 0.1, 0.6);
  const masses = massesOf(weights, Float32Array.of(4, 5, 2));
  assertAlmostEquals(masses[0], 3, 1e-6);
  assertAlmostEquals(masses[1], 3, 1e-6);
});

Deno.test("massesOf() gives every mixture a token at least, and all of them no more than went in", () => {
  const even = massesOf(
    new Float32Array(4 * 8).fill(1 / 8),
    new Float32Array(8).fill(1),
  );
  even.forEach((mass) => assertAlmostEquals(mass, 2, 1e-6));
  const sparse = massesOf(
    new Float32Array(2 * 8).fill(1 / 8),
    new Float32Array(8).fill(1),
  );
  assertEquals([...sparse], [1, 1]);
  // One row takes everything; the other three stand for a token each.
  const weights = new Float32Array(16);
  weights.set([0.25, 0.25, 0.25, 0.25]);
  for (let row = 1; row < 4; row++) weights[row * 4] = 1e-9;
  const masses = massesOf(
    weights.map((w) => w * 4),
    new Float32Array(4).fill(2),
  );
  assertAlmostEquals(masses.reduce((a, b) => a + b, 0), 8, 1e-5);
  assert(masses.every((mass) => mass >= 1));
});
