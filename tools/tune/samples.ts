/**
 * What a method is tuned on: pieces of the training texts, and dialogues made of them.
 *
 * @module
 */
import { Chat } from "../../bench/quality/chat.ts";
import { digest, FILLER_RUN } from "../../bench/quality/corpus.ts";
import { Draw } from "../../bench/quality/draw.ts";
import { drawFacts, FOUR_KINDS } from "../../bench/quality/facts.ts";
import type { Tokenizer } from "../../src/text/tokenizer.ts";

/** Tokens to read, and after which of them the next token's distribution counts. */
export interface Sample {
  readonly kind: "text" | "dialogue";
  /** Of what it was cut from, where, and a digest of its tokens. */
  readonly name: string;
  readonly tokens: readonly number[];
  /** Ascending indices of tokens. */
  readonly scored: readonly number[];
}

/** A training text. */
export interface TrainingText {
  readonly name: string;
  /** Without line breaks. */
  readonly paragraphs: readonly string[];
}

/** What ends a paragraph; where a text has none, each line is one. */
const BLANK = /\n\s*\n/;

/** Facts in a dialogue. */
const FACTS = 4;

/** Characters that a paragraph has more than, unless it is a heading, an item of a list, or the like. */
const PROSE = 100;

/** Characters that a paragraph must have more than, and fewer than, to be talked about. */
const PARAGRAPH = { more: 250, fewer: 700 };

/** Characters of a token, at most, on average over a sample. */
const CHARACTERS = 8;

/**
 * Reads the `.txt` files of a folder, those with the most to talk about first. Headings
 * and the like are left out.
 *
 * @throws {RangeError} If there are none.
 */
export async function readTexts(folder: string): Promise<TrainingText[]> {
  const texts: TrainingText[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".txt")) continue;
    const text = await Deno.readTextFile(`${folder}/${name}`);
    const paragraphs = text.split(BLANK.test(text) ? BLANK : "\n")
      .map((paragraph) => paragraph.replace(/\s+/g, " ").trim())
      .filter(({ length }) => length > PROSE);
    texts.push({ name: name.slice(0, -".txt".length), paragraphs });
  }
  if (texts.length === 0) {
    throw new RangeError(`Cannot tune on ${folder}: it has no .txt files`);
  }
  return texts.sort((a, b) => talk(b) - talk(a) || (a.name < b.name ? -1 : 1));
}

/**
 * Cuts `count` pieces of `length` tokens, from each text in turn; the first so many are the same whatever the count.
 * Their second half is scored.
 *
 * @throws {RangeError} If a text is too short.
 */
export async function cutTexts(
  texts: readonly TrainingText[],
  tokenizer: Tokenizer,
  count: number,
  length: number,
): Promise<Sample[]> {
  const pieces = Array.from({ length: count }, (_, index) => {
    const { name, paragraphs } = texts[index % texts.length];
    const round = Math.floor(index / texts.length);
    const start = Math.floor(paragraphs.length * spread(round));
    const text = take(paragraphs, start, length * CHARACTERS);
    const tokens = tokenizer.encode(text, "plain").slice(0, length);
    if (tokens.length < length) {
      throw new RangeError(
        `Cannot tune on ${name}: ${tokens.length} tokens of ${length}`,
      );
    }
    return { name: `${name}@${start}`, tokens, first: length >> 1 };
  });
  return await Promise.all(pieces.map(({ name, tokens, first }) => {
    const scored = tokens.keys().drop(first).toArray();
    return named("text", name, tokens, scored);
  }));
}

/**
 * Makes `count` dialogues of at least `length` tokens in which facts are told, other things talked about, and the facts
 * asked for: the answers are scored.
 *
 * @throws {RangeError} If the texts have too few paragraphs to talk about.
 */
export async function makeDialogues(
  texts: readonly TrainingText[],
  tokenizer: Tokenizer,
  count: number,
  length: number,
): Promise<Sample[]> {
  const paragraphs = texts.flatMap(({ paragraphs }) => paragraphs)
    .filter(isTalk);
  if (count > 0 && paragraphs.length <= FILLER_RUN) {
    throw new RangeError(
      `Cannot make dialogues of ${paragraphs.length} paragraphs of ` +
        `250 to 700 characters: more than ${FILLER_RUN} needed`,
    );
  }
  return await Promise.all(Array.from({ length: count }, (_, index) => {
    // Seeds of the bench, whose dialogues these must not be, are below 100.
    const draw = new Draw(100, index);
    const chat = new Chat(tokenizer, draw);
    const facts = drawFacts(draw, FOUR_KINDS, FACTS);
    for (const { sentence } of facts) {
      chat.turn(
        `${sentence} Please remember it.`,
        index % 2 === 0 ? `I will remember it. ${sentence}` : sentence,
      );
    }
    chat.talker({ name: "", paragraphs })(length);
    const scored: number[] = [];
    for (const { question, begun, word } of facts) {
      chat.tokens.push(...chat.question(question, begun));
      const answer = chat.encode(` ${word}`);
      // The distribution after a token is that of the next.
      answer.forEach((_, i) => scored.push(chat.tokens.length + i - 1));
      chat.tokens.push(...answer, ...chat.encode(".<|im_end|>\n"));
    }
    const end = scored[scored.length - 1] + 1;
    return named(
      "dialogue",
      `dialogue ${index}`,
      chat.tokens.slice(0, end),
      scored,
    );
  }));
}

/** Paragraphs that can be talked about. */
function talk({ paragraphs }: TrainingText): number {
  return paragraphs.filter(isTalk).length;
}

function isTalk({ length }: string): boolean {
  return length > PARAGRAPH.more && length < PARAGRAPH.fewer;
}

/** Paragraphs from one on, as many as `characters` need. */
function take(
  paragraphs: readonly string[],
  start: number,
  characters: number,
): string {
  let text = "";
  for (let i = start; i < paragraphs.length && text.length < characters; i++) {
    text += `${paragraphs[i]}\n\n`;
  }
  return text;
}

/** Places in [0, 0.9) that fill it evenly, however many are used. */
function spread(index: number): number {
  return 0.9 * ((0.3 + index * (Math.sqrt(5) - 1) / 2) % 1);
}

async function named(
  kind: Sample["kind"],
  name: string,
  tokens: readonly number[],
  scored: readonly number[],
): Promise<Sample> {
  const what = await digest(JSON.stringify([tokens, scored]));
  return { kind, name: `${name} ${what}`, tokens, scored };
}
