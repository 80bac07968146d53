/**
 * Finds what a cache method needs to know of a model, on training texts: `deno task tune`.
 *
 * @module
 */
import { type Arguments, OPTIONS, readArguments } from "./tune/arguments.ts";
import { tuneBudgets } from "./tune/budgets.ts";
import { TuneContext } from "./tune/context.ts";
import { tuneOptions } from "./tune/options.ts";

/** What can be tuned. */
const TUNINGS = {
  budgets: {
    about: "what fewer slots cost each layer or head, as a budget profile",
    tune: tuneBudgets,
  },
  options: {
    about: "what each choice of the method's options and positions costs",
    tune: tuneOptions,
  },
} satisfies Record<string, {
  readonly about: string;
  readonly tune: (context: TuneContext) => Promise<void>;
}>;

/** Tunes what the command line names; gives the exit code, 2 for a wrong name. */
export async function main(
  [name, ...args]: readonly string[],
): Promise<number> {
  if (name === undefined || [name, ...args].includes("--help")) {
    console.log("deno task tune WHAT --text FOLDER [OPTIONS]\n");
    for (const [name, { about }] of Object.entries(TUNINGS)) {
      console.log(`${name}: ${about}`);
    }
    console.log(`\n${OPTIONS}`);
    return 0;
  }
  const tuning = Object.entries(TUNINGS).find(([known]) => known === name);
  if (!tuning) {
    console.error(`Cannot tune ${name}: known are ${Object.keys(TUNINGS)}`);
    return 2;
  }
  const given = read(args);
  if (!given) return 2;
  await tuning[1].tune(await TuneContext.open(given));
  return 0;
}

function read(args: readonly string[]): Arguments | null {
  try {
    return readArguments(args);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) {
      throw error;
    }
    console.error(error.message);
    return null;
  }
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
