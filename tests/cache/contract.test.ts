/** What every method that evicts must do, whatever its paper. */
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { createLayout } from "../../src/cache/layout.ts";
import type { Method } from "../../src/cache/method.ts";
import { METHOD_NAMES, METHODS } from "../../src/cache/methods.ts";
import type { Plan } from "../../src/cache/plan.ts";
import { Planner } from "../../src/cache/planner.ts";
import { SlotTable } from "../../src/cache/slots.ts";
import { uniform } from "../helpers/random.ts";

const PROTECTION = { sinks: 4, window: 8 };
const SHAPES = {
  uniform: { layers: 3, kvHeads: 2, headDim: 4, slots: 32, block: 16 },
  ragged: {
    layers: 2,
    kvHeads: 2,
    headDim: 4,
    slots: [12, 40, 13, 64],
    block: 16,
  },
  "a block as long as the slots": {
    layers: 1,
    kvHeads: 1,
    headDim: 4,
    slots: 16,
    block: 16,
  },
};

/** New slots of a unit as the plan lists them: where each sat before. */
function anchors(plan: Plan, unit: number): number[] {
  const start = plan.layout.offsets[unit];
  return Array.from(
    plan.source.subarray(start, start + plan.count[unit]),
    (source) => source >= 0 ? source : plan.anchor[~source],
  );
}

/** Feeds `total` tokens in blocks of random length, with `compacted` called after every compaction. */
function feed(
  slots: SlotTable,
  planner: Planner,
  total: number,
  compacted: (before: Int32Array, plan: Plan) => void = () => {},
): void {
  const random = uniform(3);
  while (slots.seen < total) {
    const most = Math.min(slots.layout.block, total - slots.seen);
    const count = 1 + Math.floor(random() * most);
    if (slots.room < count) {
      const before = slots.live.slice();
      const plan = planner.plan();
      compacted(before, plan);
      slots.apply(plan);
    }
    slots.append(count);
  }
}

for (const name of METHOD_NAMES) {
  const method: Method = METHODS[name];
  if (!method.score) {
    Deno.test(`${name} never evicts, so it has no plans`, () => {
      const slots = new SlotTable(createLayout(SHAPES.uniform));
      let message = "";
      try {
        new Planner(slots, method, PROTECTION);
      } catch (error) {
        message = String(error);
      }
      assert(message.includes("the method never evicts"), message);
    });
    continue;
  }

  for (const [shape, options] of Object.entries(SHAPES)) {
    const create = () => {
      const slots = new SlotTable(createLayout(options));
      return { slots, planner: new Planner(slots, method, PROTECTION) };
    };

    Deno.test(`${name} keeps within its slots, in order, with sinks and window: ${shape}`, () => {
      const { slots, planner } = create();
      let compactions = 0;
      feed(slots, planner, 2000, (before, plan) => {
        compactions++;
        for (let unit = 0; unit < before.length; unit++) {
          const kept = anchors(plan, unit);
          const budget = slots.layout.slots[unit];
          assertEquals(kept.length, Math.min(budget, before[unit]));
          assert(kept.every((slot, i) => i === 0 || slot > kept[i - 1]));
          assert(kept.every((slot) => slot >= 0 && slot < before[unit]));
          const { sinks, window } = PROTECTION;
          assertEquals(kept.slice(0, sinks), [0, 1, 2, 3]);
          assertEquals(kept.at(-window), before[unit] - window);
        }
      });
      assert(compactions > 20);
      slots.live.forEach((live, unit) =>
        assertLessOrEqual(live, slots.layout.slots[unit] + options.block)
      );
    });

    Deno.test(`${name} leaves a unit alone that holds no more than its slots: ${shape}`, () => {
      const { slots, planner } = create();
      const count = Math.min(...slots.layout.slots, slots.layout.block);
      slots.append(count);
      const plan = planner.plan();
      for (let unit = 0; unit < slots.live.length; unit++) {
        const all = Array.from({ length: count }, (_, i) => i);
        assertEquals(anchors(plan, unit), all);
        assertEquals(plan.rows, 0);
      }
    });

    Deno.test(`${name} plans the same from the same slots, and does not change them: ${shape}`, () => {
      const plans = [create(), create()].map(({ slots, planner }) => {
        feed(slots, planner, 777);
        const before = structuredClone({ ...slots });
        const first = structuredClone({ ...planner.plan() });
        assertEquals(structuredClone({ ...planner.plan() }), first);
        assertEquals(structuredClone({ ...slots }), before);
        return first;
      });
      assertEquals(plans[0], plans[1]);
    });

    Deno.test(`${name} accounts for every token: ${shape}`, () => {
      const { slots, planner } = create();
      feed(slots, planner, 1234);
      const usage = slots.usage(name);
      assertEquals(usage.seen, 1234);
      assertEquals(usage.resident + usage.fused + usage.evicted, 1234);
    });
  }
}
