/**
 * The memory of a whole process that serves one dialogue: `deno task bench memory`.
 *
 * @module
 */
import { STORE_NAMES } from "../src/cache/store/stores.ts";
import { readOptions } from "./arguments.ts";
import { measureParts } from "./memory/process.ts";
import { measureServer } from "./memory/serve.ts";
import { type Cell, table } from "./report.ts";

export const about =
  "memory of the whole process, part by part, and of the server with one long dialogue";

export const options = [
  "--slots N      default: 512",
  "--kv NAME      precision of the slots; default: int8",
  "--runtime NAME of the server; default: auto",
  "--tokens N     that the dialogue has in the end; default: 20000",
  "--limit MB     that the server may take; default: 200",
].join("\n");

/** What the user says. */
const TEXT = new URL("texts/persuasion.txt", import.meta.url);

/** Measures and prints; the exit code is 1 if the server took more than it may. */
export async function run(args: readonly string[]): Promise<void> {
  const { slots, kv, runtime, tokens, limit } = readOptions(args, {
    slots: 512,
    kv: ["int8", ...STORE_NAMES.filter((name) => name !== "int8")],
    runtime: ["auto", "simd"],
    tokens: 20_000,
    limit: 200,
  });
  const parts = await measureParts(slots, kv, Math.min(tokens, 2048));
  const rows = parts.map(({ name, bytes }, i): Cell[] => [
    name,
    megabytes(bytes - (parts[i - 1]?.bytes ?? 0)),
    megabytes(bytes),
  ]);
  console.log(`${table(["part", "MB more", "MB in all"], rows)}\n`);

  const flags = ["--slots", `${slots}`, "--kv", kv, "--runtime", runtime];
  const text = await Deno.readTextFile(TEXT);
  const stages = await measureServer(flags, text, tokens);
  const head = ["the server", "MB", "of them files", "MB at most"];
  const figures = stages.map(({ name, resident, files, peak }): Cell[] => [
    name,
    ...[resident, files, peak].map(megabytes),
  ]);
  console.log(table(head, figures));
  const { peak } = stages.at(-1)!;
  const kept = peak <= limit * 1e6;
  console.log(
    `\nThe server took ${megabytes(peak)} MB at its peak, ${
      kept ? "within" : "more than"
    } ${limit} MB`,
  );
  if (!kept) Deno.exitCode = 1;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
