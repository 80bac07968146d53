/**
 * Dialogues that end in questions with one right answer.
 *
 * @module
 */
import { answers, type Question } from "./score.ts";
import { mean, standardError } from "./statistics.ts";
import type { Column, TaskContext } from "./task.ts";

/** A dialogue, and the questions that end it, each in its turn. */
export interface Exam {
  readonly tokens: readonly number[];
  readonly questions: readonly Question[];
}

/** Right answers of all, with the error over dialogues of `questions` questions each. */
export function share(
  title: string,
  questions: number,
  ...names: readonly string[]
): Column {
  return {
    title,
    cell(measures) {
      const dialogues = names.flatMap((name) => measures[name]);
      const all = dialogues.length * questions;
      const right = Math.round(mean(dialogues) * all);
      return `${right}/${all} ± ${(standardError(dialogues) * all).toFixed(1)}`;
    },
  };
}

/** Reads each dialogue once and asks every question of it there; gives the share of right answers by dialogue. */
export async function take(
  context: TaskContext,
  exams: readonly Exam[],
  label = "",
): Promise<number[]> {
  const shares: number[] = [];
  for (const exam of exams) {
    const right = await ask(context, exam);
    shares.push(right.filter(Boolean).length / right.length);
    context.progress(
      `${label}dialogue ${shares.length} of ${exams.length}, ` +
        `${(mean(shares) * 100).toFixed(0)} % right`,
    );
  }
  return shares;
}

/** Reads a dialogue once and asks every question of it there; gives whether each was answered right. */
export async function ask(
  { open, signal }: TaskContext,
  { tokens, questions }: Exam,
): Promise<boolean[]> {
  const most = Math.max(
    ...questions.map(({ prompt, answer }) => prompt.length + answer.length),
  );
  using dialogue = open(tokens.length + most);
  await dialogue.prefill(tokens, "last", () => {}, signal);
  const state = await dialogue.save();
  const right: boolean[] = [];
  for (const question of questions) {
    await dialogue.restore(state);
    right.push(await answers(dialogue, question, signal));
  }
  return right;
}
