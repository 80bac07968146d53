/**
 * The table of cache methods in README.md.
 *
 * @module
 */
import { USUAL } from "../../bench/model.ts";
import { cost } from "../../bench/quality/cost.ts";
import { long } from "../../bench/quality/long.ts";
import { perplexity } from "../../bench/quality/perplexity.ts";
import { recallA, recallB } from "../../bench/quality/recall.ts";
import type { Cell } from "../../bench/quality/results.ts";
import type { Task } from "../../bench/quality/task.ts";
import { table } from "../../bench/report.ts";
import type { Method } from "../../src/cache/method.ts";
import {
  METHOD_NAMES,
  type MethodName,
  METHODS,
} from "../../src/cache/methods.ts";
import { parseConfig } from "../../src/config.ts";

/** Where the bench leaves what it measured. */
export const RESULTS = "bench/results";

/** File name to caption of the bench's charts. */
export const CHARTS = {
  "quality_by_bytes.svg": "Likelihood by bytes of the cache",
  "quality_time_by_length.svg": "Time of a token by length of the dialogue",
};

/** A column of figures: one of a task's, at one number of slots. */
interface Figure {
  readonly task: Task;
  /** Title of the task's column. */
  readonly title: string;
  readonly slots: number;
}

/** Slots at which figures that stand once are given. */
const SLOTS = 256;

const FIGURES: readonly Figure[] = [
  ...[128, 256, 512].map((slots) => ({
    task: perplexity,
    title: "Δ nats",
    slots,
  })),
  ...[128, 256, 512].map((slots) => ({
    task: recallA,
    title: "recall A",
    slots,
  })),
  ...[128, 256].map((slots) => ({
    task: recallB,
    title: "recall B",
    slots,
  })),
  ...["facts after 3,500", "pairs after 3,500"].map((title) => ({
    task: long,
    title,
    slots: 128,
  })),
  { task: cost, title: "% of decode", slots: SLOTS },
];

/** Methods without which a column says nothing. */
const LANDMARKS: readonly MethodName[] = [
  "full",
  "streaming_llm",
  parseConfig([], {}).method,
];

/** The cells of the table of methods: all in one store, none with options of its own. */
function shownCells(cells: readonly Cell[]): Cell[] {
  return cells.filter(({ setup: { store, block, values } }) =>
    store === "f32" && block === USUAL.block && Object.keys(values).length === 0
  );
}

/** Of a task under a method, the newest; `full` has no number of slots. */
function find(
  cells: readonly Cell[],
  { task, slots }: Figure,
  method: MethodName,
): Cell | undefined {
  return cells.findLast(({ task: name, setup }) =>
    name === task.name && setup.method === method &&
    setup.slots === (method === "full" ? null : slots)
  );
}

function figure(
  cells: readonly Cell[],
  wanted: Figure,
  method: MethodName,
): string {
  const cell = find(cells, wanted, method);
  const column = wanted.task.columns.find(({ title }) =>
    title === wanted.title
  );
  if (!cell || !column) return "–";
  const full = find(cells, wanted, "full");
  return column.cell(cell.measures, full?.measures ?? null);
}

/**
 * The methods with what was measured of them; without results, the methods alone.
 *
 * @param usual Cells that README.md shows, all of the same texts.
 */
export function methodsPart(
  usual: readonly Cell[],
  charts: readonly (keyof typeof CHARTS)[],
): string {
  const cells = shownCells(usual);
  // A column stands once it says how the default does between nothing lost and the plainest rule.
  const figures = FIGURES.filter((wanted) =>
    LANDMARKS.every((method) => find(cells, wanted, method))
  );
  const head = figures.map(({ title, slots }) => `${title}, ${slots}`);
  const rows = METHOD_NAMES.map((name) => {
    const { summary, paper } = METHODS[name];
    return [
      `\`${name}\``,
      summary,
      paperLink(paper),
      ...figures.map((wanted) => figure(cells, wanted, name)),
    ];
  });
  const parts = [table(["method", "idea", "paper", ...head], rows)];
  if (figures.length > 0) parts.push(legend(cells, figures));
  parts.push(
    ...charts.map((file) => `![${CHARTS[file]}](${RESULTS}/${file})`),
  );
  return parts.join("\n\n");
}

function paperLink(paper: string | null): string {
  const id = paper?.match(/^arXiv (\d{4}\.\d{4,5})$/)?.[1];
  return id ? `[${id}](https://arxiv.org/abs/${id})` : paper ?? "";
}

/** What a task's figures mean. */
const MEANINGS: readonly (readonly [Task, string])[] = [
  [perplexity, `Δ nats: ${perplexity.about}, above the full cache.`],
  [recallA, `Recall A: ${recallA.about}.`],
  [recallB, `Recall B: ${recallB.about}.`],
  [long, `After 3,500: ${long.about}; 8 dialogues.`],
  [
    cost,
    "% of decode: the time of a compaction in that of the 64 tokens between two.",
  ],
];

/** Methods whose figures are of their form without learned parts, though they have another. */
function untrained(cells: readonly Cell[]): string[] {
  const names = new Set(
    cells.filter(({ learned, setup }) => {
      const { learned: form }: Method = METHODS[setup.method];
      return form !== undefined && learned === null;
    }).map(({ setup }) => `\`${setup.method}\``),
  );
  return names.size === 0 ? [] : [
    `Without learned parts, for which there is no file: ${
      [...names].join(", ")
    }.`,
  ];
}

/** What the figures are of. */
function legend(cells: readonly Cell[], figures: readonly Figure[]): string {
  const [{ corpus }] = cells;
  const texts = corpus === "reference"
    ? "the reference texts of `bench/quality/corpus.ts`"
    : corpus;
  const machines = new Set(
    figures.some(({ task }) => task === cost)
      ? cells.filter(({ task }) => task === cost.name)
        .map(({ machine }) => machine)
      : [],
  );
  const onWhat = machines.size > 0
    ? [`Times on ${[...machines].join(" and ")}.`]
    : [];
  return [
    "The number behind the comma is the slots; – was not measured.",
    ...MEANINGS.filter(([shown]) => figures.some(({ task }) => task === shown))
      .map(([, meaning]) => meaning),
    "± is one standard error.",
    ...untrained(cells),
    "SmolLM2-135M-Instruct Q4_1, f32 slots, blocks of 64, 4 sinks, a window of 32;",
    `texts: ${texts}.`,
    ...onWhat,
    "`deno task bench quality` prints these figures.",
  ].join("\n");
}
