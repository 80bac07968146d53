/**
 * Fills the parts of README.md that follow from the code and the bench's
 * results: `deno task readme`. With `--check` it writes nothing and says
 * whether they are up to date.
 *
 * @module
 */
import { cost } from "../bench/quality/cost.ts";
import { perplexity } from "../bench/quality/perplexity.ts";
import { recallA, recallB } from "../bench/quality/recall.ts";
import { range } from "../bench/quality/draw.ts";
import type { Cell } from "../bench/quality/results.ts";
import { differences, withError } from "../bench/quality/statistics.ts";
import type { Task } from "../bench/quality/task.ts";
import { table } from "../bench/report.ts";
import type { OptionValues } from "../src/cache/options.ts";
import {
  METHOD_NAMES,
  type MethodName,
  METHODS,
} from "../src/cache/methods.ts";
import { helpText, parseConfig } from "../src/config.ts";

const RESULTS = "bench/results";
const README = "README.md";

/** File name to caption of the bench's charts. */
const CHARTS = {
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
  { task: recallB, title: "recall B", slots: SLOTS },
  { task: cost, title: "% of decode", slots: SLOTS },
];

/** Methods without which a column says nothing. */
const LANDMARKS: readonly MethodName[] = [
  "full",
  "streaming_llm",
  parseConfig([], {}).method,
];

/** A cell measured with what the server's flags are by default, but for the cache's method, options, slots and store. */
function isUsual({ quick, setup: { block, sinks, window } }: Cell): boolean {
  return !quick && block === 64 && sinks === 4 && window === 32;
}

/** The usual cells of the model and the texts that most of them were measured with. */
function usualCells(cells: readonly Cell[]): Cell[] {
  const groups = Map.groupBy(
    cells.filter(isUsual),
    ({ model, corpus }) => `${model}, ${corpus}`,
  );
  const [most = []] = [...groups.values()].toSorted((a, b) =>
    b.length - a.length
  );
  return most;
}

