/**
 * What a cache costs in time.
 *
 * @module
 */
import type { KvUsage } from "../../src/cache/slots.ts";
import type { Dialogue } from "../../src/engine/dialogue.ts";
import { median } from "./statistics.ts";
import type { Column, Measures, Task, TaskContext } from "./task.ts";

/** Tokens of a dialogue at which steps are timed. */
export const LENGTHS: readonly number[] = [256, 512, 1024, 2048, 4096];

/** Compactions, and blocks of prefill, that are timed. */
const BLOCKS = 5;

/** Steps that are timed at each length. */
const STEPS = 16;

/** See {@link Task}. Times of different machines are not to be compared. */
export const cost: Task = {
  name: "cost",
  about:
    "time of a step, of a compaction against the tokens between two, of a step by length",
  version: 1,
  timed: true,
  columns: [
    {
      title: "ms a token",
      cell: ({ step }) => median(step).toFixed(1),
    },
    compactionColumn("ms a compaction", (compaction) => compaction, 1),
    compactionColumn(
      "% of decode",
      (compaction, { between }) => 100 * compaction / median(between),
      1,
    ),
    compactionColumn(
      "% of prefill",
      (compaction, { prefill }) =>
        100 * compaction / (median(prefill) - compaction),
      1,
    ),
    {
      title: "ms a token, longest",
      cell: ({ byLength }) => byLength[byLength.length - 1].toFixed(1),
    },
  ],
  run,
};

function compactionColumn(
  title: string,
  figure: (compaction: number, measures: Measures) => number,
  digits: number,
): Column {
  return {
    title,
    cell: (measures) =>
      measures.compaction.length === 0
        ? ""
        : figure(median(measures.compaction), measures).toFixed(digits),
  };
}

async function run(context: TaskContext): Promise<Measures> {
  const { model, corpus, quick } = context;
  const tokens = model.tokenizer.encode(corpus.stream, "plain");
  const byBlock = await timeBlocks(context, tokens);
  context.progress("blocks timed");
  const lengths = quick ? LENGTHS.slice(0, 3) : LENGTHS;
  const byLength = await timeLengths(context, tokens, lengths);
  return { ...byBlock, byLength, lengths };
}

/** All in milliseconds: single steps, compactions, the steps between two of them, blocks of prefill with one each. */
async function timeBlocks(context: TaskContext, tokens: readonly number[]) {
  const { setup, signal } = context;
  const { block } = setup;
  const settled = setup.slots === null ? 512 : 2 * (setup.slots + block);
  const total = settled + 2 * (BLOCKS + 1) * block;
  using dialogue = context.open(total);
  const ignore = () => {};
  await dialogue.prefill(tokens.slice(0, settled), "last", ignore, signal);

  const prefill: number[] = [];
  let next = settled;
  for (let i = 0; i < BLOCKS; i++, next += block) {
    const chunk = tokens.slice(next, next + block);
    prefill.push(
      await time(() => dialogue.prefill(chunk, "last", ignore, signal)),
    );
  }
  const plain: number[] = [];
  const compacting: number[] = [];
  for (let i = 0; i < BLOCKS * block; i++) {
    const before = notVerbatim(dialogue.usage);
    const took = await timeStep(dialogue, tokens[next++], signal);
    const compacted = notVerbatim(dialogue.usage) > before;
    (compacted ? compacting : plain).push(took);
  }
  const usual = median(plain);
  return {
    step: plain,
    compaction: compacting.map((took) => Math.max(0, took - usual)),
    between: [usual * block],
    prefill,
  };
}

/** Tokens that are no longer held as they came: only a compaction adds to them. */
function notVerbatim({ seen, resident }: KvUsage): number {
  return seen - resident;
}

/** Milliseconds of a step (the median of some) once a dialogue has each number of tokens. */
async function timeLengths(
  context: TaskContext,
  tokens: readonly number[],
  lengths: readonly number[],
): Promise<number[]> {
  const { signal } = context;
  using dialogue = context.open(lengths[lengths.length - 1] + STEPS);
  const medians: number[] = [];
  let seen = 0;
  for (const length of lengths) {
    const stretch = tokens.slice(seen, length);
    await dialogue.prefill(stretch, "last", () => {}, signal);
    const took: number[] = [];
    for (seen = length; seen < length + STEPS; seen++) {
      took.push(await timeStep(dialogue, tokens[seen], signal));
    }
    medians.push(median(took));
    context.progress(`${medians.at(-1)!.toFixed(1)} ms after ${length} tokens`);
  }
  return medians;
}

function timeStep(
  dialogue: Dialogue,
  token: number,
  signal: AbortSignal,
): Promise<number> {
  return time(() => dialogue.step(token, () => {}, signal));
}

async function time(run: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}
