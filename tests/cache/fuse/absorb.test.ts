import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { absorb } from "../../../src/cache/fuse/absorb.ts";
import { HORIZON } from "../../../src/cache/horizon.ts";
import { createLayout } from "../../../src/cache/layout.ts";
import { Plan } from "../../../src/cache/plan.ts";
import { SlotTable } from "../../../src/cache/slots.ts";
import { UnitView } from "../../../src/cache/unit_view.ts";
import { likestOf, NOTHING_SEEN } from "../../helpers/observation.ts";

const LIVE = 40;
/** What the block's one query paid. */
const ATTENTION = Float32Array.from(
  { length: LIVE },
  (_, slot) => 0.001 * (1 + slot % 7),
);

/** Plans a unit of which `kept` stay and the first two are sinks; keys are [LIVE] angles. */
function plan(
  kept: number[],
  gate: number[],
  angles = Array.from({ length: LIVE }, (_, slot) => slot / LIVE),
  mass = 1,
  older = 0,
): Plan {
  const layout = createLayout({
    layers: 1,
    kvHeads: 1,
    headDim: 2,
    slots: 20,
    block: 20,
    observed: 1,
    biased: true,
  });
  const slots = new SlotTable(layout);
  slots.append(20);
  slots.pending = 0;
  slots.append(20);
  slots.mass.fill(mass);
  // As if so many tokens had gone by after slot 10.
  slots.seen += older;
  for (let slot = 11; slot < LIVE; slot++) slots.token[slot] += older;
  const view = new UnitView(slots, { sinks: 2, window: 4 }, 1).move(0, {
    ...NOTHING_SEEN,
    attention: () => ATTENTION,
    likest: (_unit, kept, seekers) =>
      likestOf(
        (slot) => [Math.cos(angles[slot]), Math.sin(angles[slot])],
        kept,
        seekers,
      ),
  });
  const plan = new Plan(layout);
  plan.clear(slots);
  const weights = { gate: Float32Array.from(gate), pool: 3 };
  absorb(weights).write(view, Int32Array.from(kept), plan);
  return plan;
}

/** The rows of a plan: each slot that takes in others, with its members' shares. */
function rowsOf(
  { rows, anchor, rowStart, member, weight, mass }: Plan,
): { slot: number; shares: Map<number, number>; mass: number }[] {
  return Array.from({ length: rows }, (_, row) => ({
    slot: anchor[row],
    shares: new Map(
      Array.from(
        member.subarray(rowStart[row], rowStart[row + 1]),
        (slot, i) => [slot, weight[rowStart[row] + i]],
      ),
    ),
    mass: mass[row],
  }));
}

const KEPT = [0, 1, 10, 20, 30, 36, 37, 38, 39];
const log = (slot: number) => Math.log(ATTENTION[slot] + 1e-4);

Deno.test("absorb() lets each slot that leaves join the likest of those that stay, sinks apart", () => {
  const open = [Math.log(0.5), 0, 0, 0, 0, 0];
  const rows = rowsOf(plan(KEPT, open));
  const joined = rows.flatMap(({ slot, shares }) =>
    [...shares.keys()].filter((member) => member !== slot)
      .map((member) => [member, slot])
  );
  assertEquals(joined.length, LIVE - KEPT.length);
  for (const [member, slot] of joined) {
    const far = KEPT.slice(2).map((other) => Math.abs(other - member));
    assertEquals(Math.abs(slot - member), Math.min(...far), `slot ${member}`);
  }
  const { shares, mass } = rows.find(({ slot }) => slot === 36)!;
  // 34 and 35 lie nearest to 36, 33 as near to 30.
  assert(shares.has(34) && shares.has(35));
  assertAlmostEquals(mass, 1 + 0.5 * (shares.size - 1), 1e-6);
  assertAlmostEquals(shares.get(36)!, 1 / mass, 1e-6);
  assertAlmostEquals(shares.get(35)!, 0.5 / mass, 1e-6);
});

Deno.test("absorb() looks no further than ten slots that stay on either side", () => {
  const kept = [
    0,
    1,
    ...Array.from({ length: 16 }, (_, i) => 3 + i),
    36,
    37,
    38,
    39,
  ];
  const angles = Array.from({ length: LIVE }, (_, slot) => slot);
  // Slot 2 is like slot 14, the twelfth that stays behind it, and a little like slot 5.
  angles[14] = angles[2];
  angles[5] = angles[2] + 0.01;
  const rows = rowsOf(plan(kept, [0, 0, 0, 0, 0, 0], angles));
  const home = rows.find(({ shares }) => shares.has(2))!;
  assertEquals(home.slot, 5);
});

Deno.test("absorb() opens a gate by attention, likeness and age, and weighs by the mass of what stays", () => {
  const gate = [-0.5, 0.7, -0.6, 0.2, 0.3, 0.1];
  const rows = rowsOf(plan(KEPT, gate, undefined, 3));
  const { shares, mass } = rows.find(({ slot }) => slot === 10)!;
  const around = Math.max(...ATTENTION.slice(11, 14));
  const expected = Math.exp(
    -0.5 + 0.7 * log(12) - 0.6 * log(10) + 0.2 * Math.log(around + 1e-4) +
      0.3 * (Math.cos(2 / LIVE) - 0.7) + 0.1 * (Math.log(40 - 12) - 5),
  );
  assertAlmostEquals(shares.get(12)! / shares.get(10)!, expected, 1e-5);
  assertAlmostEquals(mass, 3 / shares.get(10)!, 1e-4);
});

Deno.test("absorb() lets no token count for more than one", () => {
  // A gate of e, with which a slot would bring along more than it is.
  const rows = rowsOf(plan(KEPT, [9, 0, 0, 0, 0, 0], undefined, 3));
  const members = rows.flatMap(({ slot, shares, mass }) =>
    [...shares].map(([member, share]) => ({
      slot,
      member,
      tokens: share * mass,
    }))
  );
  const homes = rows.length;
  assertEquals(members.length, LIVE - KEPT.length + homes);
  for (const { tokens } of members) assertAlmostEquals(tokens, 3, 1e-4);
});

Deno.test("absorb() lets nothing join a slot that is older than its horizon", () => {
  const open = [Math.log(0.5), 0, 0, 0, 0, 0];
  const homes = (older: number) =>
    rowsOf(plan(KEPT, open, undefined, 1, older)).map(({ slot }) => slot);
  // Slot 10 is the 30th token from the end.
  assertEquals(homes(HORIZON - 30), [10, 20, 30, 36]);
  assertEquals(homes(HORIZON - 29), [20, 30, 36]);
});

Deno.test("absorb() with closed gates is eviction", () => {
  const { rows, source, valueRow, count } = plan(KEPT, [-9, 0, 0, 0, 0, 0]);
  assertEquals(rows, 0);
  assertEquals([...source.subarray(0, count[0])], KEPT);
  assert(valueRow.subarray(0, count[0]).every((row) => row === -1));
});

Deno.test("absorb() leaves a unit alone in which nothing has to go", () => {
  const all = Array.from({ length: LIVE }, (_, slot) => slot);
  const { rows, source } = plan(all, [0, 0, 0, 0, 0, 0]);
  assertEquals(rows, 0);
  assertEquals([...source], all);
});

Deno.test("absorb() is eviction where none but sinks stay", () => {
  const { rows, source, count } = plan([0, 1], [0, 0, 0, 0, 0, 0]);
  assertEquals(rows, 0);
  assertEquals([...source.subarray(0, count[0])], [0, 1]);
});
