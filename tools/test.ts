/**
 * Runs the tests: `deno task test`. Without arguments the checks of
 * `deno task check`, then every run of the table below; arguments (files,
 * `--filter TEXT`, …) go to a single `deno test` instead. The last line reads
 * `N passed, N failed`; where some were skipped, the line before says how many.
 *
 * @module
 */
import { check } from "./check.ts";
import { type Ending, resolveFlags, runDeno } from "./deno.ts";
import { type Counts, countTests } from "./junit.ts";

/** One `deno test` process. */
interface Run {
  readonly name: string;
  readonly args: readonly string[];
  /** After so many minutes it is killed and has failed. */
  readonly minutes: number;
}

/** Whole servers, driven from outside, have the machine to themselves. */
const END_TO_END = "tests/e2e";

/** Types are left to the checks, which have gone before. */
const RUNS: readonly Run[] = [
  {
    name: "tests",
    args: ["--no-check", "--parallel", `--ignore=${END_TO_END}`, "tests"],
    minutes: 40,
  },
  { name: "e2e", args: ["--no-check", END_TO_END], minutes: 20 },
];

/** What tests may do: nothing outside the checkout, and no network but this machine's own. */
function permissions(scratch: string): string[] {
  return [
    "--no-prompt",
    "--allow-read=.",
    `--allow-write=${scratch}`,
    "--allow-net=127.0.0.1,localhost,[::1]",
    "--allow-env=LOCOLOOP_*",
    "--ignore-env",
    "--allow-sys=cpus",
    `--allow-run=${Deno.execPath()},curl,sh,python3`,
  ];
}

/** Runs one row of the table. What its report does not show, such as a crash, is one failure. */
async function runTests(
  { name, args, minutes }: Run,
  scratch: string,
  resolve: readonly string[],
): Promise<Counts> {
  const report = `${scratch}/${name}.xml`;
  const ending = await runDeno([
    "test",
    ...permissions(scratch),
    ...resolve,
    "--sanitize-ops",
    "--sanitize-resources",
    `--junit-path=${report}`,
    ...args,
  ], { limit: minutes * 60_000, env: { TMPDIR: scratch } });

  const counts = await readCounts(report);
  const complaint = complain(ending, counts, minutes);
  if (complaint === null) return counts;
  console.log(`${name}: ${complaint}`);
  return { ...counts, failed: counts.failed + 1 };
}

/** What is wrong with a run beyond its failed tests; null if nothing is. */
function complain(
  ending: Ending,
  { passed, failed }: Counts,
  minutes: number,
): string | null {
  if (ending === "timeout") return `killed after ${minutes} minutes`;
  if (ending !== 0 && failed === 0) {
    return `ended with code ${ending} though no test failed`;
  }
  return passed + failed === 0 ? "ran no test" : null;
}

/** Counts of a report, all zero where the run did not live to write one. */
async function readCounts(report: string): Promise<Counts> {
  try {
    return countTests(await Deno.readTextFile(report));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { passed: 0, failed: 0, skipped: 0 };
  }
}

/** Longest that getting the model may take, in milliseconds. */
const MODEL_LIMIT = 40 * 60_000;

/** Gets the default model, unless it is there. Nothing is counted but a failure. */
async function prepareModel(): Promise<Counts> {
  const ending = await runDeno([
    "run",
    "--quiet",
    "--no-prompt",
    "--allow-net",
    "--allow-read=.",
    "--allow-write=.cache",
    "--allow-run=python3",
    "tools/get_model.ts",
  ], { limit: MODEL_LIMIT });
  return { passed: 0, failed: ending === 0 ? 0 : 1, skipped: 0 };
}

/** The whole suite, or what `args` choose of it. */
async function runAll(
  args: readonly string[],
  scratch: string,
): Promise<Counts> {
  const resolve = await resolveFlags(scratch);
  const counts = [await prepareModel()];
  if (args.length > 0) {
    const paths = args.some(isPath) ? [] : ["tests"];
    const run = { name: "chosen", args: [...args, ...paths], minutes: 40 };
    counts.push(await runTests(run, scratch, resolve));
  } else {
    counts.push(await check(resolve));
    for (const run of RUNS) counts.push(await runTests(run, scratch, resolve));
  }
  return sum(counts);
}

function sum(counts: readonly Counts[]): Counts {
  return counts.reduce((a, b) => ({
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  }));
}

function isPath(argument: string): boolean {
  try {
    Deno.statSync(argument);
    return true;
  } catch {
    return false;
  }
}

if (import.meta.main) {
  await Deno.mkdir(".cache", { recursive: true });
  const scratch = await Deno.realPath(
    await Deno.makeTempDir({ dir: ".cache", prefix: "test-" }),
  );
  try {
    const { passed, failed, skipped } = await runAll(Deno.args, scratch);
    if (skipped > 0) console.log(`${skipped} skipped`);
    console.log(`${passed} passed, ${failed} failed`);
    Deno.exitCode = failed > 0 ? 1 : 0;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}
