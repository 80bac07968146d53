/**
 * What is left of things that come up again and again in a long dialogue.
 *
 * @module
 */
import { Chat } from "./chat.ts";
import { Draw, range } from "./draw.ts";
import { ask, type Exam, share } from "./exam.ts";
import { drawFacts, FOUR_KINDS } from "./facts.ts";
import { askLine, drawList, tellList } from "./pairs.ts";
import { mean } from "./statistics.ts";
import type { Task, TaskContext } from "./task.ts";

/** Tokens of a dialogue before it is asked: about as many as LoCoCo compresses into 128 slots (arXiv 2406.05317). */
const TOKENS = 3500;

/** Where everything is told. The smallest models find nothing again that was last told 3,500 tokens ago. */
const TOLD_AT = [0, TOKENS / 3, TOKENS * 2 / 3];

/** Dialogues. */
const DIALOGUES = 8;

/** Facts, and lines of the list, in a dialogue. */
const COUNT = 4;

const CONFIRMING = "I will remember it.";

/** See {@link Task}. */
export const long: Task = {
  name: "long",
  about:
    "4 facts and a list of 4 keys with values, told at the beginning and after one and two thirds of 3,500 tokens, then asked",
  version: 2,
  columns: [
    share("facts after 3,500", COUNT, "facts"),
    share("pairs after 3,500", COUNT, "pairs"),
  ],
  run,
};

async function run(context: TaskContext) {
  const facts: number[] = [], pairs: number[] = [];
  const count = context.quick ? 1 : DIALOGUES;
  for (const stream of range(count)) {
    const right = await ask(context, makeExam(context, new Draw(400, stream)));
    const [ofFacts, ofPairs] = [right.slice(0, COUNT), right.slice(COUNT)];
    facts.push(shareOf(ofFacts));
    pairs.push(shareOf(ofPairs));
    context.progress(
      `dialogue ${stream + 1} of ${count}, ` +
        `${(mean(facts) * 100).toFixed(0)} % of facts, ` +
        `${(mean(pairs) * 100).toFixed(0)} % of pairs right`,
    );
  }
  return { facts, pairs };
}

function shareOf(right: readonly boolean[]): number {
  return right.filter(Boolean).length / right.length;
}

/** Facts first, then the list; then talk. The questions are in that order too. */
function makeExam({ model, corpus }: TaskContext, draw: Draw): Exam {
  const chat = new Chat(model.tokenizer, draw);
  const talk = chat.talker(corpus.fillers[0]);
  const facts = drawFacts(draw, FOUR_KINDS, COUNT);
  const lines = drawList(draw, COUNT);
  for (const place of TOLD_AT) {
    talk(place);
    for (const { sentence } of facts) {
      chat.turn(
        `${sentence} Remember it. ${sentence}`,
        `${CONFIRMING} ${sentence}`,
      );
    }
    tellList(chat, lines);
  }
  talk(TOKENS);
  return {
    tokens: chat.tokens.slice(0, TOKENS),
    questions: [
      ...facts.map(({ question, begun, word }) => ({
        prompt: chat.interruption(question, `${CONFIRMING} ${begun}`),
        answer: chat.encode(` ${word}`),
      })),
      ...lines.map((line) => askLine(chat, line)),
    ],
  };
}
