/** What every method that evicts must do, whatever its paper. */
import {
  assert,
  assertEquals,
  assertLessOrEqual,
  assertThrows,
} from "@std/assert";
import {
  type Budget,
  type Method,
  withLearned,
} from "../../src/cache/method.ts";
import { METHOD_NAMES, METHODS } from "../../src/cache/methods.ts";
import { methodLayout } from "../../src/cache/method_layout.ts";
import type { Plan } from "../../src/cache/plan.ts";
import { Planner } from "../../src/cache/planner.ts";
import { SlotTable } from "../../src/cache/slots.ts";
import { tinyGguf } from "../helpers/tiny_gguf.ts";
import { madeUpParts } from "../helpers/learned.ts";
import { uniform } from "../helpers/random.ts";
import { madeUp } from "../helpers/observation.ts";

const PROTECTION = { sinks: 4, window: 8 };
/** Three query heads to a key/value head. */
const { config } = tinyGguf({ layers: 3, heads: 6, kvHeads: 2, headDim: 4 });
const SHAPES = {
  "even slots": { slots: 32, block: 16 },
  "hardly more slots than are protected": { slots: 13, block: 16 },
  "a block as long as the slots": { slots: 16, block: 16 },
  "ragged slots": { slots: 40, block: 16, ragged: true },
};
/** All methods, and those that learned parts change once more with them. */
const FORMS: [name: string, method: Method][] = METHOD_NAMES.flatMap((name) => {
  const method: Method = METHODS[name];
  if (!method.learned) return [[name, method]];
  const learned = withLearned(method, madeUpParts(config), {});
  return [[name, method], [`${name} (learned)`, learned]];
});

/** What a method need not do, and why. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  // Its weights were learned from attention that sums up to 1, and above a floor.
  "plans the same when attention is scaled": ["locoloop (learned)"],
};

type Shape = { slots: number; block: number; ragged?: boolean };

/** A method's first dialogue. */
function create(method: Method, { ragged, ...size }: Shape) {
  const score = method.score!({});
  // Heads that share their slots, or compete for them, have equally many.
  const isEven = method.share === "layer" || method.budget.floor !== undefined;
  const uneven = isEven ? [-20, -20, 20, 20, 0, 0] : [-20, 20, -25, 25, 0, 0];
  const budget: Budget = {
    ...method.budget,
    divide: (_, mean) => Int32Array.from(uneven, (more) => mean + more),
  };
  const used = ragged ? { ...method, budget } : method;
  const layout = methodLayout(used, score, config, { ...size, ...PROTECTION });
  const slots = new SlotTable(layout);
  const planner = new Planner(slots, used, score, PROTECTION, 3);
  return { slots, planner };
}

/** New slots of a unit as the plan lists them: where each sat before. */
function anchors(plan: Plan, unit: number): number[] {
  const start = plan.offsets[unit];
  return Array.from(
    plan.source.subarray(start, start + plan.count[unit]),
    (source) => source >= 0 ? source : plan.anchor[~source],
  );
}

/** Feeds `total` tokens in pieces of random length, with `compacted` called at every compaction, before it is applied. */
async function feed(
  { slots, planner }: { slots: SlotTable; planner: Planner },
  total: number,
  compacted: (plan: Plan) => void = () => {},
): Promise<void> {
  const random = uniform(3);
  while (slots.seen < total) {
    if (slots.room === 0) {
      const plan = await planner.plan(madeUp(slots));
      compacted(plan);
      slots.apply(plan);
    }
    const most = Math.min(slots.room, total - slots.seen);
    slots.append(1 + Math.floor(random() * most));
  }
}