/** The cells of the table of methods: all in one store, none with options of its own. */
function shownCells(cells: readonly Cell[]): Cell[] {
  return usualCells(cells).filter(({ setup: { store, values } }) =>
    store === "f32" && Object.keys(values).length === 0
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

/** The methods with what was measured of them; without results, the methods alone. */
export function methodsPart(
  results: readonly Cell[],
  charts: readonly (keyof typeof CHARTS)[],
): string {
  const cells = shownCells(results);
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
  if (figures.length > 0) parts.push(legend(cells));
  parts.push(
    ...charts.map((file) => `![${CHARTS[file]}](${RESULTS}/${file})`),
  );
  return parts.join("\n\n");
}

function paperLink(paper: string | null): string {
  const id = paper?.match(/^arXiv (\d{4}\.\d{4,5})$/)?.[1];
  return id ? `[${id}](https://arxiv.org/abs/${id})` : paper ?? "";
}

/** What the figures are of. */
function legend(cells: readonly Cell[]): string {
  const [{ corpus }] = cells;
  const texts = corpus === "reference"
    ? "the reference texts of `bench/quality/corpus.ts`"
    : corpus;
  const machines = new Set(
    cells.filter(({ task }) => task === cost.name)
      .map(({ machine }) => machine),
  );
  const onWhat = machines.size > 0
    ? [`Times on ${[...machines].join(" and ")}.`]
    : [];
  return [
    "The number behind the comma is the slots; – was not measured.",
    `Δ nats: ${perplexity.about}, above the full cache.`,
    `Recall A: ${recallA.about}.`,
    `Recall B: ${recallB.about}.`,
    "% of decode: the time of a compaction in that of the 64 tokens between two.",
    "± is one standard error.",
    "SmolLM2-135M-Instruct Q4_1, f32 slots, blocks of 64, 4 sinks, a window of 32;",
    `texts: ${texts}.`,
    ...onWhat,
    "`deno task bench quality` prints these figures.",
  ].join("\n");
}

/** The parts of the learned method, each of which an option of that name switches off. */
const PARTS = ["score", "budgets", "fusion", "corrections"] as const;

/** What the learned method loses without its parts, and in fewer bits; without results, nothing. */
export function learnedPart(results: readonly Cell[]): string {
  const cells = usualCells(results).filter(({ task }) =>
    task === perplexity.name
  );
  const full = cells.findLast(({ setup }) =>
    setup.method === "full" && setup.store === "f32"
  );
  const nats = (slots: number, store: string, values: OptionValues) =>
    cells.findLast(({ setup }) =>
      setup.method === "locoloop" && setup.slots === slots &&
      setup.store === store && sameValues(setup.values, values)
    )?.measures.nats;
  const whole = nats(SLOTS, "f32", {});
  if (!full || !whole) return "";
  const { nats: least } = full.measures;
  const more = (a: readonly number[], b: readonly number[]) =>
    withError(differences(a, b), 3, true);
  const rows = range(2 ** PARTS.length).flatMap((bits) => {
    const off = PARTS.filter((_, index) => bits & (1 << index));
    const on = PARTS.filter((part) => !off.includes(part));
    const found = nats(
      SLOTS,
      "f32",
      Object.fromEntries(off.map((part) => [part, 0])),
    );
    if (!found) return [];
    const versus = bits === 0 ? "" : more(found, whole);
    return [[on.join(", "), more(found, least), versus]];
  });
  const stores = [128, 256, 512].flatMap((slots) => {
    const [wide, narrow] = ["f32", "int8"].map((store) =>
      nats(slots, store, {})
    );
    if (!wide || !narrow) return [];
    return [[slots, more(wide, least), more(narrow, wide)]];
  });
  return [
    table(
      [`learned parts, ${SLOTS} slots`, "Δ nats", "more than with all"],
      rows,
    ),
    ...stores.length > 0
      ? [table(["slots", "Δ nats in f32", "more in int8"], stores)]
      : [],
    "Differences are paired: each 64 tokens with the same 64 tokens.",
  ].join("\n\n");
}

function sameValues(a: OptionValues, b: OptionValues): boolean {
  const text = (values: OptionValues) =>
    JSON.stringify(Object.entries(values).sort());
  return text(a) === text(b);
}

/** The flags, as `--help` explains them. */
export function flagsPart(): string {
  const flag = /^ {2}(--[a-z-]+)(?: (\S+))? +(.*?)(?: \(default: (.*)\))?$/gm;
  const rows = Array.from(
    helpText().matchAll(flag),
    ([, name, placeholder, meaning, fallback = ""]) => [
      `\`${[name, placeholder].filter(Boolean).join(" ")}\``,
      meaning.replaceAll("*", "\\*"),
      fallback,
    ],
  );
  return table(["flag", "meaning", "default"], rows);
}

/**
 * Puts `content` between the markers of a part.
 *
 * @throws {RangeError} If the document has not exactly one pair of them.
 */
export function fill(document: string, part: string, content: string): string {
  const [start, end] = [`<!-- ${part} -->`, `<!-- /${part} -->`];
  const [before, inside, ...more] = document.split(start);
  const [, after, ...others] = inside?.split(end) ?? [];
  if (after === undefined || more.length + others.length > 0) {
    throw new RangeError(`Cannot fill ${part}: expected one ${start} … ${end}`);
  }
  const [keep, resume] = ["start", "end"].map((at) =>
    `<!-- deno-fmt-ignore-${at} -->`
  );
  return `${before}${start}\n${keep}\n\n${content}\n\n${resume}\n${end}${after}`;
}

/** What README.md should be, given what it is, in the project at `root`. */
export async function render(document: string, root: string): Promise<string> {
  const charts: (keyof typeof CHARTS)[] = [];
  for (const file of Object.keys(CHARTS) as (keyof typeof CHARTS)[]) {
    const text = await readIfThere(`${root}/${RESULTS}/${file}`);
    if (text !== null) charts.push(file);
  }
  const json = await readIfThere(`${root}/${RESULTS}/quality.json`);
  const cells = json === null ? [] : JSON.parse(json).cells;
  const filled = fill(document, "flags", flagsPart());
  const learned = fill(filled, "learned", learnedPart(cells));
  return fill(learned, "methods", methodsPart(cells, charts));
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

if (import.meta.main) {
  const before = await Deno.readTextFile(README);
  const after = await render(before, ".");
  if (Deno.args.includes("--check")) {
    if (before !== after) {
      console.error(`${README} is out of date: run \`deno task readme\``);
      Deno.exitCode = 1;
    }
  } else if (before !== after) {
    await Deno.writeTextFile(README, after);
  }
}
