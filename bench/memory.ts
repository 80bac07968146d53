/**
 * The memory of a whole process that serves one dialogue: `deno task bench memory`.
 *
 * @module
 */
import { STORE_NAMES } from "../src/cache/store/stores.ts";
import { readOptions } from "./arguments.ts";
import { measureParts } from "./memory/process.ts";
import { type Cell, table } from "./report.ts";

export const about =
  "memory of the whole process, part by part, with one long dialogue";

export const options = [
  "--slots N   default: 512",
  "--kv NAME   precision of the slots; default: int8",
  "--tokens N  that the dialogue reads; default: 20000",
  "--limit MB  that the process may take; default: 200",
].join("\n");

/** Measures and prints; the exit code is 1 if the process took more than it may. */
export async function run(args: readonly string[]): Promise<void> {
  const given = readOptions(args, {
    slots: 512,
    kv: ["int8", ...STORE_NAMES.filter((name) => name !== "int8")],
    tokens: 20_000,
    limit: 200,
  });
  const parts = await measureParts(given.slots, given.kv, given.tokens);
  const rows = parts.map(({ name, bytes }, i): Cell[] => [
    name,
    megabytes(bytes - (parts[i - 1]?.bytes ?? 0)),
    megabytes(bytes),
  ]);
  console.log(table(["part", "MB more", "MB in all"], rows));
  const peak = Math.max(...parts.map(({ bytes, peak }) => peak || bytes));
  const kept = peak <= given.limit * 1e6;
  console.log(
    `\nAt its peak ${megabytes(peak)} MB, ${
      kept ? "within" : "more than"
    } ${given.limit} MB`,
  );
  if (!kept) Deno.exitCode = 1;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
