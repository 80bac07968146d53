import { assertThrows } from "@std/assert";
import { METHODS } from "../../src/cache/methods.ts";
import { methodLayout } from "../../src/cache/method_layout.ts";
import { createLayout } from "../../src/cache/layout.ts";
import { Planner } from "../../src/cache/planner.ts";
import { SlotTable } from "../../src/cache/slots.ts";
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