for (const [name, method] of FORMS) {
  if (!method.score) {
    Deno.test(`${name} never evicts: its dialogues end with their slots`, () => {
      const layout = methodLayout(method, null, config, {
        slots: 10,
        block: 16,
        ...PROTECTION,
      });
      const slots = new SlotTable(layout);
      slots.append(7);
      assertEquals(slots.room, 3);
      assertThrows(() => slots.append(4), RangeError, "room for 3");
    });
    continue;
  }

  for (const [shape, options] of Object.entries(SHAPES)) {
    Deno.test(`${name} keeps within its slots, in order, with sinks and window: ${shape}`, async () => {
      const dialogue = create(method, options);
      const { slots } = dialogue;
      const { layout } = slots;
      const total = layout.slots.reduce((a, b) => a + b, 0);
      let compactions = 0;
      await feed(dialogue, 2000, (plan) => {
        compactions++;
        let kept = 0;
        for (let unit = 0; unit < slots.live.length; unit++) {
          const live = slots.live[unit];
          const stays = anchors(plan, unit);
          kept += stays.length;
          if (method.budget.floor === undefined) {
            assertEquals(stays.length, Math.min(layout.slots[unit], live));
          }
          assert(stays.every((slot, i) => i === 0 || slot > stays[i - 1]));
          assert(stays.every((slot) => slot >= 0 && slot < live));
          assertEquals(stays.slice(0, PROTECTION.sinks), [0, 1, 2, 3]);
          assertEquals(stays.at(-PROTECTION.window), live - PROTECTION.window);
          const end = plan.offsets[unit] + stays.length + options.block;
          assertLessOrEqual(end, plan.offsets[unit + 1]);
        }
        assertLessOrEqual(kept, total);
        assertEquals(plan.offsets.at(-1), layout.offsets.at(-1));
      });
      assert(compactions > 100);
    });

    Deno.test(`${name} leaves alone what fits: ${shape}`, async () => {
      const { slots, planner } = create(method, options);
      const count = Math.min(...slots.layout.slots, slots.layout.block);
      slots.append(count);
      const before = structuredClone({ ...slots, carried: [] });
      const plan = await planner.plan(madeUp(slots));
      const all = Array.from({ length: count }, (_, i) => i);
      slots.live.forEach((_, unit) => assertEquals(anchors(plan, unit), all));
      assertEquals(plan.rows, 0);
      slots.apply(plan);
      assertEquals({ ...slots, carried: [] }, { ...before, pending: 0 });
    });

    Deno.test(`${name} plans the same from the same slots: ${shape}`, async () => {
      const plans = await Promise.all([1, 2].map(async () => {
        const dialogue = create(method, options);
        const all: unknown[] = [];
        await feed(dialogue, 777, (plan) => {
          const { live } = dialogue.slots;
          all.push([...live].map((_, unit) => [
            anchors(plan, unit),
            ...plan.position.subarray(
              plan.offsets[unit],
              plan.offsets[unit] + plan.count[unit],
            ),
          ]));
        });
        return all;
      }));
      assertEquals(plans[0], plans[1]);
    });

    const scaled = "plans the same when attention is scaled";
    const ignore = EXCEPTIONS[scaled].includes(name);
    Deno.test(`${name} ${scaled}: ${shape}`, { ignore }, async () => {
      const kept = await Promise.all([1, 1024].map(async (factor) => {
        const { slots, planner } = create(method, options);
        let plan: Plan | null = null;
        while (slots.seen < 160) {
          if (plan) slots.apply(plan);
          slots.append(slots.room);
          const { attention, ...rest } = madeUp(slots);
          plan = await planner.plan({
            ...rest,
            attention: (unit) => attention(unit).map((a) => a * factor),
          });
        }
        return [...slots.live].map((_, unit) => anchors(plan!, unit));
      }));
      assertEquals(kept[0], kept[1]);
    });

    Deno.test(`${name} changes nothing that it was shown: ${shape}`, async () => {
      const dialogue = create(method, options);
      await feed(dialogue, 16 * 7);
      const { slots, planner } = dialogue;
      const before = structuredClone({ ...slots, carried: [] });
      const { attention, keys, freshKeys, ...rest } = madeUp(slots);
      const shown = [...slots.live].map((_, u) => [
        attention(u),
        keys(u),
        freshKeys(u),
      ]);
      const copies = structuredClone(shown);
      await planner.plan({
        attention: (unit) => shown[unit][0],
        keys: (unit) => shown[unit][1],
        freshKeys: (unit) => shown[unit][2],
        ...rest,
      });
      assertEquals(shown, copies);
      assertEquals({ ...slots, carried: [] }, before);
    });

    Deno.test(`${name} accounts for every token: ${shape}`, async () => {
      const dialogue = create(method, options);
      await feed(dialogue, 1234);
      const { slots } = dialogue;
      const usage = slots.usage(name);
      assertEquals(usage.seen, 1234);
      assertEquals(usage.resident + usage.fused + usage.evicted, 1234);
      slots.live.forEach((live, unit) => {
        const start = slots.offsets[unit];
        const mass = slots.mass.subarray(start, start + live)
          .reduce((a, b) => a + b, 0);
        assertLessOrEqual(mass, 1234);
      });
    });
  }
}
