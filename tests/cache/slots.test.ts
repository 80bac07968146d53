import { assertEquals, assertThrows } from "@std/assert";
import { createLayout } from "../../src/cache/layout.ts";
import { Plan } from "../../src/cache/plan.ts";
import { cacheIndex, cappedTrue, original } from "../../src/cache/positions.ts";
import { SlotTable } from "../../src/cache/slots.ts";

const SHAPE = { layers: 1, kvHeads: 2, headDim: 4, slots: 4, block: 8 };

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
  assertEquals([...slots.token.subarray(12, 17)], [0, 1, 2, 3, 4]);
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
  assertEquals([...slots.position.subarray(12, 16)], [0, 1, 2, 3]);
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
  assertEquals([...p.position.subarray(12, 16)], [4, 5, 6, 7]);
  assertEquals([...p.next], [8, 8]);
  cacheIndex(slots, 1, p);
  assertEquals([...p.position.subarray(12, 16)], [0, 1, 2, 3]);
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
  refuse({ observed: 9 }, "Cannot observe 9 queries of every block: it has 8");
});

Deno.test("cappedTrue() keeps true distances up to a rank's reach, and no further", () => {
  const slots = table(8);
  const p = plan(slots);
  cappedTrue(2)(slots, 0, p);
  // True distances 8, 5, 2, 1; ranks from the newest 4, 3, 2, 1, and 2 more at most.
  assertEquals([...p.position.subarray(0, 4)], [8 - 6, 8 - 5, 8 - 2, 8 - 1]);
  cappedTrue(100)(slots, 1, p);
  assertEquals([...p.position.subarray(12, 16)], [4, 5, 6, 7]);
  assertEquals([...p.next], [8, 8]);
});

Deno.test("SlotTable.apply() follows heads whose ranges move", () => {
  const slots = table(8);
  const p = new Plan(slots.layout);
  // Unit 0 keeps two slots, unit 1 six.
  p.offsets[1] = 2 + 8;
  p.keep(0, 6, 8);
  p.keep(1, 2, 8);
  for (const unit of [0, 1]) cacheIndex(slots, unit, p);
  slots.apply(p);
  assertEquals([...slots.offsets], [0, 10, 24]);
  assertEquals([...slots.token.subarray(0, 2)], [6, 7]);
  assertEquals([...slots.token.subarray(10, 16)], [2, 3, 4, 5, 6, 7]);
  slots.append(8);
  assertEquals([...slots.token.subarray(16, 24)], [
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
  ]);
});

Deno.test("SlotTable.evictedShare() is that of the end of the block, and 0 while nothing is evicted", () => {
  const layout = createLayout({
    layers: 1,
    kvHeads: 2,
    headDim: 4,
    slots: [4, 12],
    block: 8,
  });
  const slots = new SlotTable(layout);
  slots.append(3);
  assertEquals([0, 1].map((unit) => slots.evictedShare(unit)), [0, 0]);
  slots.append(5);
  const plan = new Plan(layout);
  plan.clear(slots);
  plan.keep(0, 0, 2);
  plan.keep(0, 6, 8);
  plan.keep(1, 0, 8);
  slots.apply(plan);
  // 4 of 8 tokens stayed; with the next block 12 of 16.
  for (const tokens of [0, 1, 6, 1]) {
    slots.append(tokens);
    assertEquals([0, 1].map((unit) => slots.evictedShare(unit)), [0.25, 0]);
  }
});
