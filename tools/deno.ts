/**
 * Runs Deno from within a task.
 *
 * @module
 */
import project from "../deno.json" with { type: "json" };

/** How a Deno process ended: its exit code, or that it ran past its limit. */
export type Ending = number | "timeout";

/**
 * Runs this very Deno, wherever it was started from, with `args`; output goes
 * to the terminal unless `quiet`. It is killed after `limit` milliseconds.
 */
export async function runDeno(
  args: readonly string[],
  { limit, quiet = false, env = {} }: {
    limit: number;
    quiet?: boolean;
    env?: Record<string, string>;
  },
): Promise<Ending> {
  const output = quiet ? "null" : "inherit";
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    env,
    stdin: "null",
    stdout: output,
    stderr: output,
  }).spawn();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
  }, limit);
  const { code } = await child.status;
  clearTimeout(timer);
  return timedOut ? "timeout" : code;
}

/** How long JSR may take to answer, in milliseconds, before it counts as out of reach. */
const JSR_LIMIT = 20_000;

/**
 * Flags with which Deno finds all that the tests import, at the locked versions;
 * their files go to `folder`, so that a run changes nothing in the checkout.
 * Where JSR does not give `@std/assert` (and has not given it before),
 * `tests/helpers/assert.ts` stands in for it.
 */
export async function resolveFlags(folder: string): Promise<string[]> {
  const lock = `${folder}/deno.lock`;
  await Deno.copyFile("deno.lock", lock);
  const wanted = project.imports["@std/assert"];
  const fetch = ["cache", "--quiet", "--no-config", "--no-lock", wanted];
  const ending = await runDeno(fetch, { limit: JSR_LIMIT, quiet: true });
  if (ending === 0) return [`--lock=${lock}`];

  console.log("JSR is out of reach: tests use tests/helpers/assert.ts");
  const map = `${folder}/import_map.json`;
  const imports = standInImports(project.imports);
  await Deno.writeTextFile(map, JSON.stringify({ imports }));
  return [`--lock=${lock}`, `--import-map=${map}`];
}

/** `imports` of deno.json for an import map, with the stand-in for `@std/assert`. */
export function standInImports(
  imports: Readonly<Record<string, string>>,
): Record<string, string> {
  const { "@std/assert": _, ...packages } = imports;
  const map: Record<string, string> = {};
  for (const [name, target] of Object.entries(packages)) {
    map[name] = target;
    // Deno infers the line for a package's subpaths in deno.json, not here.
    map[`${name}/`] = `${target.replace(":", ":/")}/`;
  }
  map["@std/assert"] = import.meta.resolve("../tests/helpers/assert.ts");
  return map;
}
