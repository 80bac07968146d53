import { assertEquals } from "@std/assert";
import { USUAL } from "../../../bench/model.ts";
import type { Cell } from "../../../bench/quality/results.ts";
import type { Setup } from "../../../bench/quality/session.ts";
import { compareVariants } from "../../../bench/quality/summary.ts";

const SETUP: Setup = {
  method: "locoloop",
  values: {},
  slots: 128,
  store: "f32",
  ...USUAL,
};

function cell(setup: Setup, nats: number[]): Cell {
  return {
    fingerprint: "",
    task: "perplexity",
    setup,
    model: "tiny",
    learned: null,
    corpus: "novels",
    quick: false,
    machine: "one",
    seconds: 1,
    measures: { nats },
  };
}

Deno.test("compareVariants() pairs a method that has options of its own with the method without them", () => {
  const dropping: Setup = { ...SETUP, values: { fusion: 0 } };
  const alone: Setup = { ...dropping, slots: 256 };
  const cells = [
    cell(SETUP, [3, 3.2]),
    cell(dropping, [3.1, 3.5]),
    cell(alone, [3.1, 3.5]),
  ];
  assertEquals(compareVariants(cells, [SETUP, dropping, alone]), [
    "locoloop:fusion=0 128 f32: +0.2000 ± 0.1000 nats against locoloop 128 f32",
  ]);
});
