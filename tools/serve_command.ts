/**
 * What `deno task serve` runs, for those who run it otherwise.
 *
 * @module
 */
import project from "../deno.json" with { type: "json" };

const WORDS = project.tasks.serve.command.split(" ")
  .map((word) => word.replaceAll("'", ""));
const PROGRAM = WORDS.indexOf("deno");

/** Variables of the environment that the task sets. */
export const SERVE_ENV: Readonly<Record<string, string>> = Object.fromEntries(
  WORDS.slice(0, PROGRAM).map((word) => word.split("=", 2)),
);

/** What it tells Deno and V8 about memory, for other scripts than `main.ts`. */
export const SERVE_MEMORY_FLAGS: readonly string[] = WORDS.filter((word) =>
  word === "--no-code-cache" || word.startsWith("--v8-flags")
);

/** Arguments of Deno: `run`, what the task sets and allows, and `main.ts`. */
export const SERVE_ARGS: readonly string[] = WORDS.slice(PROGRAM + 1);
