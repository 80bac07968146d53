import { assertThrows } from "@std/assert";
import { createLayout } from "../../src/cache/layout.ts";
import { METHODS } from "../../src/cache/methods.ts";
import { Planner } from "../../src/cache/planner.ts";
import { SlotTable } from "../../src/cache/slots.ts";

Deno.test("Planner refuses fewer slots than sinks and window", () => {
  const layout = createLayout({
    layers: 1,
    kvHeads: 2,
    headDim: 4,
    slots: [64, 35],
    block: 8,
  });
  assertThrows(
    () =>
      new Planner(new SlotTable(layout), METHODS.streaming_llm, {
        sinks: 4,
        window: 32,
      }),
    RangeError,
    "Cannot keep 4 sinks and a window of 32 tokens in 35 slots",
  );
});
