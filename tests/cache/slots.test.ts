import { assertEquals, assertThrows } from "@std/assert";
import { createLayout } from "../../src/cache/layout.ts";
import { Plan } from "../../src/cache/plan.ts";
import { cacheIndex, original } from "../../src/cache/positions.ts";
import { SlotTable } from "../../src/cache/slots.ts";

const SHAPE = { layers: 1, kvHeads: 2, headDim: 4, slots: 4, block: 4 };

function table(tokens: number): SlotTable {
  const slots = new SlotTable(createLayout(SHAPE));
  slots.append(tokens);
  return slots;
}

/** Keeps slots 0, 6 and 7 of unit 0, fuses 2, 3 and 4 in the place of 3; keeps the last four of unit 1. */
function plan(slots: SlotTable): Plan {
  const plan = new Plan(slots.layout);
  plan.keep(0, 0);
  plan.fuse(0, 3, [2, 3, 4], [0.2, 0.5, 0.3], 3);
  plan.keep(0, 6, 8);
  plan.keep(1, 4, 8);
  return plan;
}

Deno.test("SlotTable.append() numbers tokens and positions, and says what room is left", () => {
  const slots = table(5);
  assertEquals(slots.seen, 5);
  assertEquals(slots.room, 3);
  assertEquals([...slots.token.subarray(8, 13)], [0, 1, 2, 3, 4]);
  assertEquals([...slots.next], [5, 5]);
});

Deno.test("SlotTable.append() refuses more than fits, and changes nothing", () => {
  const slots = table(5);
  assertThrows(() => slots.append(4), RangeError, "room for 3");
  assertEquals(slots.seen, 5);
});

Deno.test("SlotTable.apply() keeps, fuses and drops as the plan says", () => {
  const slots = table(8);
  const p = plan(slots);
  for (const unit of [0, 1]) cacheIndex(slots, unit, p);
  slots.apply(p);
  assertEquals([...slots.live], [4, 4]);
  assertEquals([...slots.token.subarray(0, 4)], [0, 3, 6, 7]);
  assertEquals([...slots.mass.subarray(0, 4)], [1, 3, 1, 1]);
  assertEquals([...slots.fused.subarray(0, 4)], [0, 1, 0, 0]);
  assertEquals([...slots.position.subarray(8, 12)], [0, 1, 2, 3]);
  assertEquals([...slots.next], [4, 4]);
  // Means of 3 and 4 verbatim, 3 and 0 behind a fused slot.
  assertEquals(slots.usage("x"), {
    method: "x",
    slots: 4,
    seen: 8,
    resident: 4,
    fused: 2,
    evicted: 2,
    recalled: 0,
  });
});

Deno.test("original() leaves slots where they were seen, cacheIndex() closes up the gaps", () => {
  const slots = table(8);
  const p = plan(slots);
  for (const unit of [0, 1]) original(slots, unit, p);
  assertEquals([...p.position.subarray(0, 4)], [0, 3, 6, 7]);
  assertEquals([...p.position.subarray(8, 12)], [4, 5, 6, 7]);
  assertEquals([...p.next], [8, 8]);
  cacheIndex(slots, 1, p);
  assertEquals([...p.position.subarray(8, 12)], [0, 1, 2, 3]);
  assertEquals([...p.next], [8, 4]);
});

Deno.test("createLayout() refuses impossible shapes", () => {
  const refuse = (options: object, message: string) =>
    assertThrows(
      () => createLayout({ ...SHAPE, ...options }),
      RangeError,
      message,
    );
  refuse({ slots: 0 }, "0 slots");
  refuse({ slots: [4] }, "1 numbers of slots for 2");
  refuse({ block: -1 }, "blocks of -1");
});
