/**
 * How long a start takes: `deno task bench start`. The model is on disk already.
 *
 * @module
 */
import { readOptions } from "./arguments.ts";
import { measureParts, serveOnce } from "./memory/process.ts";
import { median } from "./quality/statistics.ts";
import { type Cell, table } from "./report.ts";

export const about =
  "time from the start of the server until the first token of a short prompt, and where it goes";

export const options = "--rounds N  of which the median counts; default: 3";

/** Measures and prints. */
export async function run(args: readonly string[]): Promise<void> {
  const { rounds } = readOptions(args, { rounds: 3 });
  const parts = await measureParts(512, "int8", 0);
  const rows = parts.map(({ name, time }, i): Cell[] => [
    name,
    (time - (parts[i - 1]?.time ?? 0)).toFixed(0),
    time.toFixed(0),
  ]);
  console.log(table(["part", "ms of processor time", "in all"], rows));
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await serveOnce());
  console.log(
    `\nThe server, from its start to the first token: ${
      median(times).toFixed(0)
    } ms of real time (${times.map((ms) => ms.toFixed(0)).join(", ")})`,
  );
}
