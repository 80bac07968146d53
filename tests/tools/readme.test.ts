import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { Cell } from "../../bench/quality/results.ts";
import type { Setup } from "../../bench/quality/session.ts";
import type { Measures } from "../../bench/quality/task.ts";
import { METHOD_NAMES } from "../../src/cache/methods.ts";
import { fill } from "../../tools/readme.ts";
import { usualCells } from "../../tools/readme/cells.ts";
import { flagsPart } from "../../tools/readme/flags_part.ts";
import { learnedPart } from "../../tools/readme/learned_part.ts";
import { methodsPart } from "../../tools/readme/methods_part.ts";

const SETUP: Setup = {
  method: "h2o",
  values: {},
  slots: 256,
  store: "f32",
  block: 64,
  sinks: 4,
  window: 32,
};

function cell(
  task: string,
  setup: Partial<Setup>,
  measures: Measures,
  rest: Partial<Cell> = {},
): Cell {
  return {
    fingerprint: "",
    task,
    setup: { ...SETUP, ...setup },
    model: "tiny",
    learned: null,
    corpus: "novels",
    quick: false,
    machine: "a machine",
    seconds: 1,
    measures,
    ...rest,
  };
}

/** A cell for each method; `full` with no number of slots. */
function everyMethod(
  task: string,
  setup: Partial<Setup>,
  measures: Measures,
  rest: Partial<Cell> = {},
): Cell[] {
  return METHOD_NAMES.map((method) => {
    const slots = method === "full" ? null : SETUP.slots;
    return cell(task, { method, slots, ...setup }, measures, rest);
  });
}

const PERPLEXITY = [
  ...everyMethod("perplexity", {}, { nats: [3, 3] }),
  cell("perplexity", {}, { nats: [3.1, 3.3] }),
];
const COST = { step: [2], between: [100], compaction: [4] };

/** The cells of the row of a method. */
function row(part: string, method: string): string[] {
  const line = part.split("\n").find((line) => line.includes(`\`${method}\``));
  return line!.split("|").slice(1, -1).map((text) => text.trim());
}

Deno.test("methodsPart() gives methods with ideas and papers where nothing was measured", () => {
  const part = methodsPart([], []);
  assertEquals(row(part, "h2o"), [
    "`h2o`",
    "Keeps what got the most attention so far.",
    "[2306.14048](https://arxiv.org/abs/2306.14048)",
  ]);
  assertEquals(row(part, "full").at(-1), "");
});

Deno.test("methodsPart() gives the figures of the bench, and what they are of", () => {
  const part = methodsPart([
    ...PERPLEXITY,
    ...everyMethod("cost", {}, COST),
  ], []);
  assertStringIncludes(part, "| Δ nats, 256");
  assertEquals(row(part, "h2o").slice(3), ["+0.200 ± 0.100", "4.0"]);
  assertEquals(row(part, "tova").slice(3), ["+0.000 ± 0.000", "4.0"]);
  assertStringIncludes(part, "texts: novels.");
  assertStringIncludes(part, "Times on a machine.");
  assertStringIncludes(
    part,
    "Without learned parts, for which there is no file: `lococo`, `locoloop`.",
  );
});

Deno.test("methodsPart() gives a figure once it can be compared, and a dash where it is missing", () => {
  const cost = everyMethod("cost", {}, COST);
  const without = (name: string) =>
    cost.filter(({ setup }) => setup.method !== name);
  for (const name of ["full", "streaming_llm", "locoloop"]) {
    const part = methodsPart([...PERPLEXITY, ...without(name)], []);
    assertEquals(row(part, "h2o").slice(3), ["+0.200 ± 0.100"]);
  }
  const part = methodsPart([...PERPLEXITY, ...without("h2o")], []);
  assertEquals(row(part, "h2o").slice(3), ["+0.200 ± 0.100", "–"]);
  assertEquals(row(part, "tova").slice(3), ["+0.000 ± 0.000", "4.0"]);
});

Deno.test("methodsPart() leaves out what was measured quickly, otherwise set up, or on fewer texts", () => {
  const nats = { nats: [9, 9] };
  const cells = [
    ...PERPLEXITY,
    ...everyMethod("perplexity", {}, nats, { quick: true }),
    ...everyMethod("perplexity", { store: "int8" }, nats),
    ...everyMethod("perplexity", { values: { decay: 1 } }, nats),
    ...everyMethod("perplexity", { block: 32 }, nats),
    ...everyMethod("perplexity", {}, nats, { corpus: "letters" }),
  ];
  const part = methodsPart(usualCells(cells, [])[0], []);
  assertEquals(row(part, "h2o").slice(3), ["+0.200 ± 0.100"]);
});

