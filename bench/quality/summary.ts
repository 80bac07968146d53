/**
 * The report: a row for each configuration, the columns of each task.
 *
 * @module
 */
import { table } from "../report.ts";
import { perplexity } from "./perplexity.ts";
import type { Cell } from "./results.ts";
import {
  cacheBytes,
  methodTitle,
  type Model,
  type Setup,
  setupTitle,
} from "./session.ts";
import { differences, withError } from "./statistics.ts";
import type { Measures, Task } from "./task.ts";

/** Tokens of the dialogue whose cache the table gives the size of. */
export const SIZED_AT = 2560;

/** Whether two configurations are the same. */
export function isSame(a: Setup, b: Setup): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** What the task measured under the configuration, or null. */
export function measured(
  cells: readonly Cell[],
  task: Task,
  setup: Setup,
): Measures | null {
  const cell = cells.findLast((cell) =>
    cell.task === task.name && isSame(cell.setup, setup)
  );
  return cell?.measures ?? null;
}

/** The full cache in f32: what all is compared with. */
export function reference(
  cells: readonly Cell[],
  task: Task,
): Measures | null {
  const cell = cells.findLast(({ task: name, setup }) =>
    name === task.name && setup.method === "full" && setup.store === "f32"
  );
  return cell?.measures ?? null;
}

/** What options of their own cost methods in likelihood, each paired with the method without them: a line for each setup. */
export function compareVariants(
  cells: readonly Cell[],
  setups: readonly Setup[],
): string[] {
  return setups.flatMap((setup) => {
    const plain = { ...setup, values: {} };
    const [own, usual] = [setup, plain]
      .map((setup) => measured(cells, perplexity, setup));
    if (isSame(setup, plain) || !own || !usual) return [];
    const more = withError(differences(own.nats, usual.nats), 4, true);
    return [`${setupTitle(setup)}: ${more} nats against ${setupTitle(plain)}`];
  });
}

/** Lays out what was measured. */
export function summarize(
  cells: readonly Cell[],
  tasks: readonly Task[],
  setups: readonly Setup[],
  model: Model,
): string {
  const columns = tasks.flatMap((task) =>
    task.columns.map((column) => ({ task, column }))
  );
  const head = ["method", "slots", "store", "MB"];
  return table(
    [...head, ...columns.map(({ column }) => column.title)],
    setups.map((setup) => [
      methodTitle(setup),
      setup.slots ?? "all",
      setup.store,
      Number((cacheBytes(model, setup, SIZED_AT) / 1e6).toFixed(1)),
      ...columns.map(({ task, column }) => {
        const measures = measured(cells, task, setup);
        return measures ? column.cell(measures, reference(cells, task)) : "";
      }),
    ]),
  );
}
