/**
 * Measurements in a file that later runs add to.
 *
 * @module
 */
import { dirname } from "node:path";

/** Numbers by what was measured. Every new one is written at once: a run may be broken off. */
export class Notebook {
  readonly #path: string;
  readonly #values: Map<string, number>;

  private constructor(path: string, values: Map<string, number>) {
    this.#path = path;
    this.#values = values;
  }

  /**
   * Opens a file; one that is not there is empty.
   *
   * @throws {SyntaxError} If it holds something else.
   */
  static async open(path: string): Promise<Notebook> {
    let text = "{}";
    try {
      text = await Deno.readTextFile(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    const entries = Object.entries(JSON.parse(text));
    for (const [key, value] of entries) {
      if (typeof value !== "number") {
        throw new SyntaxError(`Cannot read ${path}: ${key} is no number`);
      }
    }
    return new Notebook(path, new Map(entries as [string, number][]));
  }

  /** What is written under `key`, or else what `measure` finds, which is written there. */
  async look(key: string, measure: () => Promise<number>): Promise<number> {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const value = await measure();
    this.#values.set(key, value);
    const whole = JSON.stringify(Object.fromEntries(this.#values), null, 1);
    await Deno.mkdir(dirname(this.#path), { recursive: true });
    await Deno.writeTextFile(`${this.#path}.part`, `${whole}\n`);
    await Deno.rename(`${this.#path}.part`, this.#path);
    return value;
  }
}
