/**
 * How good the answers stay when the cache is kept small: `deno task bench quality`.
 *
 * @module
 */
import { dirname } from "node:path";
import { findModel } from "./model.ts";
import { type Arguments, OPTIONS, readArguments } from "./quality/arguments.ts";
import { drawCharts } from "./quality/charts.ts";
import { type Corpus, loadCorpus } from "./quality/corpus.ts";
import {
  type Cell,
  fingerprint,
  learnedIn,
  Results,
} from "./quality/results.ts";
import {
  loadModel,
  type Model,
  openDialogue,
  type Setup,
  setupTitle,
} from "./quality/session.ts";
import { compareVariants, reference, summarize } from "./quality/summary.ts";
import type { Task, TaskContext } from "./quality/task.ts";
import { GROUPS, TASKS } from "./quality/tasks.ts";
import { machine } from "./report.ts";

export const about =
  "how good the answers stay when the cache is kept small, by method, slots and store";

export const options = `${OPTIONS}\n\nTasks:\n${
  TASKS.map(({ name, about }) => `${name}: ${about}`).join("\n")
}`;

/** Measures what is not in the results yet, and prints the table of what was asked for. */
export async function run(args: readonly string[]): Promise<void> {
  const given = readArguments(args, TASKS.map(({ name }) => name));
  const tasks = TASKS.filter(({ name }) => given.tasks.includes(name));
  const corpus = await loadCorpus(given.text);
  const model = await load(given);
  const results = await Results.open(given.results);

  const comparable = () =>
    results.all().filter((cell) =>
      cell.quick === given.quick && cell.corpus === corpus.name &&
      cell.model === model.id &&
      cell.learned === learnedIn(cell.setup, model)
    );
  for (const task of tasks) {
    for (const setup of given.setups) {
      const cell = await measure(task, setup, model, corpus, given, results);
      console.error(describe(cell, task, comparable()));
    }
  }
  const cells = comparable();
  for (const { title, tasks: all } of GROUPS) {
    const chosen = all.filter((task) => tasks.includes(task));
    if (chosen.length === 0) continue;
    console.log(`${title}\n`);
    console.log(`${summarize(cells, chosen, given.setups, model)}\n`);
  }
  for (const line of compareVariants(cells, given.setups)) console.log(line);

  const folder = dirname(given.results);
  for (const [name, svg] of drawCharts(cells, model)) {
    const path = `${folder}/quality_${name}`;
    await Deno.writeTextFile(path, svg);
    console.error(`wrote ${path}`);
  }
}

async function load({ model, setups, learned }: Arguments): Promise<Model> {
  const path = await findModel(model, console.error);
  return await loadModel(path, setups[0].block, learned);
}

/** Takes the cell from the results, or measures it and puts it there. */
async function measure(
  task: Task,
  setup: Setup,
  model: Model,
  corpus: Corpus,
  { quick, fresh }: Arguments,
  results: Results,
): Promise<Cell> {
  const id = await fingerprint(task, setup, model, corpus, quick);
  const known = results.get(id);
  if (known && !fresh) return { ...known, setup };
  const label = `${task.name} ${setupTitle(setup)}`;
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const context: TaskContext = {
    model,
    setup,
    corpus,
    quick,
    signal: new AbortController().signal,
    open: (tokens) => openDialogue(model, setup, tokens),
    progress: (text) =>
      console.error(`  ${label}: ${text}, ${seconds().toFixed(0)} s`),
  };
  const measures = await task.run(context);
  await results.add({
    fingerprint: id,
    task: task.name,
    setup,
    model: model.id,
    learned: learnedIn(setup, model),
    corpus: corpus.name,
    quick,
    machine: machine(),
    seconds: Math.round(seconds()),
    measures,
  });
  return results.get(id)!;
}

/** One line about a cell. */
function describe(cell: Cell, task: Task, cells: readonly Cell[]): string {
  const full = reference(cells, task);
  const figures = task.columns.map(({ title, cell: show }) =>
    `${title} ${show(cell.measures, full)}`
  );
  return `${task.name} ${setupTitle(cell.setup)}: ${figures.join(", ")} ` +
    `(${cell.seconds} s)`;
}
