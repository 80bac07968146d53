/**
 * What `deno task serve` runs, for those who run it otherwise.
 *
 * @module
 */
import project from "../deno.json" with { type: "json" };

/** Arguments of Deno: `run`, what the task sets and allows, and `main.ts`. */
export const SERVE_ARGS: readonly string[] = project.tasks.serve.command
  .split(" ")
  .slice(1)
  .map((word) => word.replaceAll("'", ""));
