import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLessOrEqual,
} from "@std/assert";
import { ColumnChooser } from "../../../src/model/prefill/lines.ts";
import { uniform } from "../../helpers/random.ts";

/** The columns that are chosen. */
function choose(
  attention: number[],
  from: number,
  until: number,
  wanted: number,
) {
  const chosen = new Int32Array(attention.length);
  const { count, covered } = new ColumnChooser()
    .choose(Float32Array.from(attention), from, until, wanted, chosen, 0);
  return { columns: [...chosen.subarray(0, count)], covered };
}

Deno.test("ColumnChooser.choose() takes the hottest columns first, and lists them in order", () => {
  const attention = [9, 0.25, 2, 0, 4, 0.5, 1, 9];
  assertEquals(choose(attention, 1, 7, 4).columns, [4]);
  assertEquals(choose(attention, 1, 7, 6).columns, [2, 4]);
  assertEquals(choose(attention, 1, 7, 7.25).columns, [2, 4, 5, 6]);
  assertEquals(choose(attention, 1, 7, 7.25).covered, 7.5);
});

Deno.test("ColumnChooser.choose() takes nothing where nothing is wanted, and all where all is", () => {
  const attention = [1, 2, 3, 4];
  assertEquals(choose(attention, 0, 4, 0), { columns: [], covered: 0 });
  assertEquals(choose(attention, 0, 4, -1), { columns: [], covered: 0 });
  assertEquals(choose(attention, 0, 4, 99).columns, [0, 1, 2, 3]);
  assertEquals(choose(attention, 2, 2, 1).columns, []);
});

Deno.test("ColumnChooser.choose() covers what is wanted with hardly more columns than sorting would take", () => {
  const random = uniform(7);
  for (let round = 0; round < 50; round++) {
    // From values that are all alike to a few that have nearly everything.
    const attention = Array.from(
      { length: 500 },
      () => Math.fround(random() ** (1 + round)),
    );
    const wanted = 0.9 * attention.reduce((a, b) => a + b, 0);
    const { columns, covered } = choose(attention, 0, 500, wanted);
    assertGreaterOrEqual(covered, wanted * (1 - 1e-9));
    const sum = columns.reduce((sum, i) => sum + attention[i], 0);
    assert(Math.abs(sum - covered) < 1e-6 * sum);
    let least = 0;
    const sorted = attention.toSorted((a, b) => b - a);
    for (let left = wanted; left > 0; least++) left -= sorted[least];
    assertLessOrEqual(columns.length, Math.ceil(least * 1.1) + 1);
  }
});
