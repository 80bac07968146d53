/**
 * Facts that can be told and asked for.
 *
 * @module
 */
import type { Draw } from "./draw.ts";

/** Something about somebody. */
export interface Fact {
  /** `The dog of Anna is called` */
  readonly begun: string;
  /** `Rufus` */
  readonly word: string;
  /** `The dog of Anna is called Rufus.` */
  readonly sentence: string;
  /** `What is the name of the dog of Anna?` */
  readonly question: string;
}

const PEOPLE = "Anna Robert Maria Kevin Diana George Helen Victor".split(" ");
const TOWNS =
  "Lisbon Oslo Madrid Cairo Dublin Prague Vienna Boston Tokyo Denver Paris Sydney"
    .split(" ");
const DOGS =
  "Rufus Pepper Shadow Maple Ginger Rocky Daisy Coco Bruno Luna Oscar Milo"
    .split(" ");
const DRINKS = "coffee cocoa lemonade juice cider soda milk tea".split(" ");

/** What can be known of a person. */
interface Kind {
  readonly thing: string;
  readonly asked: string;
  readonly verb: string;
  readonly word: (draw: Draw) => string;
}

const TOWN: Kind = {
  thing: "home town",
  asked: "What is the home town",
  verb: "is",
  word: (draw) => draw.one(TOWNS),
};
const KEY: Kind = {
  thing: "pass key",
  asked: "What is the pass key",
  verb: "is",
  word: (draw) => String(10_000 + draw.below(90_000)),
};
const DOG: Kind = {
  thing: "dog",
  asked: "What is the name of the dog",
  verb: "is called",
  word: (draw) => draw.one(DOGS),
};
const DRINK: Kind = {
  thing: "favorite drink",
  asked: "What is the favorite drink",
  verb: "is",
  word: (draw) => draw.one(DRINKS),
};

/** Three kinds, always the same. */
export const THREE_KINDS: readonly Kind[] = [TOWN, KEY, DOG];

/** All of them. */
export const FOUR_KINDS: readonly Kind[] = [...THREE_KINDS, DRINK];

/** `count` facts of different kinds about different people. */
export function drawFacts(
  draw: Draw,
  kinds: readonly Kind[],
  count: number,
): Fact[] {
  const people = draw.some(PEOPLE, count);
  return draw.some(kinds, count).map((kind, index) => {
    const { thing, asked, verb } = kind;
    const word = kind.word(draw);
    const begun = `The ${thing} of ${people[index]} ${verb}`;
    return {
      begun,
      word,
      sentence: `${begun} ${word}.`,
      question: `${asked} of ${people[index]}?`,
    };
  });
}
