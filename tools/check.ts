/**
 * All that can be told without running the product: `deno task check`.
 *
 * @module
 */
import { resolveFlags, runDeno } from "./deno.ts";
import type { Counts } from "./junit.ts";

/** Longest that one check may take, in milliseconds. */
const LIMIT = 5 * 60_000;

const TOOL = ["run", "--quiet", "--no-prompt", "--allow-read=."];

/** Name to the arguments of Deno; `resolve` are those of {@link resolveFlags}. */
function checks(resolve: readonly string[]): Record<string, string[]> {
  return {
    format: ["fmt", "--check", "--quiet"],
    lint: ["lint", "--quiet"],
    types: ["check", "--quiet", ...resolve, "."],
    imports: [...TOOL, "tools/check_imports.ts"],
    size: [...TOOL, "tools/check_size.ts"],
  };
}

/** Runs every check, each with a line that tells how it went; gives how many passed and failed. */
export async function check(
  resolve: readonly string[],
): Promise<Counts> {
  let failed = 0;
  const all = Object.entries(checks(resolve));
  for (const [name, args] of all) {
    const ending = await runDeno(args, { limit: LIMIT });
    console.log(`check ${name} ... ${ending === 0 ? "ok" : "FAILED"}`);
    if (ending !== 0) failed++;
  }
  return { passed: all.length - failed, failed, skipped: 0 };
}

if (import.meta.main) {
  await Deno.mkdir(".cache", { recursive: true });
  const scratch = await Deno.makeTempDir({ dir: ".cache", prefix: "check-" });
  try {
    const { failed } = await check(await resolveFlags(scratch));
    Deno.exitCode = failed > 0 ? 1 : 0;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}
