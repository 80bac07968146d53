/**
 * The command line of the bench.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { Method } from "../../src/cache/method.ts";
import { METHOD_NAMES, METHODS } from "../../src/cache/methods.ts";
import { readOptions } from "../../src/cache/options.ts";
import { STORE_NAMES } from "../../src/cache/store/stores.ts";
import { USUAL } from "../model.ts";
import type { Setup } from "./session.ts";

/** What to measure. */
export interface Arguments {
  readonly setups: readonly Setup[];
  /** Names of tasks, in order. */
  readonly tasks: readonly string[];
  readonly text: string;
  /** A model as `deno task serve` takes it; null for the default one. */
  readonly model: string | null;
  /** As `deno task serve` takes it. */
  readonly learned: string | null;
  readonly results: string;
  readonly quick: boolean;
  /** Whether cells that are there are measured again. */
  readonly fresh: boolean;
}

/** The help, a line each. */
export const OPTIONS = `
--methods NAME,…   default: all; full, random and streaming_llm are always there;
                   NAME:OPTION=VALUE:… is a method with other options
--alone            only those named: what they are compared with was measured before
--slots N,…        of each layer and head; default: 128,256,512
--stores NAME,…    f32, int8, k8v4 or int4; default: f32
--tasks NAME,…     default: all
--text FOLDER      texts, a paragraph a line; default: bench/texts
--block N          tokens between two compactions; default: 64
--sinks N          first tokens that stay; default: 4
--window N         newest tokens that stay; default: 32
--model SOURCE     as for \`deno task serve\`
--learned FILE     as for \`deno task serve\`
--results FILE     default: bench/results/quality.json, with --quick
                   .cache/bench/quality.json
--quick            fewer texts and dialogues
--fresh            measure again what is there
`.trim();

/** What the README shows. */
const RESULTS = "bench/results/quality.json";

/** Too rough to be shown. */
const QUICK_RESULTS = ".cache/bench/quality.json";

/** Methods that every table has, where they are registered. */
const ALWAYS = ["full", "random", "streaming_llm"];

/** What everything is compared with. */
const REFERENCE = {
  method: "full",
  values: {},
  slots: null,
  store: "f32",
} as const;

const string = (value: string) => ({ type: "string", default: value }) as const;
const flag = { type: "boolean", default: false } as const;

/**
 * Reads the command line.
 *
 * @throws {TypeError} If an option is unknown or has no value.
 * @throws {RangeError} If a value is none that it can have.
 */
export function readArguments(
  args: readonly string[],
  taskNames: readonly string[],
): Arguments {
  const { values } = parseArgs({
    args: [...args],
    strict: true,
    options: {
      methods: string(METHOD_NAMES.join()),
      slots: string("128,256,512"),
      stores: string("f32"),
      tasks: string(taskNames.join()),
      text: string("bench/texts"),
      block: string(`${USUAL.block}`),
      sinks: string(`${USUAL.sinks}`),
      window: string(`${USUAL.window}`),
      model: { type: "string" },
      learned: { type: "string" },
      results: { type: "string" },
      quick: flag,
      fresh: flag,
      alone: flag,
    },
  });
  const asked = values.methods.split(",").map(readMethod);
  const always = METHOD_NAMES
    .filter((name) => !values.alone && ALWAYS.includes(name))
    .map((method) => ({ method, values: {} }));
  const methods = unique([...always, ...asked]).toSorted((a, b) =>
    METHOD_NAMES.indexOf(a.method) - METHOD_NAMES.indexOf(b.method)
  );
  const shared = {
    block: integer("block", values.block),
    sinks: integer("sinks", values.sinks),
    window: integer("window", values.window),
  };
  const slots = values.slots.split(",").map((count) => integer("slots", count));
  const stores = names("stores", values.stores, STORE_NAMES);
  const setups = stores.flatMap((store) =>
    combine(methods, slots, { ...shared, store })
  );
  if (!values.alone && !stores.includes(REFERENCE.store)) {
    setups.unshift({ ...REFERENCE, ...shared });
  }
  return {
    setups,
    tasks: names("tasks", values.tasks, taskNames),
    text: values.text,
    model: values.model ?? null,
    learned: values.learned ?? null,
    results: values.results ?? (values.quick ? QUICK_RESULTS : RESULTS),
    quick: values.quick,
    fresh: values.fresh,
  };
}

/** A method with the options that are not to have their fallbacks. */
type Variant = Pick<Setup, "method" | "values">;

/** Reads `NAME` or `NAME:OPTION=VALUE:…`. */
function readMethod(text: string): Variant {
  const [name, ...given] = text.split(":");
  const [method] = names("methods", name, METHOD_NAMES);
  const values = Object.fromEntries(given.map((pair) => {
    const [option, value] = pair.split("=");
    return [option, value ? Number(value) : NaN];
  }));
  const { options = {} }: Method = METHODS[method];
  readOptions(options, values, method);
  return { method, values };
}

/** Without those that are there already. */
function unique(variants: readonly Variant[]): Variant[] {
  return [
    ...new Map(variants.map((variant) => [JSON.stringify(variant), variant]))
      .values(),
  ];
}

/** Every method with every number of slots; `full`, first, with none. */
function combine(
  variants: readonly Variant[],
  slots: readonly number[],
  shared: Omit<Setup, keyof Variant | "slots">,
): Setup[] {
  return variants.flatMap((variant) =>
    (variant.method === "full" ? [null] : slots)
      .map((count) => ({ ...variant, slots: count, ...shared }))
  );
}

function names<T extends string>(
  option: string,
  list: string,
  known: readonly T[],
): T[] {
  return list.split(",").map((given) => {
    const name = known.find((name) => name === given);
    if (name === undefined) {
      throw new RangeError(
        `Cannot read --${option}: ${given} is none of ${known.join(", ")}`,
      );
    }
    return name;
  });
}

function integer(option: string, text: string): number {
  if (!/^\d{1,6}$/.test(text)) {
    throw new RangeError(`Cannot read --${option}: ${text} is no number`);
  }
  return Number(text);
}
