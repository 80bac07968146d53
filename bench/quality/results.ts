/**
 * What was measured, in a JSON file that later runs add to.
 *
 * @module
 */
import { dirname } from "node:path";
import type { Method } from "../../src/cache/method.ts";
import { METHODS } from "../../src/cache/methods.ts";
import { readOptions } from "../../src/cache/options.ts";
import { machine } from "../report.ts";
import { type Corpus, digest } from "./corpus.ts";
import type { Model, Setup } from "./session.ts";
import type { Measures, Task } from "./task.ts";

/** One task under one configuration. */
export interface Cell {
  /** Of everything that the figures depend on, the code of the engine apart. */
  readonly fingerprint: string;
  readonly task: string;
  readonly setup: Setup;
  /** {@link Model.id} */
  readonly model: string;
  /** SHA-256 of the learned parts, where the method had any. */
  readonly learned: string | null;
  readonly corpus: string;
  readonly quick: boolean;
  readonly machine: string;
  /** What it took. */
  readonly seconds: number;
  readonly measures: Measures;
}

/** Digits that a measurement is kept with. */
const DIGITS = 6;

/** The cells of one file. Every new one is written at once: a run may be broken off. */
export class Results {
  readonly #path: string;
  readonly #cells: Map<string, Cell>;

  private constructor(path: string, cells: readonly Cell[]) {
    this.#path = path;
    this.#cells = new Map(cells.map((cell) => [cell.fingerprint, cell]));
  }

  /**
   * Opens a file to add to; one that is not there is empty.
   *
   * @throws {SyntaxError} If it holds something else.
   * @throws {Error} If it cannot be written: better before an hour of measuring than after.
   */
  static async open(path: string): Promise<Results> {
    await tryWriting(path);
    try {
      const { cells } = JSON.parse(await Deno.readTextFile(path));
      if (!Array.isArray(cells)) {
        throw new SyntaxError(`Cannot read ${path}: it has no cells`);
      }
      return new Results(path, cells);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return new Results(path, []);
      throw error;
    }
  }

  get(fingerprint: string): Cell | undefined {
    return this.#cells.get(fingerprint);
  }

  /** All cells, the oldest first. */
  all(): Cell[] {
    return [...this.#cells.values()];
  }

  /** Adds a cell, or puts it in the place of an older one. */
  async add(cell: Cell): Promise<void> {
    const measures = Object.fromEntries(
      Object.entries(cell.measures).map(([name, values]) => [
        name,
        values.map((value) => Number(value.toPrecision(DIGITS))),
      ]),
    );
    this.#cells.set(cell.fingerprint, { ...cell, measures });
    const lines = this.all().map((cell) => JSON.stringify(cell));
    const whole = `{"cells":[\n${lines.join(",\n")}\n]}\n`;
    await Deno.writeTextFile(partOf(this.#path), whole);
    await Deno.rename(partOf(this.#path), this.#path);
  }
}

/** What is written first, so that the file itself is whole at any time. */
function partOf(path: string): string {
  return `${path}.part`;
}

async function tryWriting(path: string): Promise<void> {
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeTextFile(partOf(path), "");
    await Deno.remove(partOf(path));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : cause;
    throw new Error(`Cannot write --results ${path}: ${reason}`, { cause });
  }
}

/** SHA-256 of the learned parts of the model, or null if the method uses none of them. */
export function learnedIn(
  { method, values }: Setup,
  { learned }: Model,
): string | null {
  const { learned: form }: Method = METHODS[method];
  return learned && form?.(learned, values) ? learned.sha256 : null;
}

/** The same for the same task, texts, model and configuration, and machine if the task is timed. */
export function fingerprint(
  { name, version, timed = false }: Task,
  setup: Setup,
  model: Model,
  corpus: Corpus,
  quick: boolean,
): Promise<string> {
  const { method, values, slots, store, block, sinks, window } = setup;
  const { options: table = {} }: Method = METHODS[method];
  const learned = learnedIn(setup, model);
  // With what they are where they are not given: a default may change.
  const options = Object.entries(readOptions(table, values, "options")).sort();
  return digest(JSON.stringify([
    [name, version, quick],
    [method, slots, store, block, sinks, window],
    [model.id, corpus.digest],
    ...(options.length > 0 ? [options] : []),
    ...(learned === null ? [] : [learned]),
    ...(timed ? [machine()] : []),
  ]));
}
