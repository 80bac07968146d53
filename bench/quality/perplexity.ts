/**
 * How much worse a long text is foreseen.
 *
 * @module
 */
import { readText } from "./score.ts";
import { clusterMeans, differences, mean, withError } from "./statistics.ts";
import type { Measures, Task, TaskContext } from "./task.ts";

/** Tokens of a text that are read, and how many of them are not scored. */
const TOKENS = 2560;
const UNSCORED = 512;

/** Neighbouring tokens go wrong together: errors are estimated from means of so many. */
export const CLUSTER = 64;

/** See {@link Task}. */
export const perplexity: Task = {
  name: "perplexity",
  about:
    "nats a token over 2,048 tokens of four texts, after 512 that are not scored",
  version: 1,
  columns: [
    { title: "nats", cell: ({ nats }) => mean(nats).toFixed(3) },
    {
      title: "Δ nats",
      cell: ({ nats }, full) =>
        full ? withError(differences(nats, full.nats), 3, true) : "",
    },
  ],
  run,
};

async function run(context: TaskContext): Promise<Measures> {
  const { model, corpus, quick, signal } = context;
  const passages = quick ? corpus.passages.slice(0, 1) : corpus.passages;
  const nats: number[] = [];
  for (const [index, passage] of passages.entries()) {
    const tokens = model.tokenizer.encode(passage, "plain").slice(0, TOKENS);
    if (tokens.length < TOKENS) {
      throw new RangeError(
        `Cannot score passage ${
          index + 1
        }: ${tokens.length} tokens of ${TOKENS}`,
      );
    }
    using dialogue = context.open(TOKENS);
    const scored = await readText(dialogue, tokens, UNSCORED, signal);
    nats.push(...clusterMeans(scored, CLUSTER));
    const so = mean(nats).toFixed(3);
    context.progress(`text ${index + 1} of ${passages.length}, ${so} nats`);
  }
  return { nats };
}
