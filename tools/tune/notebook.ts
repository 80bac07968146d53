/**
 * Measurements in a file that later runs add to.
 *
 * @module
 */
import { dirname } from "node:path";

/** Numbers by what was measured, a line each. Every new one is written at once: a run may be broken off. */
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
    const values = new Map<string, number>();
    for (const line of (await read(path)).split("\n")) {
      if (line === "") continue;
      const { what, value } = JSON.parse(line);
      if (typeof what !== "string" || typeof value !== "number") {
        throw new SyntaxError(`Cannot read ${path}: ${line} is no measurement`);
      }
      values.set(what, value);
    }
    return new Notebook(path, values);
  }

  /** What was measured as `what`, or else what `measure` finds, which is written down. */
  async look(what: string, measure: () => Promise<number>): Promise<number> {
    const known = this.#values.get(what);
    if (known !== undefined) return known;
    const value = await measure();
    this.#values.set(what, value);
    await Deno.mkdir(dirname(this.#path), { recursive: true });
    const line = `${JSON.stringify({ what, value })}\n`;
    await Deno.writeTextFile(this.#path, line, { append: true });
    return value;
  }
}

async function read(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
