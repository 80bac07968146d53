/**
 * Whether a very long text is foreseen at its end as well as near its beginning.
 *
 * @module
 */
import { readText, surprise } from "./score.ts";
import {
  clusterMeans,
  differences,
  mean,
  standardError,
} from "./statistics.ts";
import type { Measures, Task, TaskContext } from "./task.ts";

/** Tokens of the text, if it has so many. */
const TOKENS = 20_000;

/** Parts of the text, of which the second and the last are scored. */
const PARTS = 5;

/** Of the runs of tokens whose means are the samples; a part is a whole number of them. */
const CLUSTER = 64;

/**
 * Reads the text in one go where the configuration evicts. Nothing that keeps every token can, so `full`, the measure of
 * how hard the two stretches are in themselves, starts again one part before each of them: there it sees between one and
 * two parts of context (4,000 to 8,000 tokens, what the model was made for) in both alike.
 */
export const stream: Task = {
  name: "stream",
  about:
    "a text of 20,000 tokens: how its last fifth is foreseen against its second, beyond a full cache of one to two fifths",
  version: 1,
  columns: [{
    title: "Δ second fifth",
    cell: ({ early }, full) => delta(early, full?.early),
  }, {
    title: "Δ last fifth",
    cell: ({ late }, full) => delta(late, full?.late),
  }, {
    title: "drift",
    cell: (measures, full) => full ? showDrift(measures, full) : "",
  }],
  run,
};

function delta(
  values: readonly number[],
  full: readonly number[] | undefined,
): string {
  if (!full) return "";
  const found = differences(values, full);
  return show(mean(found), standardError(found));
}

/** The late difference minus the early one, of independent errors. */
function showDrift(found: Measures, full: Measures): string {
  const early = differences(found.early, full.early);
  const late = differences(found.late, full.late);
  const error = Math.hypot(standardError(early), standardError(late));
  return show(mean(late) - mean(early), error);
}

function show(value: number, error: number): string {
  return `${value < 0 ? "" : "+"}${value.toFixed(3)} ± ${error.toFixed(3)}`;
}

async function run(context: TaskContext): Promise<Measures> {
  const { model, corpus, quick } = context;
  const most = quick ? TOKENS / 4 : TOKENS;
  const tokens = model.tokenizer.encode(corpus.stream, "plain").slice(0, most);
  const part = Math.floor(tokens.length / PARTS / CLUSTER) * CLUSTER;
  const early = part, late = part * (PARTS - 1);
  const read = context.setup.slots === null ? readParts : readOnce;
  const [first, last] = await read(context, tokens, part, [early, late]);
  return {
    early: clusterMeans(first, CLUSTER),
    late: clusterMeans(last, CLUSTER),
  };
}

/** The nats of the parts that start at `starts`, all read in one dialogue. */
async function readOnce(
  context: TaskContext,
  tokens: readonly number[],
  part: number,
  starts: readonly number[],
): Promise<number[][]> {
  using dialogue = context.open(tokens.length);
  const scored: number[][] = [];
  const { signal } = context;
  for (let start = 0; start < starts[starts.length - 1] + part; start += part) {
    const wanted = starts.includes(start);
    const nats: number[] = [];
    const stretch = tokens.slice(start, start + part);
    // The first token of a part is foreseen by what came before it, and left out.
    await dialogue.prefill(
      stretch,
      wanted ? "all" : "last",
      (logits, index) => {
        if (!wanted || index === part - 1) return;
        nats.push(surprise(logits, stretch[index + 1]));
      },
      signal,
    );
    if (wanted) scored.push(nats);
    context.progress(
      `${start + part} of ${part * PARTS} tokens` +
        (wanted ? `, ${mean(nats).toFixed(3)} nats` : ""),
    );
  }
  return scored;
}

/** The same, each in a dialogue of its own that starts one part before. */
async function readParts(
  context: TaskContext,
  tokens: readonly number[],
  part: number,
  starts: readonly number[],
): Promise<number[][]> {
  const scored: number[][] = [];
  for (const start of starts) {
    using dialogue = context.open(2 * part);
    const stretch = tokens.slice(start - part, start + part);
    const nats = await readText(dialogue, stretch, part, context.signal);
    scored.push(nats.slice(1));
    context.progress(`tokens from ${start}, ${mean(nats).toFixed(3)} nats`);
  }
  return scored;
}
