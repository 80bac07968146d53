/**
 * What becomes of answers that the model writes by itself.
 *
 * @module
 */
import type { Dialogue } from "../../src/engine/dialogue.ts";
import { likeliest } from "../../src/sampling/likeliest.ts";
import { Chat } from "./chat.ts";
import { Draw, range } from "./draw.ts";
import { mean, withError } from "./statistics.ts";
import type { Column, Measures, Task, TaskContext } from "./task.ts";

/** Tokens of talk before the question. */
const TOKENS = 640;

/** Most tokens of an answer. */
const ANSWER = 256;

/** Neighbouring tokens that count as a repetition when they come again. */
const GRAM = 4;

const QUESTIONS = [
  "Sum up in a few sentences what you have told me.",
  "What is the most important point of all this, and why?",
  "Explain the last part again, in simple words.",
  "Give me a list of the main points.",
  "What could somebody say against it?",
  "Write a short letter to a friend about it.",
  "Now tell me a short story about a lighthouse.",
  "How do I make a good cup of tea?",
  "Give me some advice on how to learn a language.",
  "Describe a walk through a forest in autumn.",
];

/** See {@link Task}. */
export const drift: Task = {
  name: "drift",
  about:
    "10 answers of at most 256 tokens after 640 tokens of talk: length, repetition, ends",
  version: 1,
  columns: [
    column("answer tokens", "length", 0),
    column("repeated", "repeated", 2),
    column("ends", "ended", 2),
  ],
  run,
};

function column(title: string, measure: string, digits: number): Column {
  return { title, cell: (found) => withError(found[measure], digits) };
}

async function run(context: TaskContext): Promise<Measures> {
  const questions = context.quick ? QUESTIONS.slice(0, 2) : QUESTIONS;
  const measures = {
    length: [] as number[],
    repeated: [] as number[],
    ended: [] as number[],
  };
  for (const stream of range(questions.length)) {
    const prompt = makePrompt(
      context,
      new Draw(300, stream),
      questions[stream],
    );
    using dialogue = context.open(prompt.length + ANSWER);
    const { tokens, ended } = await write(dialogue, prompt, context);
    measures.length.push(tokens.length);
    measures.repeated.push(repeated(tokens));
    measures.ended.push(ended ? 1 : 0);
    context.progress(
      `answer ${stream + 1} of ${questions.length}, ` +
        `${mean(measures.length).toFixed(0)} tokens on average`,
    );
  }
  return measures;
}

function makePrompt(
  { model, corpus }: TaskContext,
  draw: Draw,
  question: string,
): number[] {
  const chat = new Chat(model.tokenizer, draw);
  chat.talker(corpus.fillers[0])(TOKENS);
  return [...chat.tokens, ...chat.question(question, "")];
}

/** The likeliest tokens, until the model ends its turn or the answer is as long as it may be. */
async function write(
  dialogue: Dialogue,
  prompt: readonly number[],
  { model, signal }: TaskContext,
): Promise<{ tokens: number[]; ended: boolean }> {
  const { stopIds } = model.tokenizer;
  const tokens: number[] = [];
  let next = 0;
  const choose = (logits: Float32Array) => {
    next = likeliest(logits);
  };
  await dialogue.prefill(prompt, "last", choose, signal);
  while (!stopIds.includes(next)) {
    tokens.push(next);
    if (tokens.length === ANSWER) return { tokens, ended: false };
    await dialogue.step(next, choose, signal);
  }
  return { tokens, ended: true };
}

/** The share of runs of {@link GRAM} tokens that were there before; 0 for an answer without any. */
export function repeated(tokens: readonly number[]): number {
  const runs = tokens.slice(GRAM - 1).map((_, start) =>
    tokens.slice(start, start + GRAM).join()
  );
  return runs.length === 0 ? 0 : 1 - new Set(runs).size / runs.length;
}