Deno.test("methodsPart() shows the charts that are there", () => {
  const part = methodsPart([], ["quality_by_bytes.svg"]);
  assertStringIncludes(
    part,
    "![Likelihood by bytes of the cache](bench/results/quality_by_bytes.svg)",
  );
});

Deno.test("flagsPart() gives a flag with its value, meaning and default", () => {
  const line = flagsPart().split("\n")
    .find((line) => line.includes("`--sinks N`"));
  assertEquals(line?.split("|").slice(1, -1).map((text) => text.trim()), [
    "`--sinks N`",
    "first tokens that are never evicted",
    "4",
  ]);
});

Deno.test("fill() replaces what is between the markers, however often", () => {
  const empty = "a\n<!-- x -->\n<!-- /x -->\nb\n";
  const once = fill(empty, "x", "new");
  assertEquals(
    once,
    "a\n<!-- x -->\n<!-- deno-fmt-ignore-start -->\n\nnew\n\n" +
      "<!-- deno-fmt-ignore-end -->\n<!-- /x -->\nb\n",
  );
  assertEquals(fill(once, "x", "new"), once);
});

Deno.test("fill() wants one pair of markers", () => {
  for (
    const document of [
      "",
      "<!-- x -->",
      "<!-- /x --><!-- x -->",
      "<!-- x --><!-- /x --><!-- x --><!-- /x -->",
    ]
  ) {
    assertThrows(() => fill(document, "x", ""), RangeError, "Cannot fill x");
  }
});

function locoloop(nats: number[], setup: Partial<Setup> = {}): Cell {
  return cell("perplexity", { method: "locoloop", ...setup }, { nats });
}

/** The rows of all tables of a part. */
function rowsOf(part: string): string[][] {
  return part.split("\n").filter((line) => /^\|(?! *-)/.test(line))
    .map((line) => line.split("|").slice(1, -1).map((text) => text.trim()));
}

const FULL = cell("perplexity", { method: "full", slots: null }, {
  nats: [3, 3],
});

Deno.test("learnedPart() pairs every set of parts with all of them", () => {
  const part = learnedPart([[
    FULL,
    locoloop([3.1, 3.1]),
    locoloop([3.2, 3.3], { values: { corrections: 0 } }),
    locoloop([3.3, 3.3], { values: { corrections: 0, budgets: 0 } }),
    locoloop([3.4, 3.4], { values: { share: 0.5 } }),
  ]]);
  assertEquals(rowsOf(part), [
    ["learned parts, 256 slots", "Δ nats", "more than with all"],
    ["score, budgets, fusion, corrections", "+0.100 ± 0.000", ""],
    ["score, budgets, fusion", "+0.250 ± 0.050", "+0.150 ± 0.050"],
    ["score, fusion", "+0.300 ± 0.000", "+0.200 ± 0.000"],
  ]);
  assertEquals(learnedPart([]), "");
});

Deno.test("learnedPart() pairs fusion with none on all texts, and int8 with f32 on the first", () => {
  const without = { values: { fusion: 0 } };
  const part = learnedPart([
    [
      FULL,
      locoloop([3.1, 3.1]),
      locoloop([3.12, 3.12], { store: "int8" }),
      locoloop([3.2, 3.2], without),
    ],
    [FULL, locoloop([3.5, 3.5]), locoloop([3.8, 3.8], without)],
  ]);
  assertEquals(rowsOf(part).slice(-2), [
    ["slots", "Δ nats in f32", "more without fusion", "more in int8"],
    ["256", "+0.100 ± 0.000", "+0.2000 ± 0.0577", "+0.0200 ± 0.0000"],
  ]);
  assertStringIncludes(part, "over all texts that were measured, 256 tokens");
});

Deno.test("learnedPart() gives slots and blocks that nothing was trained with", () => {
  const part = learnedPart([[
    FULL,
    locoloop([3.1, 3.1]),
    locoloop([3.2, 3.2], { slots: 64 }),
    locoloop([3.3, 3.3], { block: 128 }),
    locoloop([3.4, 3.4], { block: 16 }),
    locoloop([3.5, 3.5], { block: 16, values: { share: 0 } }),
  ]]);
  assertEquals(rowsOf(part).slice(-4), [
    ["other slots", "block", "Δ nats in f32"],
    ["64", "64", "+0.200 ± 0.000"],
    ["256", "16", "+0.400 ± 0.000"],
    ["256", "128", "+0.300 ± 0.000"],
  ]);
});

Deno.test("usualCells() gives the texts with most cells first, and leaves out what other learned parts measured", () => {
  const shipped = locoloop([3.1]), old = locoloop([3.2]);
  const cells: Cell[] = [
    { ...FULL, corpus: "letters" },
    FULL,
    { ...shipped, learned: "new" },
    { ...old, learned: "old" },
  ];
  assertEquals(usualCells(cells, ["new"]), [[cells[1], cells[2]], [cells[0]]]);
});
