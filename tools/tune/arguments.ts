/**
 * The command line of tuning.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { METHOD_NAMES, type MethodName } from "../../src/cache/methods.ts";
import type { CacheFrame } from "./reader.ts";

/** What to tune, and on what. */
export interface Arguments {
  /** Folder of training texts. */
  readonly text: string;
  readonly method: MethodName;
  /** Means for which results are printed. */
  readonly slots: readonly number[];
  /** Slots at which budgets are measured, ascending. */
  readonly sizes: readonly number[];
  /** Whether budgets are measured by head, not by layer. */
  readonly heads: boolean;
  /** Pieces of text, and dialogues, that are read, and their tokens. */
  readonly texts: number;
  readonly dialogues: number;
  readonly tokens: number;
  readonly frame: CacheFrame;
  /** A model as `deno task serve` takes it; null for the default one. */
  readonly model: string | null;
  /** Where measurements are kept. */
  readonly results: string;
  /** File for the profile; null: it is not written. */
  readonly out: string | null;
}

/** The help, a line each. */
export const OPTIONS = `
--text FOLDER      training texts; never those that methods are judged on
--method NAME      default: maxdecay
--slots N,…        means to show results for; default: 128,256,512
--sizes N,…        budgets: slots at which they are measured; default: 64,112,192,320
--heads            budgets: by layer and head, which takes as many times longer
--texts N          pieces of text that are read; default: 3
--dialogues N      dialogues that are read; default: 0
--tokens N         of each of them; default: 1024
--block N          tokens between two compactions; default: 64
--sinks N          first tokens that stay; default: 4
--window N         newest tokens that stay; default: 32
--model SOURCE     as for \`deno task serve\`
--results FILE     measurements, which later runs add to; default: .cache/tune/results.jsonl
--out FILE         budgets: where to write the profile; default: nowhere
`.trim();

const string = (value: string) => ({ type: "string", default: value }) as const;

/**
 * Reads the command line.
 *
 * @throws {TypeError} If an option is unknown or has no value, or there is no folder of texts.
 * @throws {RangeError} If a value is none that it can have.
 */
export function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    strict: true,
    options: {
      text: { type: "string" },
      method: string("maxdecay"),
      slots: string("128,256,512"),
      sizes: string("64,112,192,320"),
      heads: { type: "boolean", default: false },
      texts: string("3"),
      dialogues: string("0"),
      tokens: string("1024"),
      block: string("64"),
      sinks: string("4"),
      window: string("32"),
      model: { type: "string" },
      results: string(".cache/tune/results.jsonl"),
      out: { type: "string" },
    },
  });
  if (values.text === undefined) {
    throw new TypeError("Cannot tune without texts: --text FOLDER is missing");
  }
  const method = METHOD_NAMES.find((name) => name === values.method);
  if (method === undefined) {
    throw new RangeError(
      `Cannot read --method: ${values.method} is none of ${
        METHOD_NAMES.join(", ")
      }`,
    );
  }
  const sizes = [...new Set(integers("sizes", values.sizes))];
  if (sizes.length < 2) {
    throw new RangeError(`Cannot read --sizes: ${values.sizes} is less than 2`);
  }
  return {
    text: values.text,
    method,
    slots: integers("slots", values.slots),
    sizes: sizes.sort((a, b) => a - b),
    heads: values.heads,
    texts: integer("texts", values.texts),
    dialogues: integer("dialogues", values.dialogues),
    tokens: integer("tokens", values.tokens),
    frame: {
      block: integer("block", values.block),
      sinks: integer("sinks", values.sinks),
      window: integer("window", values.window),
    },
    model: values.model ?? null,
    results: values.results,
    out: values.out ?? null,
  };
}

function integers(option: string, list: string): number[] {
  return list.split(",").map((text) => integer(option, text));
}

function integer(option: string, text: string): number {
  if (!/^\d{1,6}$/.test(text)) {
    throw new RangeError(`Cannot read --${option}: ${text} is no number`);
  }
  return Number(text);
}
