/**
 * A list of keys with their values, read once and asked for after other talk.
 *
 * @module
 */
import { Chat } from "./chat.ts";
import { Draw, range } from "./draw.ts";
import { type Exam, share, take } from "./exam.ts";
import type { Question } from "./score.ts";
import type { Task, TaskContext } from "./task.ts";

/** Lines of a list: what the smallest models can still look up with nothing evicted. */
const LENGTHS = [4, 8];

/** Keys of a list that are asked for, evenly spread over it. */
const ASKED = 4;

/** Tokens of a dialogue before it is asked. */
const TOKENS = 640;

/** What the assistant says to confirm, and to begin its answer: small models find a line by how it was told. */
const CONFIRMING = "I will remember the list.";

const MATERIALS =
  "copper silver wooden paper glass cotton marble leather rubber velvet".split(
    " ",
  );
const THINGS =
  "lamp table bottle window basket mirror ladder hammer pillow button".split(
    " ",
  );
const VALUES =
  "river mountain forest island desert valley ocean garden bridge castle market harbor tower village meadow canyon"
    .split(" ");

/** See {@link Task}. */
export const pairs: Task = {
  name: "pairs",
  about:
    "lists of 4 and 8 keys with values, 4 of each asked for after other talk",
  version: 1,
  columns: LENGTHS.map((length) =>
    share(`list of ${length}`, ASKED, `lines${length}`)
  ),
  async run(context) {
    const measures: Record<string, number[]> = {};
    for (const length of LENGTHS) {
      const exams = range(context.quick ? 2 : 8).map((stream) =>
        makeExam(context, new Draw(100 + length, stream), length)
      );
      const label = `${length} lines, `;
      measures[`lines${length}`] = await take(context, exams, label);
    }
    return measures;
  },
};

function makeExam(
  { model, corpus }: TaskContext,
  draw: Draw,
  length: number,
): Exam {
  const chat = new Chat(model.tokenizer, draw);
  const talk = chat.talker(corpus.fillers[0]);
  const lines = drawList(draw, length);
  tellList(chat, lines);
  const until = Math.max(TOKENS, chat.tokens.length + 1);
  talk(until);
  const every = length / ASKED;
  const asked = lines.filter((_, index) => index % every === every >> 1);
  return {
    tokens: chat.tokens.slice(0, until),
    questions: asked.map((line) => askLine(chat, line)),
  };
}

/** A key, and what stands behind it. */
export interface Line {
  readonly key: string;
  readonly value: string;
}

/** `length` lines of different keys and values. */
export function drawList(draw: Draw, length: number): Line[] {
  const kinds = draw.some(MATERIALS, length);
  const things = draw.some(THINGS, length);
  const values = draw.some(VALUES, length);
  return kinds.map((kind, index) => ({
    key: `${kind} ${things[index]}`,
    value: values[index],
  }));
}

/** A turn in which the list stands three times. */
export function tellList(chat: Chat, lines: readonly Line[]): void {
  const list = lines.map(({ key, value }) => `${key}: ${value}`).join("\n");
  chat.turn(
    `This is a list.\n${list}\nRemember it. Once more:\n${list}`,
    `${CONFIRMING}\n${list}`,
  );
}

/** The question for a line, in a dialogue that was cut off within a turn. */
export function askLine(chat: Chat, { key, value }: Line): Question {
  return {
    prompt: chat.interruption(
      `What does the list say about the ${key}?`,
      `${CONFIRMING}\n${key}:`,
    ),
    answer: chat.encode(` ${value}`),
  };
}
