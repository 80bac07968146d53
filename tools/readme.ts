/**
 * Fills the parts of README.md that follow from the code and the bench's
 * results: `deno task readme`. With `--check` it writes nothing and says
 * whether they are up to date.
 *
 * @module
 */
import { usualCells } from "./readme/cells.ts";
import { flagsPart } from "./readme/flags_part.ts";
import { learnedPart } from "./readme/learned_part.ts";
import { CHARTS, methodsPart, RESULTS } from "./readme/methods_part.ts";

const README = "README.md";

/**
 * Puts `content` between the markers of a part.
 *
 * @throws {RangeError} If the document has not exactly one pair of them.
 */
export function fill(document: string, part: string, content: string): string {
  const [start, end] = [`<!-- ${part} -->`, `<!-- /${part} -->`];
  const [before, inside, ...more] = document.split(start);
  const [, after, ...others] = inside?.split(end) ?? [];
  if (after === undefined || more.length + others.length > 0) {
    throw new RangeError(`Cannot fill ${part}: expected one ${start} … ${end}`);
  }
  const [keep, resume] = ["start", "end"].map((at) =>
    `<!-- deno-fmt-ignore-${at} -->`
  );
  return `${before}${start}\n${keep}\n\n${content}\n\n${resume}\n${end}${after}`;
}

/** What README.md should be, given what it is, in the project at `root`. */
export async function render(document: string, root: string): Promise<string> {
  const charts: (keyof typeof CHARTS)[] = [];
  for (const file of Object.keys(CHARTS) as (keyof typeof CHARTS)[]) {
    const text = await readIfThere(`${root}/${RESULTS}/${file}`);
    if (text !== null) charts.push(file);
  }
  const json = await readIfThere(`${root}/${RESULTS}/quality.json`);
  const cells = json === null ? [] : JSON.parse(json).cells;
  const usual = usualCells(cells, await shippedParts(root));
  const filled = fill(document, "flags", flagsPart());
  const learned = fill(filled, "learned", learnedPart(usual));
  return fill(learned, "methods", methodsPart(usual[0] ?? [], charts));
}

/** SHA-256 of every file of learned parts in `models/`. */
async function shippedParts(root: string): Promise<string[]> {
  const json = await readIfThere(`${root}/models/index.json`);
  const entries: { sha256: string }[] = Object.values(JSON.parse(json ?? "{}"));
  return entries.map(({ sha256 }) => sha256);
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

if (import.meta.main) {
  const before = await Deno.readTextFile(README);
  const after = await render(before, ".");
  if (Deno.args.includes("--check")) {
    if (before !== after) {
      console.error(`${README} is out of date: run \`deno task readme\``);
      Deno.exitCode = 1;
    }
  } else if (before !== after) {
    await Deno.writeTextFile(README, after);
  }
}
