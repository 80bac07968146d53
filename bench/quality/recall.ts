/**
 * Facts that are told early in a dialogue and asked for after much other talk.
 *
 * @module
 */
import { Chat } from "./chat.ts";
import type { Filler } from "./corpus.ts";
import { Draw, range } from "./draw.ts";
import { drawFacts, type Fact, FOUR_KINDS, THREE_KINDS } from "./facts.ts";
import { type Exam, share, take } from "./exam.ts";
import type { Task, TaskContext } from "./task.ts";

/** Tokens of a dialogue before it is asked. */
const TOKENS = 1024;

/** Facts in a dialogue. */
const FACTS = 3;

/** What the assistant says to confirm. */
const CONFIRMING = "I will remember it.";

/** How often a fact is told: thrice; told and echoed; told, asked once and answered. */
type Family = "thrice" | "echoed" | "asked";

/** Three facts told three times, the first filler, ten dialogues. */
export const recallA: Task = {
  name: "recall_a",
  about:
    "3 facts told three times, asked after some 800 tokens of other talk; 30 questions",
  version: 1,
  columns: [share("recall A", FACTS, "right")],
  async run(context) {
    const { corpus, quick } = context;
    const exams = range(quick ? 4 : 10).map((stream) => {
      const draw = new Draw(1, stream);
      const facts = drawFacts(draw, THREE_KINDS, FACTS);
      return makeExam(context, draw, facts, "thrice", corpus.fillers[0]);
    });
    return { right: await take(context, exams) };
  },
};

const FAMILIES: readonly Family[] = ["thrice", "echoed", "asked"];

/** Three families of dialogue, two fillers, five dialogues of each. */
export const recallB: Task = {
  name: "recall_b",
  about: "facts told thrice, told and echoed, or told and asked once before; " +
    "two kinds of other talk; 90 questions",
  version: 1,
  columns: [share("recall B", FACTS, ...FAMILIES)],
  async run(context) {
    const { corpus, quick } = context;
    const measures: Record<string, number[]> = {};
    for (const [index, family] of FAMILIES.entries()) {
      const exams = corpus.fillers.flatMap((filler, which) =>
        range(quick ? 1 : 5).map((stream) => {
          const draw = new Draw(10 + index * 2 + which, stream);
          const facts = drawFacts(draw, FOUR_KINDS, FACTS);
          return makeExam(context, draw, facts, family, filler);
        })
      );
      measures[family] = await take(context, exams, `${family}, `);
    }
    return measures;
  },
};

/** Makes a dialogue of {@link TOKENS} tokens. */
function makeExam(
  { model }: TaskContext,
  draw: Draw,
  facts: readonly Fact[],
  family: Family,
  filler: Filler,
): Exam {
  const chat = new Chat(model.tokenizer, draw);
  const talk = chat.talker(filler);
  for (const { sentence } of facts) tell(chat, sentence, family);
  if (family === "asked") {
    talk(chat.tokens.length + 1);
    for (const fact of facts) chat.turn(fact.question, fact.sentence);
  }
  talk(TOKENS);
  const prefix = family === "asked" ? "" : `${CONFIRMING} `;
  return {
    tokens: chat.tokens.slice(0, TOKENS),
    questions: facts.map(({ question, begun, word }) => ({
      prompt: chat.interruption(question, prefix + begun),
      answer: chat.encode(` ${word}`),
    })),
  };
}

function tell(chat: Chat, sentence: string, family: Family): void {
  if (family === "thrice") {
    chat.turn(
      `${sentence} Remember it. ${sentence}`,
      `${CONFIRMING} ${sentence}`,
    );
  } else {
    chat.turn(
      `${sentence} Please remember it.`,
      family === "echoed"
        ? `${CONFIRMING} ${sentence}`
        : "Okay, I will remember it.",
    );
  }
}
