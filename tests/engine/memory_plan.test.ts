import { assertEquals, assertThrows } from "@std/assert";
import { type MemoryWishes, planMemory } from "../../src/engine/memory_plan.ts";
import type { MemoryNeeds } from "../../src/model/memory_needs.ts";

/** 100 MB, and 10 kB for each slot of a dialogue. */
const NEEDS: MemoryNeeds = { fixed: 100e6, dialogue: (slots) => slots * 1e4 };
const OPEN: MemoryWishes = {
  slots: null,
  least: 36,
  most: 512,
  keep: null,
  parallel: 1,
};

function plan(megabytes: number, wishes: Partial<MemoryWishes> = {}) {
  return planMemory(megabytes * 1e6, NEEDS, { ...OPEN, ...wishes });
}

Deno.test("planMemory() gives as many slots as fit, up to what is wanted", () => {
  assertEquals(plan(102), { slots: 200, keep: 1, bytes: 102e6 });
  assertEquals(plan(105.12).slots, 512);
  assertEquals(plan(105.11).slots, 511);
});

Deno.test("planMemory() keeps as many dialogues as fit, up to 8", () => {
  assertEquals(plan(116), { slots: 512, keep: 3, bytes: 100e6 + 3 * 5.12e6 });
  assertEquals(plan(1000).keep, 8);
});

Deno.test("planMemory() leaves what is given as it is", () => {
  assertEquals(plan(110, { slots: 100 }), {
    slots: 100,
    keep: 8,
    bytes: 108e6,
  });
  assertEquals(plan(110, { keep: 4 }).slots, 250);
  // None kept: there is one while it runs.
  assertEquals(plan(102, { keep: 0 }), { slots: 200, keep: 0, bytes: 102e6 });
  assertEquals(plan(130, { slots: 1000, keep: 2 }).bytes, 120e6);
});

Deno.test("planMemory() has room for all dialogues that run at once, kept or not", () => {
  assertEquals(plan(110, { parallel: 4 }), {
    slots: 250,
    keep: 4,
    bytes: 110e6,
  });
  assertEquals(plan(110, { parallel: 4, keep: 0 }), {
    slots: 250,
    keep: 0,
    bytes: 110e6,
  });
  assertEquals(plan(1000, { parallel: 16 }).keep, 16);
});

const REFUSED: [number, Partial<MemoryWishes>, string][] = [
  [
    99,
    {},
    "Cannot keep to --memory 99: 1 dialogue of 36 slots may take 101 MB; what would fit: no dialogue at all, the least is 101 MB",
  ],
  [
    102,
    { slots: 300 },
    "Cannot keep to --memory 102: 1 dialogue of 300 slots may take 103 MB; what would fit: 1 dialogue of 200 slots",
  ],
  [
    103,
    { slots: 200, keep: 3 },
    "Cannot keep to --memory 103: 3 dialogues of 200 slots may take 106 MB; what would fit: 3 dialogues of 100 slots",
  ],
  [
    101,
    { keep: 5 },
    "Cannot keep to --memory 101: 5 dialogues of 36 slots may take 102 MB; what would fit: 1 dialogue of 36 slots",
  ],
];

for (const [megabytes, wishes, message] of REFUSED) {
  Deno.test(`planMemory() refuses ${JSON.stringify(wishes)} in ${megabytes} MB, and says what would fit`, () => {
    const error = assertThrows(() => plan(megabytes, wishes), RangeError);
    assertEquals(error.message, message);
  });
}
