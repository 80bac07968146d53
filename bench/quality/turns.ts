/**
 * One question for a long text, put before, within, or after it (LoopServe, arXiv 2507.13681: how well a cache guesses what
 * matters depends on where the question stands).
 *
 * @module
 */
import { Chat } from "./chat.ts";
import { Draw, range } from "./draw.ts";
import { type Exam, share, take } from "./exam.ts";
import { drawFacts, FOUR_KINDS } from "./facts.ts";
import type { Task, TaskContext } from "./task.ts";

/** Where the question stands. */
const PLACES = ["before", "within", "after"] as const;

/** Tokens of each of the two halves of the text. */
const HALF = 420;

/** Dialogues of each place. */
const DIALOGUES = 12;

/** What the assistant says to confirm, and to begin its answer: small models find a fact by how it was told. */
const CONFIRMING = "I will remember it.";

/** See {@link Task}. */
export const turns: Task = {
  name: "turns",
  about:
    "one of three facts in a long text of two topics, asked before, within or after it",
  version: 1,
  columns: PLACES.map((place) => share(`asked ${place}`, 1, place)),
  async run(context) {
    const measures: Record<string, number[]> = {};
    for (const place of PLACES) {
      const exams = range(context.quick ? 3 : DIALOGUES).map((stream) =>
        makeExam(context, new Draw(200, stream), place)
      );
      measures[place] = await take(context, exams, `asked ${place}, `);
    }
    return measures;
  },
};

/** The same text and question for every place. */
function makeExam(
  { model, corpus }: TaskContext,
  draw: Draw,
  place: typeof PLACES[number],
): Exam {
  const chat = new Chat(model.tokenizer, draw);
  const [one, other] = corpus.fillers.map((filler) => chat.talker(filler));
  const facts = drawFacts(draw, FOUR_KINDS, 3);
  const fact = draw.one(facts);
  const ask = () =>
    chat.turn(
      `I will ask you this later: ${fact.question}`,
      "I will answer when you ask.",
    );

  if (place === "before") ask();
  for (const { sentence } of facts) {
    chat.turn(`${sentence} Please remember it.`, `${CONFIRMING} ${sentence}`);
  }
  one(chat.tokens.length + HALF);
  if (place === "within") ask();
  other(chat.tokens.length + HALF);
  const last = place === "after"
    ? fact.question
    : `Now answer. ${fact.question}`;
  const prompt = chat.question(last, `${CONFIRMING} ${fact.begun}`);
  return {
    tokens: chat.tokens,
    questions: [{ prompt, answer: chat.encode(` ${fact.word}`) }],
  };
}
