/**
 * Runs one bench: `deno task bench NAME`. A bench is a file of this folder that
 * is a {@link Bench}; without a name, they are listed.
 *
 * @module
 */
import { machine } from "./report.ts";

/** What a file `bench/NAME.ts` exports. */
export interface Bench {
  /** What is measured, in one line. */
  readonly about: string;
  /** The options, a line each; shown by `--help`. */
  readonly options?: string;
  /** Measures and prints; `args` are what followed the name. */
  run(args: readonly string[]): Promise<void>;
}

/** Files of this folder that are no bench. */
const PARTS = ["adapter", "arguments", "chart", "main", "model", "report"];

/** Names of the benches of a folder, in order. */
export async function listBenches(folder: URL): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) {
    const base = name.replace(/\.ts$/, "");
    if (isFile && base !== name && !PARTS.includes(base)) names.push(base);
  }
  return names.sort();
}

/** Runs what the command line asks for; gives the exit code, 2 for a wrong name. */
export async function main(
  [name, ...args]: readonly string[],
  folder: URL,
): Promise<number> {
  const names = await listBenches(folder);
  const load = (name: string): Promise<Bench> =>
    import(new URL(`${name}.ts`, folder).href);

  if (name === undefined || name === "--help") {
    console.log("deno task bench NAME [OPTIONS] | NAME --help\n");
    for (const name of names) {
      console.log(`${name}: ${(await load(name)).about}`);
    }
    return 0;
  }
  if (!names.includes(name)) {
    console.error(`Cannot run the bench ${name}: known are ${names}`);
    return 2;
  }
  const bench = await load(name);
  if (args.includes("--help")) {
    console.log(`${bench.about}\n${bench.options ?? ""}`.trimEnd());
    return 0;
  }
  console.log(`${machine()}\n`);
  await bench.run(args);
  return 0;
}

if (import.meta.main) {
  Deno.exitCode = await main(Deno.args, new URL(".", import.meta.url));
}
