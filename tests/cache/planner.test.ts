import { assertEquals, assertThrows } from "@std/assert";
import { withLearned } from "../../src/cache/method.ts";
import { METHODS } from "../../src/cache/methods.ts";
import { methodLayout } from "../../src/cache/method_layout.ts";
import { createLayout } from "../../src/cache/layout.ts";
import { Planner } from "../../src/cache/planner.ts";
import { SlotTable } from "../../src/cache/slots.ts";
import { madeUpParts } from "../helpers/learned.ts";
import { madeUp } from "../helpers/observation.ts";
import { tinyGguf } from "../helpers/tiny_gguf.ts";

const PROTECTION = { sinks: 4, window: 32 };
const TOO_FEW = "Cannot keep 4 sinks and a window of 32 tokens in 35 slots";

Deno.test("Planner refuses fewer slots than sinks and window", () => {
  const shape = { layers: 1, kvHeads: 2, headDim: 4, block: 8 };
  const layout = createLayout({ ...shape, slots: [64, 35] });
  const slots = new SlotTable(layout);
  const method = METHODS.streaming_llm;
  assertThrows(
    () => new Planner(slots, method, method.score(), PROTECTION, 1),
    RangeError,
    TOO_FEW,
  );
});

Deno.test("methodLayout() refuses fewer slots than sinks and window", () => {
  const method = METHODS.h2o;
  const size = { slots: 35, block: 64, ...PROTECTION };
  assertThrows(
    () => methodLayout(method, method.score(), tinyGguf().config, size),
    RangeError,
    TOO_FEW,
  );
});

Deno.test("Planner.plan() has the convolutions of all units computed at once, and none while everything fits", async () => {
  const { config } = tinyGguf();
  const method = withLearned(METHODS.lococo, madeUpParts(config), {});
  const score = method.score!({});
  const size = { slots: 16, block: 8, sinks: 2, window: 4 };
  const slots = new SlotTable(methodLayout(method, score, config, size));
  const planner = new Planner(slots, method, score, size, 1);
  const wanted: number[][] = [];
  for (let block = 0; block < 4; block++) {
    slots.append(8);
    const { convolve, ...rest } = madeUp(slots);
    const plan = await planner.plan({
      ...rest,
      convolve: (all) => {
        wanted.push(all.map(({ unit }) => unit));
        return convolve(all);
      },
    });
    slots.apply(plan);
  }
  const units = [...slots.live.keys()];
  assertEquals(wanted, [[], [], units, units]);
});
